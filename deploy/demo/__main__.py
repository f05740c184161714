"""`make demo`: write as one customer on three channels, then show what became of it."""

import asyncio
import sys
from typing import Any

import httpx

from common.core.adapters import ChannelAccount
from common.edges.accounts import Accounts, load_accounts
from common.edges.clock import system_clock
from demo import story
from demo.display import decision_panel, show, timeline_table
from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.stack import Stack
from pretend.bus import profile_record, publish
from pretend.mail import deliver
from pretend.readers import ROUTED, TimelineReader
from pretend.webhooks import WebhookRequest, line_text, twilio_sms

PATIENCE_SECONDS = 30
SCOPES = ["timeline:read", "routing:read"]
SHOWN = 24


async def demonstrate(stack: Stack, report: Report) -> None:
    """Tell the story. Raises SystemExit with a sentence where it does not come true in time."""
    accounts = load_accounts(ROOT / "deploy" / "local" / "accounts.yaml", {})
    token = stack.key.token(tenant=story.TENANT, scopes=SCOPES, subject="demo", now=system_clock())
    async with httpx.AsyncClient(timeout=10) as client:
        reader = TimelineReader(client, _url(stack, "timeline"), token)
        await _tell_profile(stack, reader, report)
        messages = {
            "email": await _write_mail(stack, _only(accounts, "smtp"), report),
            "SMS": await _write_sms(stack, client, _only(accounts, "twilio"), report),
            "LINE": await _write_line(stack, client, _only(accounts, "line"), report),
        }
        customer, entries = await _until_routed(reader, set(messages.values()))
    decisions = {
        entry["data"]["decision"]["message_event"]: entry["data"]["decision"]
        for entry in entries
        if entry["type"] == ROUTED
    }
    ids = {entry["data"].get("message_id"): entry["id"] for entry in entries}
    show("")
    show(*(decision_panel(name, decisions[ids[message]]) for name, message in messages.items()))
    show("", timeline_table(customer, entries[-SHOWN:]))
    show(f"Ask for yourself: [bold]make token[/], then {_url(stack, 'timeline')}/docs")


async def _tell_profile(stack: Stack, reader: TimelineReader, report: Report) -> None:
    moment = system_clock()
    report.say("CRM", "publishes her profile and contracts on customers.v1")
    known = profile_record(story.TENANT, story.profile(moment), moment)
    await publish(f"{LOOPBACK}:{stack.ports.kafka}", known)
    for _ in range(PATIENCE_SECONDS * 10):
        customer = await reader.customer(story.CONTACTS[0])
        if customer and customer.get("name") and len(customer["contacts"]) == len(story.CONTACTS):
            break
        await asyncio.sleep(0.1)
    # The router follows the same topic by itself; it is as quick as the timeline, and a moment more.
    await asyncio.sleep(1)


async def _write_mail(stack: Stack, mailbox: ChannelAccount, report: Report) -> str:
    moment = system_clock()
    message_id = f"{moment:%Y%m%d%H%M%S%f}@aozora.example"
    mail = story.mail(mailbox, message_id, moment)
    recipient = mailbox.addresses[0]
    report.say("鈴木 花子", f"mails {recipient} by SMTP, in ISO-2022-JP, with a file")
    await asyncio.to_thread(deliver, LOOPBACK, stack.ports.smtp, story.MAIL, recipient, mail)
    return f"<{message_id}>"


async def _write_sms(
    stack: Stack, client: httpx.AsyncClient, account: ChannelAccount, report: Report
) -> str:
    sid = f"SM{system_clock():%Y%m%d%H%M%S%f}".ljust(34, "0")
    report.say("鈴木 花子", "sends an SMS, which Twilio signs and delivers")
    request = twilio_sms(account, story.PHONE, story.SMS_TEXT, sid)
    await _deliver(client, _url(stack, "ingest_sms"), request)
    return sid


async def _write_line(
    stack: Stack, client: httpx.AsyncClient, account: ChannelAccount, report: Report
) -> str:
    moment = system_clock()
    event = f"{moment:%Y%m%d%H%M%S%f}".ljust(26, "0")
    report.say("鈴木 花子", "writes on LINE, which LINE signs and delivers")
    request = line_text(account, story.LINE_USER, story.LINE_TEXT, event, moment)
    await _deliver(client, _url(stack, "ingest_social"), request)
    return event


async def _deliver(client: httpx.AsyncClient, url: str, request: WebhookRequest) -> None:
    answer = await client.post(url + request.path, content=request.body, headers=request.headers)
    answer.raise_for_status()


async def _until_routed(
    reader: TimelineReader, messages: set[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    for _ in range(PATIENCE_SECONDS * 10):
        customer = await reader.customer(story.CONTACTS[0])
        entries = await reader.entries(customer["id"]) if customer else []
        events = {e["id"] for e in entries if e["data"].get("message_id") in messages}
        routed = {e["data"]["decision"]["message_event"] for e in entries if e["type"] == ROUTED}
        if customer and len(events) == len(messages) and events <= routed:
            return customer, entries
        await asyncio.sleep(0.1)
    sys.exit(f"not on the timeline after {PATIENCE_SECONDS} s: look at `make logs`")


def _only(accounts: Accounts, provider: str) -> ChannelAccount:
    return accounts.of_provider(provider)[0]


def _url(stack: Stack, service: str) -> str:
    return f"http://{LOOPBACK}:{stack.ports.services[service]}"


if __name__ == "__main__":
    asyncio.run(demonstrate(Stack(), Report()))
