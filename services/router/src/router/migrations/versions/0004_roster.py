"""Who was there and able to do what, in order; which requests were answered; lists of cases."""

from alembic import op

from common.edges.migrations import create_idempotency, isolate_tenants

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Every change of a profile or presence, the whole agent each time: a decision or a simulation can
# be told who was signed in at any moment. Within a tenant the sequence is the order of the commits.
_ROSTER = """
CREATE TABLE roster_event (
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  tenant text NOT NULL,
  at timestamptz NOT NULL,
  agent text COLLATE "C" NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (tenant, sequence)
)
"""
_ROSTER_AT = "CREATE INDEX roster_event_at ON roster_event (tenant, at)"

# A queue's open cases in the order in which they are served, and what counting them needs.
_CASES = """
CREATE INDEX support_case_rank ON support_case (tenant, queue, rank, case_id)
 INCLUDE (state, opened_at, first_response_due, told) WHERE state <> 'resolved'
"""
_OFFERS = "CREATE INDEX offer_case ON offer (case_id)"


def upgrade() -> None:
    """Add what agents' tools and supervisors need."""
    for statement in (_ROSTER, _ROSTER_AT, _CASES, _OFFERS):
        op.execute(statement)
    create_idempotency()
    isolate_tenants("roster_event")
