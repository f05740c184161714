"""One crash test from an empty stack to a verdict."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx

from chaos.audit import reader_of, settled, writers_on
from chaos.havoc import Havoc
from chaos.verdict import Verdict
from common.edges.clock import system_clock
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack
from pretend.writers import Ledger, write_all

CLIENT_SECONDS = 10  # shorter than Twilio's patience, longer than LINE's


@dataclass(frozen=True)
class Plan:
    """How much is written, how fast, and how much is broken meanwhile."""

    messages: int = 20_000
    per_second: float = 150
    customers_per_channel: int = 20
    kills: int = 15
    seed: int = 1


def run(plan: Plan, home: Path, report: Report) -> tuple[Verdict, list[str]]:
    """Run a stack of its own in `home` through the plan; return the verdict and the deeds."""
    with throwaway_stack(home, report) as (stack, _):
        stack.start(report)
        return asyncio.run(_write_and_wreck(plan, stack, report))


async def _write_and_wreck(plan: Plan, stack: Stack, report: Report) -> tuple[Verdict, list[str]]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=CLIENT_SECONDS, limits=limits) as client:
        writers = writers_on(stack, client, plan.customers_per_channel)
        each = -(-plan.messages // len(writers))  # rounded up: never fewer than asked for
        total = each * len(writers)
        ledger = Ledger()
        havoc = Havoc(stack, plan.kills, plan.seed, report)
        wreaking = asyncio.create_task(havoc.wreak(lambda: ledger.total / total))
        await write_all(writers, each, plan.per_second, system_clock, ledger)
        await wreaking
        report.say("writers", f"{ledger.total} acknowledged, {ledger.refusals} tries refused")
        await asyncio.to_thread(wait_until_ready, list(stack.services.values()), report)
        reader = reader_of(stack, client, "chaos")
        return await settled(ledger, reader, report), havoc.done
