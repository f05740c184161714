"""One rolling restart of everything, from an empty stack to a verdict."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from assignment_laws.told import read_everything
from chaos.audit import settled, writing
from chaos.verdict import Verdict
from common.core.topics import MESSAGES
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack
from outage.phases import CHANNELS
from pretend.writers import Try
from rolling.findings import OFTEN, Decided, decided, pauses, percentile, repetitions
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
    seconds: float
    refused_connections: int
    pauses: Mapping[str, Sequence[float]]
    wanted_seconds: float

    @property
    def refusals(self) -> list[Try]:
        """Return the tries that a provider was not acknowledged."""
        return [item for item in self.tries if not item.acknowledged]

    @property
    def p99(self) -> float:
        """Return how long 99 of 100 acknowledgements took at most, in seconds."""
        return percentile(sorted(waited(self.tries)), OFTEN)

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
        if self.p99 > self.wanted_seconds:
            found.append(f"99 of 100 acknowledgements took up to {self.p99:.2f} s")
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
    loop = asyncio.get_running_loop()
    async with Fleet.started(stack, report) as fleet:
        async with writing(stack, plan.customers_per_channel, plan.per_second, report) as ledger:
            await asyncio.sleep(plan.well_seconds)
            began = loop.time()
            replacements = await _replace_all(plan, fleet, report)
            seconds = loop.time() - began
            await asyncio.sleep(plan.well_seconds)
        verdict = await settled(stack, ledger, report)
        kafka = f"{LOOPBACK}:{stack.ports.kafka}"
        messages, routing = (
            await read_everything(kafka, "", MESSAGES.name),
            await read_everything(kafka),
        )
        return Outcome(
            verdict=verdict,
            decided=decided(messages, routing),
            repeated=repetitions(messages) + repetitions(routing),
            replacements=replacements,
            tries=[item for item in ledger.tries if began <= item.sent <= began + seconds],
            seconds=seconds,
            refused_connections=sum(surface.refused for surface in fleet.surfaces),
            pauses=pauses(fleet.logs),
            wanted_seconds=plan.wanted_seconds,
        )


async def _replace_all(plan: Plan, fleet: Fleet, report: Report) -> list[Replacement]:
    done: list[Replacement] = []

    async def replace(deployment: Deployment) -> None:
        done.append(await deployment.replace(plan.pace, report))

    for number in range(plan.rounds):
        report.say("rolling", f"round {number + 1}: one service after the other")
        for deployment in fleet.deployments:
            await replace(deployment)
    for _ in range(plan.together):
        report.say("rolling", "all services at once, as `helm upgrade` does it")
        await asyncio.gather(*map(replace, fleet.deployments))
    return done
