"""One crash test from an empty stack to a verdict."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.audit import settled, writing
from chaos.havoc import Havoc
from chaos.verdict import Verdict
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack


@dataclass(frozen=True)
class Plan:
    """How much is written at least, how fast, and how much is broken meanwhile.

    Customers write on until all is broken, so that nothing breaks in silence.
    """

    messages: int = 20_000
    per_second: float = 150
    customers_per_channel: int = 20
    kills: int = 15
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """What the timeline held in the end, and what was broken before."""

    verdict: Verdict
    deeds: Sequence[str]

    @property
    def complaints(self) -> list[str]:
        """Return what was not as promised, a sentence each."""
        return self.verdict.complaints


def run(plan: Plan, home: Path, report: Report) -> Outcome:
    """Run a stack of its own in `home` through the plan."""
    with throwaway_stack(home, report) as (stack, _):
        stack.start(report)
        return asyncio.run(_write_and_wreck(plan, stack, report))


async def _write_and_wreck(plan: Plan, stack: Stack, report: Report) -> Outcome:
    havoc = Havoc(stack, plan.kills, plan.seed, report)
    async with writing(stack, plan.customers_per_channel, plan.per_second, report) as ledger:
        await havoc.wreak(lambda: ledger.total / plan.messages)
    await asyncio.to_thread(wait_until_ready, list(stack.services.values()), report)
    return Outcome(await settled(stack, ledger, report), havoc.done)
