"""What live streams follow is stored as it is: to compress it took as long as to write it down.

Half of it is event ids, of which nothing can be made smaller. Rows of before stay as they are.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMNS = ("contact_ids", "event_ids", "occurred_at", "abouts")


def upgrade() -> None:
    each = ", ".join(f"ALTER COLUMN {name} SET STORAGE EXTERNAL" for name in _COLUMNS)
    op.execute(f"ALTER TABLE change {each}")


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
