"""What can be searched: a row for each entry with words, in every generation of the index.

A generation is a whole index of its own: while a new one is built, searches ask the old one.
"""

from alembic import op

from common.edges.migrations import isolate_tenants

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_GENERATION = """
CREATE TABLE search_generation (
  number smallint PRIMARY KEY,
  live boolean NOT NULL
)
"""
_ONE_LIVE = "CREATE UNIQUE INDEX search_generation_live ON search_generation (live) WHERE live"

# `plain` is the text in the form in which it is compared (timeline.core.search_text), `terms` what
# the index holds of it.
_DOCUMENT = """
CREATE TABLE search_document (
  generation smallint NOT NULL,
  tenant text NOT NULL,
  event_id uuid NOT NULL,
  contact_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  kind text NOT NULL,
  channel text,
  direction text,
  plain text COLLATE "C" NOT NULL,
  terms tsvector NOT NULL,
  PRIMARY KEY (event_id, tenant, generation)
) PARTITION BY LIST (generation)
"""
# Under which references something may be said of an entry; many events may share one.
_NAME = """
CREATE TABLE search_name (
  tenant text NOT NULL,
  ref uuid NOT NULL,
  event_id uuid NOT NULL,
  contact_id bigint NOT NULL,
  PRIMARY KEY (ref, tenant, event_id)
)
"""
_CASE = """
CREATE TABLE search_case (
  tenant text NOT NULL,
  event_id uuid NOT NULL,
  case_id uuid NOT NULL,
  PRIMARY KEY (event_id, tenant, case_id)
)
"""
_INDEXES = """
CREATE INDEX search_document_terms ON search_document USING gin (terms);
CREATE INDEX search_document_newest ON search_document (tenant, occurred_at, event_id);
CREATE INDEX search_document_contact ON search_document (contact_id, occurred_at, event_id);
CREATE INDEX search_name_contact ON search_name (contact_id);
CREATE INDEX search_case_case ON search_case (case_id);
ALTER TABLE search_document ALTER COLUMN terms SET STATISTICS 1000
"""

# Postgres asks no index under row-level security unless the operator is known to tell nothing of
# rows that are hidden, and `@@` is not. A condition of the policy itself may use the index. So a
# search says what it wants in a setting of its transaction; without it, every row of the tenant
# is there, as no row has the term `-`.
_SOUGHT = """
CREATE POLICY sought ON search_document AS RESTRICTIVE FOR SELECT USING (
  terms @@ CAST(coalesce(nullif(current_setting('madoguchi.sought', true), ''), '!-') AS tsquery))
"""

# Without a policy of its own, a partition shows nothing to whoever asks it directly.
_ADD = """
CREATE FUNCTION add_search_generation(number smallint) RETURNS void
  LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  name text := 'search_document_' || number;
BEGIN
  EXECUTE format('CREATE TABLE %I PARTITION OF search_document FOR VALUES IN (%s)', name, number);
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
END
$$
"""
_DROP = """
CREATE FUNCTION drop_search_generation(number smallint) RETURNS void
  LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS %I', 'search_document_' || number);
END
$$
"""


def upgrade() -> None:
    for statement in (_GENERATION, _ONE_LIVE, _DOCUMENT, _NAME, _CASE, *_INDEXES.split(";\n")):
        op.execute(statement)
    isolate_tenants("search_document", "search_name", "search_case")
    for statement in (_SOUGHT, _ADD, _DROP):
        op.execute(statement)
    op.execute("INSERT INTO search_generation VALUES (1, true)")
    op.execute("SELECT add_search_generation(CAST(1 AS smallint))")


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
