"""What more replicas of a service give, where the processor of each is what holds it back."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack

import asyncpg
from msgspec import Struct

from bench.cpu_share import PERIOD_MICROSECONDS, CpuShare, limited
from bench.figures import Figure
from bench.ground import Ground, new_ground
from bench.handled import offsets
from bench.traffic import make_topics, send_messages
from local_stack.report import Report
from local_stack.services import ServiceProcess
from local_stack.stack import Stack


class Plan(Struct, frozen=True):
    """How replicas are measured: `share` of a core each, and more messages a second than one handles."""

    share: float
    per_second: int
    counts: tuple[int, ...] = (1, 2, 4)
    warm: float = 3.0  # seconds
    window: float = 10.0  # seconds

    @property
    def backlog(self) -> int:
        """Return how many messages each replica finds before it."""
        return int(self.per_second * (self.warm + self.window))


PLANS = {"router": Plan(0.15, 1_500), "timeline": Plan(0.1, 3_000)}


class Round(Struct, frozen=True):
    """What some replicas did: messages a second, and how often they wanted more than their share (0 to 1)."""

    rate: float
    held_back: float
    outbox: int


class _Look(Struct, frozen=True):
    at: float
    handled: int
    held_back: int


def measure(stack: Stack, report: Report, service: str, plan: Plan) -> list[Figure]:
    """Measure on a stack whose servers run with their schemas, and whose services do not.

    Raises NoCpuSharesError where processes cannot be limited.
    """
    rounds: dict[int, Round] = {}
    for count in plan.counts:
        report.say("bench", f"{count} × {service} with {plan.share:.0%} of a core each")
        ground = new_ground(stack, report, service, f"{service}-x{count}", {})
        asyncio.run(make_topics(ground.bootstrap, ground.prefix))
        with ground.serving(count, report) as replicas, ExitStack() as held:
            shares = [held.enter_context(_limited(one, plan.share)) for one in replicas]
            rounds[count] = asyncio.run(_round(ground, shares, plan))
        report.say("bench", f"{rounds[count].rate:,.0f} messages/s")
    return list(figures(service, plan, rounds))


def figures(service: str, plan: Plan, rounds: dict[int, Round]) -> Sequence[Figure]:
    """Return the rate of each round, and what it is to one replica's; its limit is as many times as much."""
    one = rounds[plan.counts[0]].rate
    rates = [
        Figure(
            f"{service}_replicas_{count}_messages_per_s",
            found.rate,
            "messages/s",
            note=(
                f"{plan.share:.0%} of a core each, held back in {found.held_back:.0%} of all moments;"
                f" {found.outbox:,} events left in the outbox"
            ),
        )
        for count, found in rounds.items()
    ]
    ratios = [
        Figure(
            f"{service}_scale_ratio_{count}",
            found.rate / one,
            "",
            count,
            "as many times as much as one",
        )
        for count, found in rounds.items()
        if count != plan.counts[0]
    ]
    return rates + ratios


def _limited(replica: ServiceProcess, share: float) -> AbstractContextManager[CpuShare]:
    identity = replica.daemon.identity
    if identity is None:
        raise RuntimeError(f"{replica.name} has ended")
    return limited(identity.pid, share)


async def _round(ground: Ground, shares: Sequence[CpuShare], plan: Plan) -> Round:
    """Put the backlog on the bus before replicas that are limited already, and watch them for a while."""
    backlog = plan.backlog * len(shares)
    database = await ground.database()
    try:
        await send_messages(ground.bootstrap, ground.prefix, backlog)
        await asyncio.sleep(plan.warm)
        before = await _look(ground, database, shares)
        await asyncio.sleep(plan.window)
        after = await _look(ground, database, shares)
        outbox = await database.fetchval("SELECT count(*) FROM outbox")
    finally:
        await database.close()
    if not before.handled < after.handled < backlog:
        raise RuntimeError(
            f"of {backlog} messages, {after.handled} were handled: nothing to compare"
        )
    seconds = after.at - before.at
    return Round(
        rate=(after.handled - before.handled) / seconds,
        held_back=(after.held_back - before.held_back)
        / (len(shares) * seconds * 1e6 / PERIOD_MICROSECONDS),
        outbox=outbox,
    )


async def _look(ground: Ground, database: asyncpg.Connection, shares: Sequence[CpuShare]) -> _Look:
    handled = await offsets(database, ground.group, ground.topic)
    held_back = sum(share.held_back() for share in shares)
    return _Look(asyncio.get_running_loop().time(), sum(handled.values()), held_back)
