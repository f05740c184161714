"""One crash test from an empty stack to a verdict."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from chaos.havoc import Havoc
from chaos.verdict import Verdict, judge
from common.edges.accounts import load_accounts
from common.edges.clock import system_clock
from local_stack.layout import ROOT, Ports
from local_stack.ports import LOOPBACK
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.servers import ProcessServers
from local_stack.stack import Stack
from pretend.readers import RECEIVED, ROUTED, TimelineReader
from pretend.writers import Ledger, Writer, message_number, write_all, writers_of_all_channels

ACCOUNTS = ROOT / "deploy" / "local" / "accounts.yaml"
SETTLE_SECONDS = 120
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
    stack = Stack(home, Ports.free())
    stack.servers = ProcessServers(home, stack.ports)
    try:
        stack.start(report)
        return asyncio.run(_write_and_wreck(plan, stack, report))
    finally:
        stack.destroy(report)


async def _write_and_wreck(plan: Plan, stack: Stack, report: Report) -> tuple[Verdict, list[str]]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=CLIENT_SECONDS, limits=limits) as client:
        writers = _writers(plan, stack, client)
        each = -(-plan.messages // len(writers))  # rounded up: never fewer than asked for
        total = each * len(writers)
        ledger = Ledger()
        havoc = Havoc(stack, plan.kills, plan.seed, report)
        wreaking = asyncio.create_task(havoc.wreak(lambda: ledger.total / total))
        await write_all(writers, each, plan.per_second, system_clock, ledger)
        await wreaking
        report.say("writers", f"{ledger.total} acknowledged, {ledger.refusals} tries refused")
        await asyncio.to_thread(wait_until_ready, list(stack.services.values()), report)
        reader = _reader(stack, client)
        return await _settled(ledger, reader, report), havoc.done


async def _settled(ledger: Ledger, reader: TimelineReader, report: Report) -> Verdict:
    """Read until nothing is missing any more, or the time for it is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    while True:
        verdict = await _verdict(ledger, reader)
        report.say("timeline", str(verdict))
        if verdict.is_exact or loop.time() > deadline:
            return verdict
        await asyncio.sleep(2)


async def _verdict(ledger: Ledger, reader: TimelineReader) -> Verdict:
    shown: dict[str, list[int]] = {}
    decisions: dict[str, int] = {}
    for contact in ledger.acknowledged:
        customer = await reader.customer(contact)
        entries = await reader.entries(customer["id"]) if customer else []
        shown[contact] = [
            message_number(entry["data"]["text"]) for entry in entries if entry["type"] == RECEIVED
        ]
        decisions[contact] = sum(entry["type"] == ROUTED for entry in entries)
    return judge(ledger.acknowledged, shown, decisions)


def _writers(plan: Plan, stack: Stack, client: httpx.AsyncClient) -> Sequence[Writer]:
    ports = stack.ports
    return writers_of_all_channels(
        client,
        load_accounts(ACCOUNTS, {}),
        f"http://{LOOPBACK}:{ports.services['ingest_sms']}",
        f"http://{LOOPBACK}:{ports.services['ingest_social']}",
        (LOOPBACK, ports.smtp),
        plan.customers_per_channel,
    )


def _reader(stack: Stack, client: httpx.AsyncClient) -> TimelineReader:
    token = stack.key.token(
        tenant="acme", scopes=["timeline:read"], subject="chaos", now=system_clock()
    )
    return TimelineReader(client, f"http://{LOOPBACK}:{stack.ports.services['timeline']}", token)
