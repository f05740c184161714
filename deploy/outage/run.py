"""One outage test from an empty stack to a verdict."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.audit import settled, writing
from chaos.verdict import Verdict
from common.edges.clock import system_clock
from local_stack.parallel import side_by_side
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.servers import ProcessServers
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack
from outage.phases import Phase, Tally, tally
from outage.probes import TRY_AGAIN, answers
from pretend.writers import Ledger


@dataclass(frozen=True)
class Plan:
    """How fast customers write, and how many seconds each state of things lasts."""

    per_second: float = 200
    customers_per_channel: int = 40
    well_seconds: float = 5
    kafka_away_seconds: float = 60
    both_away_seconds: float = 15


@dataclass(frozen=True)
class Outcome:
    """What the timeline held in the end, and what was acknowledged while what was away."""

    verdict: Verdict
    kafka_away: Mapping[str, Tally]
    both_away: Mapping[str, Tally]
    answers: Mapping[str, int]

    @property
    def complaints(self) -> list[str]:
        """Return what was not as promised, a sentence each."""
        silent = [name for name, found in self.kafka_away.items() if not found.acknowledged]
        hasty = [name for name, found in self.both_away.items() if found.acknowledged]
        return [
            *self.verdict.complaints,
            *(f"{name} acknowledged nothing while Kafka was away" for name in silent),
            *(f"{name} acknowledged a message that nothing could keep" for name in hasty),
            *([] if self.answers == TRY_AGAIN else [f"answers with both away: {self.answers}"]),
        ]


def run(plan: Plan, home: Path, report: Report) -> Outcome:
    """Run a stack of its own in `home` through the plan."""
    with throwaway_stack(home, report) as (stack, servers):
        stack.start(report)
        return asyncio.run(_Outage(plan, stack, servers, report).run())


class _Outage:
    def __init__(self, plan: Plan, stack: Stack, servers: ProcessServers, report: Report) -> None:
        self._plan = plan
        self._stack = stack
        self._servers = servers
        self._report = report
        self._ledger = Ledger()

    async def run(self) -> Outcome:
        plan, stack, report = self._plan, self._stack, self._report
        async with writing(stack, plan.customers_per_channel, plan.per_second, report) as ledger:
            self._ledger = ledger
            kafka_away, both_away, codes = await self._outages()
        await asyncio.to_thread(wait_until_ready, list(stack.services.values()), report)
        verdict = await settled(stack, ledger, report)
        tries = ledger.tries
        return Outcome(verdict, tally(kafka_away, tries), tally(both_away, tries), codes)

    async def _outages(self) -> tuple[Phase, Phase, dict[str, int]]:
        plan, kafka, postgres = self._plan, self._servers.kafka, self._servers.postgres
        codes: dict[str, int] = {}

        async def probe() -> None:
            codes.update(await answers(self._stack, system_clock()))

        await self._phase("all is well", plan.well_seconds)
        await asyncio.to_thread(kafka.stop)
        kafka_away = await self._phase("kafka is away", plan.kafka_away_seconds)
        await asyncio.to_thread(kafka.start)
        await self._phase("all is well again", plan.well_seconds)
        await asyncio.to_thread(side_by_side, [kafka.stop, postgres.stop])
        both_away = await self._phase("both are away", plan.both_away_seconds, probe)
        await asyncio.to_thread(side_by_side, [kafka.start, postgres.start])
        await self._phase("all is well once more", plan.well_seconds)
        return kafka_away, both_away, codes

    async def _phase(
        self, name: str, seconds: float, deed: Callable[[], Awaitable[None]] | None = None
    ) -> Phase:
        loop = asyncio.get_running_loop()
        began, before = loop.time(), self._ledger.total
        if deed is not None:
            await deed()
        await asyncio.sleep(max(0.0, began + seconds - loop.time()))
        done = self._ledger.total - before
        self._report.say("outage", f"{name}: {done} acknowledged in {loop.time() - began:.1f} s")
        return Phase(name, began, loop.time())
