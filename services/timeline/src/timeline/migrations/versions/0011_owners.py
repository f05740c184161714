"""What finds all owners that a contact had: pages as of a moment, and the writer that hears of an earlier one."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OWNERS = "CREATE INDEX CONCURRENTLY contact_owner_contact ON contact_owner (contact_id)"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(_OWNERS)


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
