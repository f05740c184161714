"""What each decision was made from, and decisions made anew because something became known."""

from alembic import op

from common.edges.migrations import compress_quickly, isolate_tenants

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# `cause` is the event that had a decision made anew; the nil UUID stands for the message itself.
_NIL = "'00000000-0000-0000-0000-000000000000'"
_CAUSE = f"ALTER TABLE decision ADD COLUMN cause uuid NOT NULL DEFAULT {_NIL}"
_OLD_KEY = "ALTER TABLE decision DROP CONSTRAINT decision_pkey"
_KEY = "ALTER TABLE decision ADD PRIMARY KEY (message_event, tenant, cause)"

# `input_number` tells the order in which decisions were made, as `decision_number` does.
_INPUT = f"""
CREATE TABLE decision_input (
  input_number bigint GENERATED ALWAYS AS IDENTITY,
  tenant text NOT NULL,
  message_event uuid NOT NULL,
  cause uuid NOT NULL DEFAULT {_NIL},
  decided_at timestamptz NOT NULL,
  contact text COLLATE "C" NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (message_event, tenant, cause)
)
"""
_DAYS = "CREATE INDEX decision_input_day ON decision_input (tenant, decided_at, input_number)"

# The contracts and mail domains of a company, as the newest profile that names any has them.
_ACCOUNT = """
CREATE TABLE account (
  tenant text NOT NULL,
  account text COLLATE "C" NOT NULL,
  changed_at timestamptz NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (account, tenant)
)
"""
_ACCOUNT_DOMAIN = """
CREATE TABLE account_domain (
  tenant text NOT NULL,
  domain text COLLATE "C" NOT NULL,
  account text COLLATE "C" NOT NULL,
  PRIMARY KEY (domain, tenant, account)
)
"""
_ACCOUNT_DOMAINS = "CREATE INDEX account_domain_account ON account_domain (account, tenant)"

# Whose waiting cases a company's new contract may be for: its people by profile and by mail domain.
_OF_ACCOUNT = """
CREATE INDEX profile_account ON profile ((body -> 'account' ->> 'account_id'), tenant)
 WHERE body -> 'account' ->> 'account_id' IS NOT NULL
"""
_CONTACT_DOMAIN = """
CREATE INDEX contact_domain ON contact (split_part(contact, '@', 2), tenant)
 WHERE contact LIKE 'email:%'
"""
_CASE_DOMAIN = """
CREATE INDEX support_case_domain ON support_case (split_part(contact, '@', 2), tenant)
 WHERE contact LIKE 'email:%' AND state IN ('waiting', 'held')
"""


def upgrade() -> None:
    """Add what replaying, deciding anew and companies' contracts need."""
    for statement in (
        *(_CAUSE, _OLD_KEY, _KEY, _INPUT, _DAYS, _ACCOUNT, _ACCOUNT_DOMAIN, _ACCOUNT_DOMAINS),
        *(_OF_ACCOUNT, _CONTACT_DOMAIN, _CASE_DOMAIN),
    ):
        op.execute(statement)
    isolate_tenants("decision_input", "account", "account_domain")
    compress_quickly("decision_input", "body")
