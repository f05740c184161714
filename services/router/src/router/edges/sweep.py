"""When the rules change, every case and agent is told anew when to wake: in batches, once for all.

Where the sweep is stands in Postgres, so that any replica goes on with it. A replica that has just
got new rules begins it again: until then it put cases to sleep by the old ones.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from router.core.policy import Policy
from router.core.waking import asleep
from router.edges.due import put_to_sleep, unlocked

AT_ONCE = 500
_FIRST = UUID(int=0)

_WHERE = text("SELECT rules_version, done_to FROM wake_sweep FOR UPDATE SKIP LOCKED")
_AT = text("UPDATE wake_sweep SET rules_version = :version, done_to = :done_to")
_OPEN = text(
    "SELECT case_id FROM support_case WHERE case_id > :after AND state <> 'resolved' "
    "ORDER BY case_id LIMIT :most"
)
# Agents are few: the ticker wakes them and works out the rest.
_WAKE_AGENTS = text(
    """
    UPDATE agent SET wake_at = :now FROM (
      SELECT tenant, agent FROM agent WHERE presence <> 'offline' OR load > 0
       ORDER BY tenant, agent FOR UPDATE
    ) AS locked WHERE agent.tenant = locked.tenant AND agent.agent = locked.agent
    """
)


class Sweep:
    """This replica's part in it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._version: str | None = None  # of the rules that this replica last saw
        self._done = False

    async def go_on(self, policy: Policy, now: datetime) -> bool:
        """Work out when the next cases wake. Return whether there are more."""
        if self._done and self._version == policy.version:
            return False
        async with self._engine.begin() as connection:
            row = (await connection.execute(_WHERE)).one_or_none()
            if row is None:
                return False  # another replica is at it
            done_to: UUID | None = row.done_to
            if self._begins(policy, row.rules_version):
                await connection.execute(_WAKE_AGENTS, {"now": now})
                done_to = _FIRST
            elif row.rules_version != policy.version:
                return False  # another replica knows newer rules
            if done_to is not None:
                done_to = await _next_batch(connection, done_to, policy, now)
                await connection.execute(_AT, {"version": policy.version, "done_to": done_to})
        self._version, self._done = policy.version, done_to is None
        return not self._done

    def _begins(self, policy: Policy, swept: str) -> bool:
        if self._version is None:
            return swept != policy.version
        return self._version != policy.version


async def _next_batch(
    connection: AsyncConnection, after: UUID, policy: Policy, now: datetime
) -> UUID | None:
    """Put the next open cases to sleep anew. Return the last one done, None when there are no more."""
    parameters = {"after": after, "most": AT_ONCE}
    ids = list((await connection.execute(_OPEN, parameters)).scalars())
    cases = await unlocked(connection, ids)
    await put_to_sleep(connection, [asleep(case, policy, now) for case in cases])
    locked = {case.case_id for case in cases}
    done = _before_first_missing(ids, locked)
    if len(done) < len(ids):
        return done[-1] if done else after
    return ids[-1] if len(ids) == AT_ONCE else None


def _before_first_missing(ids: Sequence[UUID], locked: set[UUID]) -> Sequence[UUID]:
    for position, case_id in enumerate(ids):
        if case_id not in locked:
            return ids[:position]
    return ids
