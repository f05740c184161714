"""What customers are asked after their cases, what they answered, and who must not be asked."""

from alembic import op

from common.edges.migrations import isolate_tenants

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

# `request` is the event `survey.requested` as it was told; until then there is none.
_SURVEY = """
CREATE TABLE survey (
  survey_id uuid PRIMARY KEY,
  tenant text NOT NULL,
  case_id uuid NOT NULL,
  survey text NOT NULL,
  contact text COLLATE "C" NOT NULL,
  conversation text COLLATE "C" NOT NULL,
  resolved_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  agent text,
  state text NOT NULL DEFAULT 'planned'
    CHECK (state IN ('planned', 'requested', 'answered', 'not_asked')),
  reason text,
  requested_at timestamptz,
  request json
) WITH (fillfactor = 80)
"""
_DUE = "CREATE INDEX survey_due ON survey (due_at) WHERE state = 'planned'"
_OF_CASE = "CREATE INDEX survey_case ON survey (case_id)"
_OPEN = "CREATE INDEX survey_open ON survey (conversation, tenant) WHERE state = 'requested'"
_OF_CONTACT = "CREATE INDEX survey_contact ON survey (contact, tenant, requested_at)"

# Every message and activity that was taken for an answer, so that it counts once.
_ANSWER = """
CREATE TABLE survey_answer (
  tenant text NOT NULL,
  answer_event uuid NOT NULL,
  survey_id uuid,
  case_id uuid,
  contact text COLLATE "C" NOT NULL,
  answered_at timestamptz NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (answer_event, tenant)
)
"""
_ANSWERS_OF_CASE = "CREATE INDEX survey_answer_case ON survey_answer (case_id)"

# The last word of each contact to each of our addresses.
_CONSENT = """
CREATE TABLE consent (
  tenant text NOT NULL,
  contact text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  state text NOT NULL,
  changed_at timestamptz NOT NULL,
  message uuid NOT NULL,
  PRIMARY KEY (contact, tenant, address)
)
"""


def upgrade() -> None:
    """Add what asking and hearing answers needs."""
    for statement in (
        *(_SURVEY, _DUE, _OF_CASE, _OPEN, _OF_CONTACT, _ANSWER, _ANSWERS_OF_CASE, _CONSENT),
    ):
        op.execute(statement)
    isolate_tenants("survey", "survey_answer", "consent")
