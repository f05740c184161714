"""Agents, offers, and what a case has to do with both."""

from alembic import op

from common.edges.migrations import isolate_tenants

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# `lane` names what is asked of whoever answers: within a queue, a channel and a lane cases differ
# in their rank only, so the first of each is all that matching has to look at.
_CASE = """
ALTER TABLE support_case
  ADD COLUMN queued_at timestamptz,
  ADD COLUMN units int NOT NULL DEFAULT 1,
  ADD COLUMN version int NOT NULL DEFAULT 1,
  ADD COLUMN agent text,
  ADD COLUMN offer uuid,
  ADD COLUMN preferred text,
  ADD COLUMN reserved_until timestamptz,
  ADD COLUMN refusals jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN ring int NOT NULL DEFAULT 0,
  ADD COLUMN held_until timestamptz,
  ADD COLUMN first_responded_at timestamptz,
  ADD COLUMN paused_at timestamptz,
  ADD COLUMN told jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN wake_at timestamptz,
  ADD COLUMN lane text COLLATE "C" NOT NULL
    GENERATED ALWAYS AS (channel || ' ' || units::text || ' ' || skills::text) STORED
"""
_QUEUED = "UPDATE support_case SET queued_at = opened_at"
_QUEUED_ALWAYS = "ALTER TABLE support_case ALTER COLUMN queued_at SET NOT NULL"
# Nobody can have two: the index refuses a second agent as it refuses a second open case.
_HELD_BY_SOMEBODY = """
ALTER TABLE support_case ADD CONSTRAINT support_case_agent
  CHECK ((agent IS NOT NULL) = (state IN ('offered', 'assigned')))
"""
_OLD_QUEUES = "DROP INDEX support_case_queue"
_LANES = """
CREATE INDEX support_case_lane ON support_case (tenant, queue, lane, rank, case_id)
 WHERE state = 'waiting'
"""
_OF_AGENT = """
CREATE INDEX support_case_agent ON support_case (tenant, agent) WHERE agent IS NOT NULL
"""
_WAKING = "CREATE INDEX support_case_wake ON support_case (wake_at) WHERE wake_at IS NOT NULL"
_OF_CUSTOMER = "CREATE INDEX support_case_customer ON support_case (customer, tenant)"

# `free` is the room of somebody who takes work, as far as it does not depend on the time.
_AGENT = """
CREATE TABLE agent (
  tenant text NOT NULL,
  agent text COLLATE "C" NOT NULL,
  name text,
  team text,
  skills jsonb NOT NULL,
  queues jsonb NOT NULL,
  capacity int NOT NULL,
  channels jsonb NOT NULL,
  presence text NOT NULL,
  seen_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  wrap_up_until timestamptz,
  used jsonb NOT NULL,
  load int NOT NULL,
  free_since timestamptz NOT NULL,
  version int NOT NULL,
  wake_at timestamptz,
  PRIMARY KEY (tenant, agent)
) WITH (fillfactor = 70)
"""
_AGENT_FREE = """
CREATE INDEX agent_free ON agent (tenant, free_since, agent)
 WHERE presence = 'online' AND load < capacity
"""
_AGENT_WAKING = "CREATE INDEX agent_wake ON agent (wake_at) WHERE wake_at IS NOT NULL"
_AGENT_QUEUE = """
CREATE TABLE agent_queue (
  tenant text NOT NULL,
  queue text COLLATE "C" NOT NULL,
  agent text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, queue, agent)
)
"""
_QUEUES_OF_AGENT = "CREATE INDEX agent_queue_agent ON agent_queue (tenant, agent)"
# Queues that share an agent share a shard, and one transaction at a time matches in a shard.
_SHARD = """
CREATE TABLE queue_shard (
  tenant text NOT NULL,
  queue text COLLATE "C" NOT NULL,
  shard text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, queue)
)
"""
_SHARDS = "CREATE INDEX queue_shard_shard ON queue_shard (tenant, shard)"

_OFFER = """
CREATE TABLE offer (
  offer_id uuid PRIMARY KEY,
  tenant text NOT NULL,
  case_id uuid NOT NULL,
  agent text COLLATE "C" NOT NULL,
  queue text NOT NULL,
  state text NOT NULL,
  made_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  agent_version int NOT NULL,
  ended_at timestamptz
) WITH (fillfactor = 80)
"""
_ONE_OFFER = "CREATE UNIQUE INDEX offer_made ON offer (case_id) WHERE state = 'made'"
_FEED = "CREATE INDEX offer_feed ON offer (tenant, agent, agent_version)"


def upgrade() -> None:
    """Add what assignment needs."""
    for statement in (
        *(_CASE, _QUEUED, _QUEUED_ALWAYS, _HELD_BY_SOMEBODY, _OLD_QUEUES, _LANES, _OF_AGENT),
        *(_WAKING, _OF_CUSTOMER, _AGENT, _AGENT_FREE, _AGENT_WAKING, _AGENT_QUEUE),
        *(_QUEUES_OF_AGENT, _SHARD, _SHARDS, _OFFER, _ONE_OFFER, _FEED),
    ):
        op.execute(statement)
    isolate_tenants("agent", "agent_queue", "queue_shard", "offer")
