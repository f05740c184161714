"""The very codes that each channel answers with."""

import asyncio
import smtplib
from datetime import datetime

import httpx

from chaos.audit import ACCOUNTS
from common.core.adapters import ChannelAccount
from common.edges.accounts import load_accounts
from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from pretend.connections import PATIENCE_SECONDS
from pretend.mail import deliver, japanese_mail
from pretend.webhooks import WebhookRequest, line_text, twilio_sms

NEVER_KEPT = "この問い合わせは保存されません"
TRY_AGAIN = {"sms": 503, "line": 503, "email": 451}
KEPT = 250


async def answers(stack: Stack, moment: datetime) -> dict[str, int]:
    """Write once on each channel as somebody new; return the status codes by channel."""
    accounts = load_accounts(ACCOUNTS, {})
    twilio, line, mailbox = (accounts.of_provider(name)[0] for name in ("twilio", "line", "smtp"))
    sms = twilio_sms(twilio, "+819099999999", NEVER_KEPT, "SM" + "f" * 32)
    chat = line_text(line, "U" + "f" * 32, NEVER_KEPT, "01OUTAGE" + "F" * 18, moment)
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        return {
            "sms": await _posted(stack, client, "ingest_sms", sms),
            "line": await _posted(stack, client, "ingest_social", chat),
            "email": await asyncio.to_thread(_mailed, stack.ports.smtp, mailbox, moment),
        }


async def _posted(
    stack: Stack, client: httpx.AsyncClient, service: str, request: WebhookRequest
) -> int:
    url = f"http://{LOOPBACK}:{stack.ports.services[service]}{request.path}"
    answer = await client.post(url, content=request.body, headers=request.headers)
    return answer.status_code


def _mailed(port: int, mailbox: ChannelAccount, moment: datetime) -> int:
    sender, recipient = "daremo@example.jp", mailbox.addresses[0]
    mail = japanese_mail(
        sender, "誰も", recipient, "障害中", NEVER_KEPT, "outage@example.jp", moment
    )
    try:
        deliver(LOOPBACK, port, sender, recipient, mail)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    return KEPT
