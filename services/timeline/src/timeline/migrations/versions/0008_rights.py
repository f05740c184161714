"""The rights of the people in the history: erasure, legal hold, retention, export, who read whom."""

from alembic import op

from common.edges.migrations import create_erased_names, isolate_tenants

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# `customers` and `contacts` (rows) are what is still to be deleted, and empty when it is: then
# nothing here names anybody. `asked_by` is the privacy officer's subject, `reference` their file's.
_ERASURE = """
CREATE TABLE erasure (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  basis text NOT NULL,
  reference text,
  asked_by text NOT NULL,
  erased_at timestamptz NOT NULL,
  state text NOT NULL,
  customers uuid[] NOT NULL,
  contacts bigint[] NOT NULL,
  counts jsonb NOT NULL DEFAULT '{}',
  gone_at timestamptz,
  certificate json
);
CREATE INDEX erasure_open ON erasure (erased_at) WHERE state <> 'closed';
CREATE TABLE erasure_confirmation (
  tenant text NOT NULL,
  erasure uuid NOT NULL,
  service text NOT NULL,
  counts jsonb NOT NULL,
  forgotten_at timestamptz NOT NULL,
  PRIMARY KEY (erasure, service)
);
CREATE TABLE erased_event (
  tenant text NOT NULL,
  mark bytea NOT NULL,
  PRIMARY KEY (mark, tenant)
);
CREATE TABLE erasure_object (
  tenant text NOT NULL,
  ref text COLLATE "C" NOT NULL,
  erasure uuid,
  PRIMARY KEY (ref, tenant)
)
"""
_BY_CONTACT = "CREATE INDEX amendment_contact ON amendment (contact_id)"

# A hold is of the customer whom `customer_id` means today. Rows are never deleted while it lasts.
_HOLD = """
CREATE TABLE legal_hold (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  customer_id uuid NOT NULL,
  reason text NOT NULL,
  placed_by text NOT NULL,
  placed_at timestamptz NOT NULL,
  released_by text,
  released_at timestamptz
);
CREATE UNIQUE INDEX legal_hold_one ON legal_hold (customer_id, tenant) WHERE released_at IS NULL
"""

# `kind` and `channel` are '*' for any; of several that fit an entry the shortest counts.
_RETENTION = """
CREATE TABLE retention_rule (
  tenant text NOT NULL,
  kind text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  days int NOT NULL CHECK (days > 0),
  set_by text NOT NULL,
  set_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, kind, channel)
)
"""

# `hash` is over the record and the hash before it, per tenant: what is changed or missing shows.
_ACCESS = """
CREATE TABLE access_log (
  tenant text NOT NULL,
  sequence bigint NOT NULL,
  at timestamptz NOT NULL,
  subject text NOT NULL,
  route text NOT NULL,
  customer_id uuid,
  request_id text NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (tenant, sequence)
);
CREATE INDEX access_log_customer ON access_log (customer_id, sequence) WHERE customer_id IS NOT NULL
"""
_UNCHANGED = """
CREATE FUNCTION access_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the access log is only ever added to' USING ERRCODE = 'insufficient_privilege';
END
$$
"""
_TRIGGERS = """
CREATE TRIGGER access_log_rows BEFORE UPDATE OR DELETE ON access_log
  FOR EACH ROW EXECUTE FUNCTION access_log_is_append_only();
CREATE TRIGGER access_log_whole BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
  FOR EACH STATEMENT EXECUTE FUNCTION access_log_is_append_only();
ALTER TABLE access_log ENABLE ALWAYS TRIGGER access_log_rows;
ALTER TABLE access_log ENABLE ALWAYS TRIGGER access_log_whole;
REVOKE UPDATE, DELETE, TRUNCATE ON access_log FROM PUBLIC, CURRENT_USER
"""

_EXPORT = """
CREATE TABLE export_job (
  id uuid PRIMARY KEY,
  tenant text NOT NULL,
  customer_id uuid NOT NULL,
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL,
  state text NOT NULL,
  entries int NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  sha256 text,
  ready_at timestamptz,
  expires_at timestamptz
);
CREATE INDEX export_job_open ON export_job (asked_at) WHERE state IN ('asked', 'ready')
"""

_TENANTS = (
    *("erasure", "erasure_confirmation", "erased_event", "erasure_object", "legal_hold"),
    *("retention_rule", "access_log", "export_job"),
)


def upgrade() -> None:
    for group in (_ERASURE, _BY_CONTACT, _HOLD, _RETENTION, _ACCESS, _EXPORT):
        _each(group)
    create_erased_names()
    isolate_tenants(*_TENANTS)
    op.execute(_UNCHANGED)
    _each(_TRIGGERS)


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")


def _each(statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        op.execute(statement)
