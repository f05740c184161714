"""Cases, decisions, and what the router knows of customers."""

from alembic import op

from common.edges.migrations import (
    compress_quickly,
    create_consumer_tables,
    create_outbox,
    isolate_tenants,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A customer other than the one derived from the contact, or a contact that some profile names.
_CONTACT = """
CREATE TABLE contact (
  tenant text NOT NULL,
  contact text COLLATE "C" NOT NULL,
  customer uuid NOT NULL,
  moved_at timestamptz NOT NULL,
  PRIMARY KEY (contact, tenant)
)
"""
_CONTACT_CUSTOMER = "CREATE INDEX contact_customer ON contact (customer)"

# `body` is json, not jsonb: the text as it stood.
_PROFILE = """
CREATE TABLE profile (
  tenant text NOT NULL,
  customer_ref text COLLATE "C" NOT NULL,
  changed_at timestamptz NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (customer_ref, tenant)
)
"""
_PROFILE_CONTACT = """
CREATE TABLE profile_contact (
  tenant text NOT NULL,
  contact text COLLATE "C" NOT NULL,
  customer_ref text COLLATE "C" NOT NULL,
  PRIMARY KEY (contact, tenant, customer_ref)
)
"""
_PROFILE_CONTACTS = "CREATE INDEX profile_contact_ref ON profile_contact (customer_ref, tenant)"

_CASE = """
CREATE TABLE support_case (
  case_id uuid PRIMARY KEY,
  tenant text NOT NULL,
  conversation text COLLATE "C" NOT NULL,
  contact text COLLATE "C" NOT NULL,
  participants jsonb NOT NULL,
  customer uuid NOT NULL,
  channel text NOT NULL,
  state text NOT NULL,
  queue text NOT NULL,
  plan text NOT NULL,
  contract text,
  priority int NOT NULL,
  skills jsonb NOT NULL,
  rank timestamptz NOT NULL,
  first_response_due timestamptz NOT NULL,
  resolution_due timestamptz NOT NULL,
  opened_at timestamptz NOT NULL,
  decided_by uuid NOT NULL,
  subject text,
  resolved_at timestamptz
) WITH (fillfactor = 80)
"""
# At most one open case per conversation is a fact of the database, not a hope of the code.
_ONE_OPEN_CASE = """
CREATE UNIQUE INDEX support_case_open ON support_case (conversation, tenant)
 WHERE state <> 'resolved'
"""
_CONVERSATIONS = """
CREATE INDEX support_case_conversation ON support_case (conversation, tenant, resolved_at)
"""
_QUEUES = """
CREATE INDEX support_case_queue ON support_case (tenant, queue, rank) WHERE state = 'waiting'
"""

# `decision_number` tells the order in which decisions were made; two may share a moment.
_DECISION = """
CREATE TABLE decision (
  decision_number bigint GENERATED ALWAYS AS IDENTITY,
  tenant text NOT NULL,
  message_event uuid NOT NULL,
  case_id uuid NOT NULL,
  decided_at timestamptz NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (message_event, tenant)
)
"""
_DECISIONS = "CREATE INDEX decision_case ON decision (case_id, decision_number)"


def upgrade() -> None:
    """Create everything."""
    for statement in (
        *(_CONTACT, _CONTACT_CUSTOMER, _PROFILE, _PROFILE_CONTACT, _PROFILE_CONTACTS),
        *(_CASE, _ONE_OPEN_CASE, _CONVERSATIONS, _QUEUES, _DECISION, _DECISIONS),
    ):
        op.execute(statement)
    isolate_tenants("contact", "profile", "profile_contact", "support_case", "decision")
    compress_quickly("decision", "body")
    create_consumer_tables()
    create_outbox()
