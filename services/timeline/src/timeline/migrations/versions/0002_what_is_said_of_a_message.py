"""Whatever speaks of a message is found by the message, whoever says it.

What was written before lacks the references of stored files and of reports on mail: the bus tells
them anew to a timeline that is rebuilt.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CHANGES = "('edit', 'unsend', 'reaction')"


def upgrade() -> None:
    op.execute("ALTER TABLE entry ADD COLUMN about uuid")
    op.execute(
        f"UPDATE entry SET about = message WHERE message IS NOT NULL AND kind IN {_CHANGES}"  # noqa: S608 - a constant
    )
    op.execute("ALTER TABLE amendment ADD COLUMN about uuid")
    op.execute("UPDATE amendment SET about = message")
    op.execute("ALTER TABLE amendment DROP CONSTRAINT amendment_pkey")
    op.execute("ALTER TABLE amendment ALTER COLUMN message DROP NOT NULL")
    op.execute("ALTER TABLE amendment ADD PRIMARY KEY (about, contact_id, event_id)")


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
