"""Customers on a stack, and whether its timeline holds what they were told is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import httpx

from chaos.verdict import Verdict, judge
from common.edges.accounts import load_accounts
from common.edges.clock import system_clock
from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.stack import Stack
from pretend.connections import PATIENCE_SECONDS, WebhookSender
from pretend.readers import RECEIVED, ROUTED, TimelineReader
from pretend.writers import Ledger, message_number, write_until, writers_of_all_channels

ACCOUNTS = ROOT / "deploy" / "local" / "accounts.yaml"
SETTLE_SECONDS = 120


@asynccontextmanager
async def writing(
    stack: Stack, each: int, per_second: float, report: Report
) -> AsyncIterator[Ledger]:
    """Let `each` customers on every channel write inside the block, together about `per_second`.

    The block ends once each has the acknowledgement that he waits for.
    """
    ports, ledger, over = stack.ports, Ledger(), asyncio.Event()
    with (
        closing(WebhookSender(ports.services["ingest_sms"])) as sms,
        closing(WebhookSender(ports.services["ingest_social"])) as social,
    ):
        accounts = load_accounts(ACCOUNTS, {})
        writers = writers_of_all_channels(accounts, sms, social, (LOOPBACK, ports.smtp), each)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write_until(over.is_set, writers, per_second, system_clock, ledger))
            yield ledger
            over.set()
    report.say("writers", f"{ledger.total} acknowledged, {ledger.refusals} tries refused")


async def settled(stack: Stack, ledger: Ledger, report: Report) -> Verdict:
    """Read every history until nothing is missing any more, or the time for it is over."""
    token = stack.key.token(
        tenant="acme", scopes=["timeline:read"], subject="audit", now=system_clock()
    )
    url = f"http://{LOOPBACK}:{stack.ports.services['timeline']}"
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        return await _settled(ledger, TimelineReader(client, url, token), report)


async def _settled(ledger: Ledger, reader: TimelineReader, report: Report) -> Verdict:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    while True:
        is_over = loop.time() > deadline
        try:
            verdict = await _verdict(ledger, reader)
        except httpx.HTTPError as error:  # what has only just started may not answer yet
            if is_over:
                raise
            report.say("timeline", repr(error))
        else:
            report.say("timeline", str(verdict))
            if verdict.is_exact or is_over:
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
