"""The SMTP listener on a real socket, with real SMTP clients; only what keeps the mail is pretended."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.edges.accounts import Accounts
from ingest_email.edges.smtp import SmtpOptions, SmtpServer

LOOPBACK = "127.0.0.1"
NOW = datetime(2026, 1, 15, 0, 30, tzinfo=UTC)
OPTIONS = SmtpOptions(
    host=LOOPBACK,
    port=0,
    hostname="mx.acme.example",
    size_limit=100_000,
    max_recipients=3,
    max_connections=2,
)
SUPPORT = ChannelAccount(
    tenant="acme",
    provider="smtp",
    account="support",
    addresses=("support@acme.example", "help@acme.example", "窓口@アクメ.example"),
)
SALES = ChannelAccount(
    tenant="acme", provider="smtp", account="sales", addresses=("sales@acme.example",)
)


class Keeper:
    """Keeps mail in a list, or refuses it."""

    def __init__(self) -> None:
        self.kept: list[Original] = []
        self.failure: Exception | None = None

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        if self.failure:
            raise self.failure
        assert original.account == account.account
        self.kept.append(original)


Serve = Callable[[SmtpOptions], Awaitable[SmtpServer]]


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
async def serve(keeper: Keeper) -> AsyncIterator[Serve]:
    stopping = asyncio.Event()
    running: list[asyncio.Task[None]] = []

    async def start(options: SmtpOptions) -> SmtpServer:
        server = SmtpServer(options, Accounts([SUPPORT, SALES]), keeper, lambda: NOW)
        assert server.complaint() == "smtp: not listening"
        await server.start()
        running.append(asyncio.create_task(server.run(stopping)))
        assert server.complaint() is None
        return server

    yield start
    stopping.set()
    await asyncio.gather(*running)


def talk(port: int, content: bytes, *recipients: str, sender: str = "taro@example.jp") -> list[int]:
    """Send one mail; return the reply code of each recipient and, if any was taken, of DATA."""
    with smtplib.SMTP(LOOPBACK, port, local_hostname="client.example", timeout=10) as smtp:
        smtp.ehlo()
        smtp.command_encoding = "utf-8"
        smtp.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"])
        codes = [smtp.rcpt(recipient)[0] for recipient in recipients]
        return codes + ([smtp.data(content)[0]] if 250 in codes else [])


async def test_a_mail_is_kept_as_it_came_with_its_envelope(serve: Serve, keeper: Keeper) -> None:
    server = await serve(OPTIONS)
    content = "Subject: 件名\r\n\r\n.点\r\n..\r\n".encode()
    assert await asyncio.to_thread(talk, server.port, content, "Support@acme.example") == [250, 250]
    (original,) = keeper.kept
    assert original.body == content
    assert original.received_at == NOW
    assert original.headers == {
        "mail-from": "taro@example.jp",
        "rcpt-to": "Support@acme.example",
        "client-ip": LOOPBACK,
        "helo": "client.example",
    }


async def test_only_our_mailboxes_are_served_under_any_spelling(
    serve: Serve, keeper: Keeper
) -> None:
    server = await serve(OPTIONS)
    addresses = ("nobody@acme.example", "support+key.sig@acme.example", "窓口@xn--cck0a4k.example")
    assert await asyncio.to_thread(talk, server.port, b"x\r\n", *addresses) == [550, 250, 250, 250]
    assert [original.headers["rcpt-to"].split("\n") for original in keeper.kept] == [
        ["support+key.sig@acme.example", "窓口@xn--cck0a4k.example"]
    ]


async def test_a_mail_to_two_accounts_is_kept_for_each_and_once_for_each(
    serve: Serve, keeper: Keeper
) -> None:
    server = await serve(OPTIONS)
    addresses = ("support@acme.example", "sales@acme.example", "help@acme.example")
    assert await asyncio.to_thread(talk, server.port, b"x\r\n", *addresses) == [250] * 4
    assert [original.account for original in keeper.kept] == ["support", "sales"]


async def test_recipients_beyond_the_limit_are_for_another_transaction(serve: Serve) -> None:
    server = await serve(replace(OPTIONS, max_recipients=1))
    addresses = ("support@acme.example", "sales@acme.example")
    assert await asyncio.to_thread(talk, server.port, b"x\r\n", *addresses) == [250, 452, 250]


@pytest.mark.parametrize(
    "failure", [TransientError("kafka"), BackPressureError("full"), ValueError("ours")]
)
async def test_what_cannot_be_kept_now_stays_with_its_sender(
    serve: Serve, keeper: Keeper, failure: Exception
) -> None:
    server = await serve(OPTIONS)
    keeper.failure = failure
    mail = b"Subject: a\r\n\r\nx\r\n"
    assert await asyncio.to_thread(talk, server.port, mail, "support@acme.example") == [250, 451]
    keeper.failure = None
    assert await asyncio.to_thread(talk, server.port, mail, "support@acme.example") == [250, 250]


async def test_a_mail_that_is_too_large_is_refused_for_good(serve: Serve, keeper: Keeper) -> None:
    server = await serve(OPTIONS)
    mail = b"x" * 98 + b"\r\n"
    assert await asyncio.to_thread(talk, server.port, mail * 1_100, "support@acme.example") == [
        250,
        552,
    ]
    assert keeper.kept == []


async def test_lines_longer_than_the_standard_allows_are_taken(
    serve: Serve, keeper: Keeper
) -> None:
    server = await serve(OPTIONS)
    mail = b"x" * 90_000 + b"\r\n"
    assert await asyncio.to_thread(talk, server.port, mail, "support@acme.example") == [250, 250]
    assert keeper.kept[0].body == mail


async def test_a_bounce_comes_from_nobody(serve: Serve, keeper: Keeper) -> None:
    server = await serve(OPTIONS)
    await asyncio.to_thread(talk, server.port, b"x\r\n", "support@acme.example", sender="")
    assert keeper.kept[0].headers["mail-from"] == ""


async def test_connections_beyond_the_limit_are_told_to_come_back(serve: Serve) -> None:
    server = await serve(OPTIONS)
    streams = [await asyncio.open_connection(LOOPBACK, server.port) for _ in range(3)]
    greetings = [await reader.readline() for reader, _ in streams]
    assert [greeting[:3] for greeting in greetings] == [b"220", b"220", b"421"]
    for _, writer in streams:
        writer.close()


async def test_stopping_waits_for_the_mail_that_is_coming_in() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    class SlowKeeper(Keeper):
        @override
        async def accept(self, original: Original, account: ChannelAccount) -> None:
            entered.set()
            await release.wait()
            await super().accept(original, account)

    slow, stopping = SlowKeeper(), asyncio.Event()
    server = SmtpServer(OPTIONS, Accounts([SUPPORT]), slow, lambda: NOW)
    await server.start()
    running = asyncio.create_task(server.run(stopping))
    talking = asyncio.create_task(
        asyncio.to_thread(talk, server.port, b"x\r\n", "support@acme.example")
    )
    await entered.wait()
    stopping.set()
    await asyncio.sleep(0)
    assert not running.done()
    release.set()
    await running
    assert len(slow.kept) == 1
    assert await talking == [250, 250]


class Session:
    """A client that says one line at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def reply(self) -> int:
        """Return the code of the next reply; 0 once the server has closed."""
        line = await self._reader.readline()
        while line[3:4] == b"-":
            line = await self._reader.readline()
        return int(line[:3] or b"0")

    async def say(self, *lines: str) -> list[int]:
        """Say these, each after the reply to the one before; return the replies."""
        codes: list[int] = []
        for line in lines:
            self.writer.write(f"{line}\r\n".encode())
            codes.append(await self.reply())
        return codes


BEGIN = ("MAIL FROM:<taro@example.jp>", "RCPT TO:<support@acme.example>")
FINISH = ("DATA", "Subject: x\r\n\r\nx\r\n.")


@pytest.fixture
async def ending(keeper: Keeper) -> AsyncIterator[tuple[SmtpServer, asyncio.Event]]:
    """A server, and what tells it to end; it gives its sessions a second."""
    server = SmtpServer(
        replace(OPTIONS, farewell_seconds=1.0), Accounts([SUPPORT]), keeper, lambda: NOW
    )
    stopping = asyncio.Event()
    await server.start()
    running = asyncio.create_task(server.run(stopping))
    yield server, stopping
    stopping.set()
    await running


async def opened(server: SmtpServer) -> Session:
    session = Session(*await asyncio.open_connection(LOOPBACK, server.port))
    assert await session.reply() == 220
    assert await session.say("EHLO client.example") == [250]
    return session


async def test_an_ending_server_finishes_the_mail_that_has_begun_and_takes_no_other(
    ending: tuple[SmtpServer, asyncio.Event], keeper: Keeper
) -> None:
    server, stopping = ending
    busy = await opened(server)
    await busy.say(*BEGIN)
    stopping.set()
    await asyncio.sleep(0)
    assert await busy.say(*FINISH) == [354, 250]
    assert await busy.say("MAIL FROM:<taro@example.jp>") == [421]
    assert await busy.reply() == 0
    busy.writer.close()
    assert len(keeper.kept) == 1


async def test_an_ending_server_says_so_to_who_waits_between_two_mails(
    ending: tuple[SmtpServer, asyncio.Event], keeper: Keeper
) -> None:
    server, stopping = ending
    waiting = await opened(server)
    assert await waiting.say(*BEGIN, *FINISH) == [250, 250, 354, 250]
    stopping.set()
    assert [await waiting.reply(), await waiting.reply()] == [421, 0]
    waiting.writer.close()
    assert len(keeper.kept) == 1


async def test_whoever_has_only_just_come_hands_over_his_mail_before_the_end(
    ending: tuple[SmtpServer, asyncio.Event], keeper: Keeper
) -> None:
    server, stopping = ending
    newcomer, silent = await opened(server), await opened(server)
    stopping.set()
    await asyncio.sleep(0)
    assert await newcomer.say(*BEGIN, *FINISH, "QUIT") == [250, 250, 354, 250, 221]
    assert [await silent.reply(), await silent.reply()] == [421, 0]
    for session in (newcomer, silent):
        session.writer.close()
    assert len(keeper.kept) == 1


def certificate(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate that nobody should trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.acme.example")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(
        key.private_bytes(encoding, form, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(encoding))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


async def test_starttls_protects_the_way_and_is_told(
    serve: Serve, keeper: Keeper, tmp_path: Path
) -> None:
    server = await serve(replace(OPTIONS, tls=certificate(tmp_path)))

    def talk_privately() -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP(LOOPBACK, server.port, timeout=10) as smtp:
            smtp.starttls(context=context)
            smtp.sendmail("taro@example.jp", ["support@acme.example"], b"x\r\n")

    await asyncio.to_thread(talk_privately)
    assert keeper.kept[0].headers["tls"] == "yes"


async def test_a_session_that_begins_tls_counts_as_one(
    serve: Serve, keeper: Keeper, tmp_path: Path
) -> None:
    server = await serve(replace(OPTIONS, tls=certificate(tmp_path), max_connections=2))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def talk_privately() -> None:
        with smtplib.SMTP(LOOPBACK, server.port, timeout=10) as smtp:
            smtp.starttls(context=context)
            smtp.sendmail("taro@example.jp", ["support@acme.example"], b"x\r\n")

    for _ in range(3):
        await asyncio.to_thread(talk_privately)
    assert len(keeper.kept) == 3
