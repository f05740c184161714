"""Who was erased; and what finds all that was decided about somebody's messages."""

from alembic import op

from common.edges.migrations import create_erased_names

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INPUTS = "CREATE INDEX decision_input_contact ON decision_input (contact, tenant)"
_ANSWERS = "CREATE INDEX survey_answer_contact ON survey_answer (contact, tenant)"


def upgrade() -> None:
    """Add what erasing needs."""
    op.execute(_INPUTS)
    op.execute(_ANSWERS)
    create_erased_names()
