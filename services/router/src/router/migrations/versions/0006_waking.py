"""What the ticker needs: until when a case is offered, which messages answered, which rules hold."""

from alembic import op

from common.edges.migrations import isolate_tenants

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OFFERED = "ALTER TABLE support_case ADD COLUMN offered_until timestamptz"
_OFFERED_SINCE = """
UPDATE support_case SET offered_until = offer.expires_at FROM offer
 WHERE support_case.offer = offer.offer_id AND support_case.state = 'offered'
"""

# A message of the company's that the bus brings twice answers once.
_ANSWER = """
CREATE TABLE answer (
  tenant text NOT NULL,
  message_event uuid NOT NULL,
  case_id uuid NOT NULL,
  answered_at timestamptz NOT NULL,
  PRIMARY KEY (message_event, tenant)
)
"""

# The rules by which every wake_at was worked out last, and how far that has come: one row, not a
# tenant's. `done_to` is the last case; NULL, all of them.
_OPEN = "CREATE INDEX support_case_unresolved ON support_case (case_id) WHERE state <> 'resolved'"
_SWEEP = """
CREATE TABLE wake_sweep (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  rules_version text NOT NULL,
  done_to uuid
)
"""
_NEVER_SWEPT = "INSERT INTO wake_sweep (rules_version) VALUES ('')"


def upgrade() -> None:
    """Add what the ticker needs."""
    for statement in (_OFFERED, _OFFERED_SINCE, _ANSWER, _OPEN, _SWEEP, _NEVER_SWEPT):
        op.execute(statement)
    isolate_tenants("answer")
