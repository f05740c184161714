"""One rolling restart of everything, from an empty stack to a verdict."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from chaos.audit import settled, writing
from chaos.verdict import Verdict
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack
from outage.phases import CHANNELS, Phase
from pretend.writers import Try
from rolling.findings import OFTEN, Decided, heard, pauses, percentile
from rolling.fleet import Deployment, Fleet, Pace, Replacement

WANTED_SECONDS = 1.0  # for 99 of 100 acknowledgements


@dataclass(frozen=True)
class Plan:
    """How fast customers write, and how often everything is replaced.

    First `rounds` in which one service follows the other, then, as `helm upgrade` does it,
    `together` in which all are replaced at once.
    """

    per_second: float = 200
    customers_per_channel: int = 40
    rounds: int = 2
    together: int = 1
    well_seconds: float = 5
    pace: Pace = field(default_factory=Pace)
    wanted_seconds: float = WANTED_SECONDS


@dataclass(frozen=True)
class Outcome:
    """What was acknowledged while processes came and went, and what bus and timeline made of it."""

    verdict: Verdict
    decided: Decided
    repeated: int
    replacements: Sequence[Replacement]
    tries: Sequence[Try]
    phases: Sequence[Phase]
    refused_connections: int
    pauses: Mapping[str, Sequence[float]]
    wanted_seconds: float

    @property
    def refusals(self) -> list[Try]:
        """Return the tries that a provider was not acknowledged."""
        return [item for item in self.tries if not item.acknowledged]

    @property
    def seconds(self) -> float:
        """Return how long processes were replaced."""
        return sum(phase.seconds for phase in self.phases)

    def during(self, phase: Phase) -> list[Try]:
        """Return what was sent in one phase, however long its answer took."""
        return [item for item in self.tries if phase.began <= item.sent < phase.ended]

    @property
    def complaints(self) -> list[str]:
        """Return what was not as promised, a sentence each."""
        late = [item.service for item in self.replacements if not item.ended_by_itself]
        found = [
            *self.verdict.complaints,
            *([] if self.decided.is_exact else [f"the bus is not exact: {self.decided}"]),
            *(f"{name} had to be killed: it did not drain in time" for name in late),
        ]
        if self.refusals:
            found.append(f"providers were refused {len(self.refusals)} times")
        for phase in self.phases:
            late_after = percentile(sorted(waited(self.during(phase))), OFTEN)
            if late_after > self.wanted_seconds:
                found.append(
                    f"{phase.name}: 99 of 100 acknowledgements took up to {late_after:.2f} s"
                )
        return found


def waited(tries: Sequence[Try], channel: str = "") -> list[float]:
    """Return how long acknowledgements took, in seconds, on one channel or all."""
    return [
        item.answered - item.sent
        for item in tries
        if item.acknowledged
        if channel in ("", CHANNELS[item.contact.partition(":")[0]])
    ]


def run(plan: Plan, home: Path, report: Report) -> Outcome:
    """Run a stack of its own in `home` through the plan."""
    with throwaway_stack(home, report) as (stack, _):
        stack.start_schemas(report)
        return uvloop.run(_roll(plan, stack, report))


async def _roll(plan: Plan, stack: Stack, report: Report) -> Outcome:
    async with Fleet.started(stack, report) as fleet:
        async with writing(stack, plan.customers_per_channel, plan.per_second, report) as ledger:
            await asyncio.sleep(plan.well_seconds)
            replacements, phases = await _replace_all(plan, fleet, report)
            await asyncio.sleep(plan.well_seconds)
        verdict = await settled(stack, ledger, report)
        decisions, repeated = await heard(f"{LOOPBACK}:{stack.ports.kafka}")
        return Outcome(
            verdict=verdict,
            decided=decisions,
            repeated=repeated,
            replacements=replacements,
            tries=[
                item for item in ledger.tries if phases[0].began <= item.sent < phases[-1].ended
            ],
            phases=phases,
            refused_connections=sum(surface.refused for surface in fleet.surfaces),
            pauses=pauses(fleet.logs),
            wanted_seconds=plan.wanted_seconds,
        )


async def _replace_all(
    plan: Plan, fleet: Fleet, report: Report
) -> tuple[list[Replacement], list[Phase]]:
    done: list[Replacement] = []
    phases: list[Phase] = []
    loop = asyncio.get_running_loop()

    async def replace(deployment: Deployment) -> None:
        done.append(await deployment.replace(plan.pace, report))

    @asynccontextmanager
    async def phase(name: str) -> AsyncIterator[None]:
        report.say("rolling", name)
        began = loop.time()
        yield
        phases.append(Phase(name, began, loop.time()))

    for _ in range(plan.rounds):
        async with phase("one service after the other"):
            for deployment in fleet.deployments:
                await replace(deployment)
    for _ in range(plan.together):
        async with phase("all services at once"):  # as `helm upgrade` does it
            await asyncio.gather(*map(replace, fleet.deployments))
    return done, phases
