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
from pretend.agents import AgentTool
from pretend.bus import profile_record, publish, reply_record
from pretend.mail import deliver
from pretend.readers import ANSWERED, RESOLVED, ROUTED, TimelineReader
from pretend.webhooks import WebhookRequest, line_text, twilio_sms

PATIENCE_SECONDS = 30
READING = ["timeline:read"]
SHOWN = 24


async def demonstrate(stack: Stack, report: Report) -> None:
    """Tell the story. Raises SystemExit with a sentence where it does not come true in time."""
    accounts = load_accounts(ROOT / "deploy" / "local" / "accounts.yaml", {})
    async with httpx.AsyncClient(timeout=10) as client:
        reader = TimelineReader(client, _url(stack, "timeline"), _token(stack, "demo", READING))
        tool = _tool(stack, client)
        await _sign_in(tool, report)
        await _tell_profile(stack, reader, report)
        messages = {
            "email": await _write_mail(stack, _only(accounts, "smtp"), report),
            "SMS": await _write_sms(stack, client, _only(accounts, "twilio"), report),
            "LINE": await _write_line(stack, client, _only(accounts, "line"), report),
        }
        await _until_routed(reader, set(messages.values()))
        case = await _answer(stack, tool, report)
        customer, entries = await _until_resolved(reader, case)
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


async def _sign_in(tool: AgentTool, report: Report) -> None:
    report.say("管理者", "registers an agent, 田中 一郎, who knows networks")
    await tool.register(story.AGENT_PROFILE)
    report.say("田中 一郎", "signs in")
    await tool.presence("online")


async def _answer(stack: Stack, tool: AgentTool, report: Report) -> str:
    """Let the agent take the first case of hers that he is offered, answer and resolve it."""
    offered = await _first_offer(tool)
    report.say("田中 一郎", f"is offered her case in {offered['queue']}, and accepts")
    await tool.accept(offered["offer_id"])
    moment = system_clock()
    report.say("田中 一郎", "answers")
    written = story.reply(offered["case"], f"{moment:%Y%m%d%H%M%S%f}", moment)
    record = reply_record(story.TENANT, offered["case"]["contact"], written)
    await publish(f"{LOOPBACK}:{stack.ports.kafka}", record)
    await _until_answered(tool, offered["case_id"])
    report.say("田中 一郎", "resolves it, and leaves")
    await tool.resolve(offered["case_id"])
    await tool.presence("offline")
    case: str = offered["case_id"]
    return case


async def _first_offer(tool: AgentTool) -> dict[str, Any]:
    try:
        async for offer in tool.offers(PATIENCE_SECONDS):
            if offer["state"] == "made" and offer["case"]["contact"] in story.CONTACTS:
                return offer
    except TimeoutError:
        pass
    sys.exit(f"no offer after {PATIENCE_SECONDS} s: look at `make logs`")


async def _until_answered(tool: AgentTool, case: str) -> None:
    for _ in range(PATIENCE_SECONDS * 10):
        if (await tool.case(case))["first_responded_at"]:
            return
        await asyncio.sleep(0.1)
    sys.exit(f"no first response after {PATIENCE_SECONDS} s: look at `make logs`")


async def _until_resolved(
    reader: TimelineReader, case: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    for _ in range(PATIENCE_SECONDS * 10):
        customer = await reader.customer(story.CONTACTS[0])
        entries = await reader.entries(customer["id"]) if customer else []
        told = {entry["type"] for entry in entries if entry["data"].get("case_id") == case}
        if customer and {RESOLVED, ANSWERED} <= told:
            return customer, entries
        await asyncio.sleep(0.1)
    sys.exit(f"not resolved on the timeline after {PATIENCE_SECONDS} s: look at `make logs`")


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


async def _until_routed(reader: TimelineReader, messages: set[str]) -> None:
    for _ in range(PATIENCE_SECONDS * 10):
        customer = await reader.customer(story.CONTACTS[0])
        entries = await reader.entries(customer["id"]) if customer else []
        events = {e["id"] for e in entries if e["data"].get("message_id") in messages}
        routed = {e["data"]["decision"]["message_event"] for e in entries if e["type"] == ROUTED}
        if customer and len(events) == len(messages) and events <= routed:
            return
        await asyncio.sleep(0.1)
    sys.exit(f"not on the timeline after {PATIENCE_SECONDS} s: look at `make logs`")


def _tool(stack: Stack, client: httpx.AsyncClient) -> AgentTool:
    return AgentTool(
        client,
        _url(stack, "router"),
        story.AGENT,
        _token(stack, story.AGENT, ["routing:agent"]),
        _token(stack, "sato", ["routing:supervise"]),
    )


def _token(stack: Stack, subject: str, scopes: list[str]) -> str:
    now = system_clock()
    return stack.key.token(tenant=story.TENANT, scopes=scopes, subject=subject, now=now)


def _only(accounts: Accounts, provider: str) -> ChannelAccount:
    return accounts.of_provider(provider)[0]


def _url(stack: Stack, service: str) -> str:
    return f"http://{LOOPBACK}:{stack.ports.services[service]}"


if __name__ == "__main__":
    asyncio.run(demonstrate(Stack(), Report()))
