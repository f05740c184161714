"""The LMTP listener on a real socket, with a real client; only what keeps the mail is pretended."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from common.core.adapters import ChannelAccount, Original
from common.core.errors import TransientError
from common.edges.accounts import Accounts
from ingest_email.edges.lmtp import LmtpServer
from ingest_email.edges.smtp import SmtpOptions

LOOPBACK = "127.0.0.1"
OPTIONS = SmtpOptions(
    host=LOOPBACK,
    port=0,
    hostname="store.acme.example",
    size_limit=100_000,
    max_recipients=5,
    max_connections=2,
)
SUPPORT = ChannelAccount(
    tenant="acme",
    provider="smtp",
    account="support",
    addresses=("support@acme.example", "help@acme.example"),
)
SALES = ChannelAccount(
    tenant="acme", provider="smtp", account="sales", addresses=("sales@acme.example",)
)
EVERYBODY = ("support@acme.example", "sales@acme.example", "help@acme.example")
MAIL = "Subject: 請求書\r\n\r\n届きません。\r\n".encode()


class Keeper:
    """Keeps mail in a list, or refuses that of some accounts."""

    def __init__(self) -> None:
        self.kept: list[Original] = []
        self.failures: dict[str, Exception] = {}

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        if failure := self.failures.get(account.account):
            raise failure
        self.kept.append(original)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
async def server(keeper: Keeper) -> AsyncIterator[LmtpServer]:
    stopping = asyncio.Event()
    server = LmtpServer(
        OPTIONS, Accounts([SUPPORT, SALES]), keeper, lambda: datetime(2026, 1, 15, tzinfo=UTC)
    )
    assert server.complaint() == "lmtp: not listening"
    await server.start()
    running = asyncio.create_task(server.run(stopping))
    yield server
    stopping.set()
    await running


def talk(port: int, content: bytes, *recipients: str) -> list[int]:
    """Send one mail; return the reply code of each recipient at RCPT, and then after DATA."""
    with smtplib.LMTP(LOOPBACK, port, local_hostname="mta.example", timeout=10) as lmtp:
        lmtp.ehlo()
        lmtp.mail("taro@example.jp")
        asked = [lmtp.rcpt(recipient)[0] for recipient in recipients]
        answered = [lmtp.data(content)[0]]
        answered += [lmtp.getreply()[0] for _ in range(asked.count(250) - 1)]
        assert lmtp.noop()[0] == 250, "as many replies as recipients, and no more"
        return asked + answered


async def test_each_accepted_recipient_gets_a_reply_of_its_own(
    server: LmtpServer, keeper: Keeper
) -> None:
    recipients = (*EVERYBODY, "nobody@acme.example")
    assert await asyncio.to_thread(talk, server.port, MAIL, *recipients) == [
        *(250, 250, 250, 550),
        *(250, 250, 250),
    ]
    assert [original.account for original in keeper.kept] == ["support", "sales"]
    assert keeper.kept[0].body == MAIL


@pytest.mark.parametrize("failure", [TransientError("kafka"), ValueError("ours")])
async def test_only_the_accounts_that_cannot_keep_it_are_asked_to_come_back(
    server: LmtpServer, keeper: Keeper, failure: Exception
) -> None:
    keeper.failures = {"support": failure}
    assert await asyncio.to_thread(talk, server.port, MAIL, *EVERYBODY) == [
        *(250, 250, 250),
        *(451, 250, 451),
    ]
    assert [original.account for original in keeper.kept] == ["sales"]


async def test_a_recipient_named_twice_is_answered_twice_and_kept_once(
    server: LmtpServer, keeper: Keeper
) -> None:
    assert await asyncio.to_thread(talk, server.port, MAIL, EVERYBODY[0], EVERYBODY[0]) == [250] * 4
    assert len(keeper.kept) == 1


async def test_a_mail_that_is_too_large_is_refused_to_every_recipient(
    server: LmtpServer, keeper: Keeper
) -> None:
    large = (b"x" * 98 + b"\r\n") * 1_100
    assert await asyncio.to_thread(talk, server.port, large, *EVERYBODY) == [
        *(250, 250, 250),
        *(552, 552, 552),
    ]
    assert keeper.kept == []


async def test_the_mail_server_s_address_is_not_taken_for_the_senders(
    server: LmtpServer, keeper: Keeper
) -> None:
    await asyncio.to_thread(talk, server.port, MAIL, EVERYBODY[0])
    assert keeper.kept[0].headers == {
        "mail-from": "taro@example.jp",
        "rcpt-to": "support@acme.example",
        "helo": "mta.example",
    }


async def test_commands_may_come_without_waiting_for_replies(
    server: LmtpServer, keeper: Keeper
) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, server.port)
    writer.write(
        b"LHLO mta.example\r\nMAIL FROM:<taro@example.jp>\r\nRCPT TO:<support@acme.example>\r\n"
        b"RCPT TO:<nobody@acme.example>\r\nDATA\r\nSubject: a\r\n\r\nx\r\n.\r\nQUIT\r\n"
    )
    replies = (await reader.read()).decode().splitlines()
    assert {"250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-8BITMIME"} <= set(replies)
    assert [line[:3] for line in replies if line[3] == " "] == [
        *("220", "250", "250", "250", "550"),
        *("354", "250", "221"),
    ]
    assert len(keeper.kept) == 1
    writer.close()


async def test_who_speaks_smtp_is_told_that_this_is_lmtp(server: LmtpServer) -> None:
    def greet() -> int:
        with smtplib.SMTP(LOOPBACK, server.port, timeout=10) as smtp:
            return smtp.ehlo()[0]

    assert await asyncio.to_thread(greet) == 500


async def test_data_without_a_recipient_is_refused_once(server: LmtpServer) -> None:
    def talk_without_recipient() -> list[int]:
        with smtplib.LMTP(LOOPBACK, server.port, timeout=10) as lmtp:
            lmtp.ehlo()
            lmtp.mail("taro@example.jp")
            return [lmtp.docmd("DATA")[0], lmtp.noop()[0]]

    assert await asyncio.to_thread(talk_without_recipient) == [503, 250]
