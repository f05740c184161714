"""Pages of what is asked for only: by channel, kind, direction, conversation, case, and as of a moment.

What was written before lacks conversations and cases: the bus tells them anew to a timeline that is
rebuilt.
"""

from alembic import op

from common.edges.migrations import isolate_tenants

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = "ADD COLUMN conversation uuid, ADD COLUMN case_id uuid"

# Everything that a filter asks lies in the index (`tenant` is asked by row-level security), so
# entries that do not fit cost no look at the table.
_PAGES = """
CREATE INDEX entry_page ON entry (contact_id, occurred_at, topic, partition, "offset")
 INCLUDE (tenant, learned_at, kind, channel, direction, conversation)
"""

# Which message belongs to which case: an entry is never changed, and the router tells it later.
_CASE_MESSAGE = """
CREATE TABLE case_message (
  tenant text NOT NULL,
  event_id uuid NOT NULL,
  case_id uuid NOT NULL,
  learned_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, tenant, case_id)
)
"""


def upgrade() -> None:
    for table in ("entry", "amendment"):
        op.execute(f"ALTER TABLE {table} {_COLUMNS}")
    op.execute("DROP INDEX entry_page")
    op.execute(_PAGES)
    op.execute(_CASE_MESSAGE)
    isolate_tenants("case_message")


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
