"""Service figures: what each case and message counts, and how often everything was counted.

All but profiles of agents and targets lies in generations, as the search's index does: while a new
one is built, questions are answered from the old one.
"""

from alembic import op

from common.edges.migrations import isolate_tenants

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_GENERATION = """
CREATE TABLE figure_generation (
  number smallint PRIMARY KEY,
  live boolean NOT NULL
)
"""
_ONE_LIVE = "CREATE UNIQUE INDEX figure_generation_live ON figure_generation (live) WHERE live"

# `facts` is all that events said of a case (timeline.core.figures_facts); `counted` what stands of it
# in figure_count, to be taken back exactly when more is known; `story` what a desk is shown.
_CASE = """
CREATE TABLE figure_case (
  generation smallint NOT NULL,
  tenant text NOT NULL,
  case_id uuid NOT NULL,
  contact text COLLATE "C" NOT NULL,
  open boolean NOT NULL,
  last_at timestamptz NOT NULL,
  facts bytea NOT NULL,
  counted bytea NOT NULL,
  story bytea NOT NULL,
  PRIMARY KEY (case_id, tenant, generation)
) PARTITION BY LIST (generation)
"""
_CASES_OF_CONTACT = """
CREATE INDEX figure_case_contact ON figure_case (contact, tenant, generation, last_at DESC)
"""
# Which cases an agent's team is counted in, to be counted again when we hear of another team later.
_CASE_AGENT = """
CREATE TABLE figure_case_agent (
  generation smallint NOT NULL,
  tenant text NOT NULL,
  agent text COLLATE "C" NOT NULL,
  case_id uuid NOT NULL,
  PRIMARY KEY (agent, tenant, case_id, generation)
) PARTITION BY LIST (generation)
"""
_MESSAGE = """
CREATE TABLE figure_message (
  generation smallint NOT NULL,
  tenant text NOT NULL,
  event_id uuid NOT NULL,
  measure text COLLATE "C" NOT NULL,
  quarter int NOT NULL,
  channel text COLLATE "C" NOT NULL,
  PRIMARY KEY (event_id, tenant, generation)
) PARTITION BY LIST (generation)
"""
# How many equal observations there are. `quarter` numbers the quarters of an hour since 1970.
_COUNT = """
CREATE TABLE figure_count (
  generation smallint NOT NULL,
  tenant text NOT NULL,
  measure text COLLATE "C" NOT NULL,
  quarter int NOT NULL,
  channel text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL,
  plan text COLLATE "C" NOT NULL,
  team text COLLATE "C" NOT NULL,
  agent text COLLATE "C" NOT NULL,
  value bigint NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (measure, tenant, quarter, channel, queue, plan, team, agent, value, generation)
) PARTITION BY LIST (generation)
"""
_AGENT = """
CREATE TABLE figure_agent (
  tenant text NOT NULL,
  agent text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  since timestamptz NOT NULL,
  team text COLLATE "C" NOT NULL,
  PRIMARY KEY (agent, tenant, version)
)
"""
# In force from the day `since` on, until the next one of the same name.
_TARGET = """
CREATE TABLE figure_target (
  tenant text NOT NULL,
  id uuid NOT NULL,
  figure text NOT NULL,
  statistic text NOT NULL,
  period text NOT NULL,
  dimension text,
  member text,
  since date NOT NULL,
  target double precision,
  set_by text NOT NULL,
  set_at timestamptz NOT NULL,
  PRIMARY KEY (id, tenant)
)
"""

_GENERATIONAL = "ARRAY['figure_case', 'figure_case_agent', 'figure_message', 'figure_count']"
# Without a policy of its own, a partition shows nothing to whoever asks it directly.
_ADD = f"""
CREATE FUNCTION add_figure_generation(number smallint) RETURNS void
  LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  whole text;
  name text;
BEGIN
  FOREACH whole IN ARRAY {_GENERATIONAL} LOOP
    name := whole || '_' || number;
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES IN (%s)', name, whole, number);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
  END LOOP;
END
$$
"""
_DROP = f"""
CREATE FUNCTION drop_figure_generation(number smallint) RETURNS void
  LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  whole text;
BEGIN
  FOREACH whole IN ARRAY {_GENERATIONAL} LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I', whole || '_' || number);
  END LOOP;
END
$$
"""


def upgrade() -> None:
    for statement in (_GENERATION, _ONE_LIVE, _CASE, _CASES_OF_CONTACT, _CASE_AGENT, _MESSAGE):
        op.execute(statement)
    for statement in (_COUNT, _AGENT, _TARGET):
        op.execute(statement)
    isolate_tenants("figure_case", "figure_case_agent", "figure_message", "figure_count")
    isolate_tenants("figure_agent", "figure_target")
    for statement in (_ADD, _DROP):
        op.execute(statement)
    op.execute("INSERT INTO figure_generation VALUES (1, true)")
    op.execute("SELECT add_figure_generation(CAST(1 AS smallint))")


def downgrade() -> None:
    raise NotImplementedError("history is not undone by a migration: restore a backup")
