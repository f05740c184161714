"""Customers on a stack, and whether its timeline holds what they were told is kept."""

import asyncio
from collections.abc import Sequence

import httpx

from chaos.verdict import Verdict, judge
from common.edges.accounts import load_accounts
from common.edges.clock import system_clock
from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.stack import Stack
from pretend.readers import RECEIVED, ROUTED, TimelineReader
from pretend.writers import Ledger, Writer, message_number, writers_of_all_channels

ACCOUNTS = ROOT / "deploy" / "local" / "accounts.yaml"
SETTLE_SECONDS = 120


async def settled(ledger: Ledger, reader: TimelineReader, report: Report) -> Verdict:
    """Read until nothing is missing any more, or the time for it is over."""
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


def writers_on(stack: Stack, client: httpx.AsyncClient, each: int) -> Sequence[Writer]:
    """Return `each` customers of the stack's tenant on every channel."""
    ports = stack.ports
    return writers_of_all_channels(
        client,
        load_accounts(ACCOUNTS, {}),
        f"http://{LOOPBACK}:{ports.services['ingest_sms']}",
        f"http://{LOOPBACK}:{ports.services['ingest_social']}",
        (LOOPBACK, ports.smtp),
        each,
    )


def reader_of(stack: Stack, client: httpx.AsyncClient, subject: str) -> TimelineReader:
    """Return a reader of the tenant's histories, who is named `subject`."""
    token = stack.key.token(
        tenant="acme", scopes=["timeline:read"], subject=subject, now=system_clock()
    )
    return TimelineReader(client, f"http://{LOOPBACK}:{stack.ports.services['timeline']}", token)
