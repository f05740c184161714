"""A customer's open cases are found by themselves, however many are done."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = "CREATE INDEX figure_case_open ON figure_case (contact, tenant, generation) WHERE open"


def upgrade() -> None:
    op.execute(_OPEN)


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
