"""A company at its largest: agents, queues, profiles and waiting cases, put straight into Postgres."""

from pathlib import Path

import asyncpg
from msgspec import Struct

from local_stack.layout import ROOT

TENANT = "acme"
SKILLS = 40

_AGENTS = """
INSERT INTO agent (tenant, agent, name, skills, queues, capacity, channels, presence, seen_at,
                   changed_at, used, load, free_since, version)
SELECT 'acme', 'agent-' || n, '担当 ' || n,
       (SELECT jsonb_object_agg('s' || ((profile * 7 + k * 13) % {skills}), 1 + (profile * 3 + k) % 5)
          FROM generate_series(1, 1 + profile % 4) AS k),
       '[]', 3, '{{}}', 'online', now(), now(), '{{}}', 0,
       now() - make_interval(secs => n % 1000), 1
  FROM (SELECT n, (n * 31) % {profiles} AS profile FROM generate_series(1, {agents}) AS n) AS one
"""
_MEMBERS = """
INSERT INTO agent_queue (tenant, queue, agent)
SELECT DISTINCT 'acme', 'q' || ((n * k * 17 + k * 101) % {queues}), 'agent-' || n
  FROM generate_series(1, {agents}) AS n, generate_series(1, 3) AS k
"""
_QUEUES_OF = """
UPDATE agent SET queues = (
  SELECT jsonb_agg(queue) FROM agent_queue WHERE agent_queue.agent = agent.agent
)
"""
# Three queues each are enough to tie all of them together.
_SHARDS = "INSERT INTO queue_shard SELECT DISTINCT tenant, queue, 'q0' FROM agent_queue"
_CASES = """
INSERT INTO support_case (case_id, tenant, conversation, contact, participants, customer, channel,
                          state, queue, plan, priority, skills, rank, first_response_due,
                          resolution_due, opened_at, decided_by, queued_at, subject, wake_at)
SELECT gen_random_uuid(), 'acme', 'line:main:U' || n, 'line:main:U' || n, '[]', gen_random_uuid(),
       'line', 'waiting', 'q' || (n % {queues}), 'default', 10,
       CASE WHEN n % 3 = 0 THEN '{{}}'::jsonb
            ELSE jsonb_build_object('s' || ((n * 7) % {skills}), 1 + n % 2) END,
       now() + make_interval(secs => (n::bigint * 7919) % 100000), now() + interval '8 hours',
       now() + interval '40 hours', now(), gen_random_uuid(), now(), 'ルーターがつながりません',
       now() + interval '6 hours'
  FROM generate_series(1, {cases}) AS n
"""
# As if they had been put to sleep by these rules: the ticker has nothing to do before it is time.
_SWEPT = "UPDATE wake_sweep SET rules_version = $1, done_to = NULL"


class Sizes(Struct, frozen=True):
    """How many of each."""

    agents: int = 15_000
    queues: int = 5_000
    profiles: int = 300
    cases: int = 500_000


async def fill(database: asyncpg.Connection, sizes: Sizes, rules_version: str) -> None:
    """Put a whole company into an empty router schema; takes a minute or two."""
    numbers = {name: getattr(sizes, name) for name in sizes.__struct_fields__}
    for statement in (_AGENTS, _MEMBERS, _QUEUES_OF, _SHARDS, _CASES):
        await database.execute(statement.format(skills=SKILLS, **numbers), timeout=None)
    await database.execute(_SWEPT, rules_version)
    await database.execute("VACUUM ANALYZE")


def write_rules(path: Path, sizes: Sizes) -> None:
    """Write the local stack's rules with as many queues and skills more, and no time that ends soon."""
    lines: list[str] = []
    for line in (ROOT / "deploy" / "local" / "rules.yaml").read_text("utf-8").splitlines():
        lines.append(line)
        if line == "skills:":
            lines += [f"  s{number}: 技能 {number}" for number in range(SKILLS)]
        if line == "queues:":
            lines += [
                f"  q{number}: {{sentence: 窓口 {number}, calendar: always}}"
                for number in range(sizes.queues)
            ]
    lines.append("assignment: {offer_timeout: 12h, heartbeat: 12h}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
