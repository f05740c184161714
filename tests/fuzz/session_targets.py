"""The sessions that bring mail, against a peer that says anything: SMTP, LMTP and IMAP."""

import asyncio
import imaplib
import io
import random
import re
from collections.abc import Callable, Mapping
from functools import partial

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError
from tests.fuzz.laws import Target
from tests.samples.golden import RECEIVED_AT
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.edges.accounts import Accounts
from ingest_email.core.folders import Cursor, Folder, Protection
from ingest_email.edges.imap_connection import ImapConnection
from ingest_email.edges.lmtp import LocalConnection, LocalMailroom
from ingest_email.edges.mailroom import Mailroom
from ingest_email.edges.smtp import MailConnection, SmtpOptions

QUIET_TURNS = 10  # of the event loop: a listener that says nothing for so long waits for more
TAG = (
    b"A0 "  # what a server's answers begin with in an input, whatever the client calls its command
)
OPTIONS = SmtpOptions(
    host="127.0.0.1",
    port=0,
    hostname="mx.example.jp",
    size_limit=4_000,
    max_recipients=3,
    max_connections=1,
)
REPLY = re.compile(rb"(?:[2-5][0-9]{2}[- ][^\n]*\r\n)*")
ACCOUNTS = 2
# Of a mail's end nobody may have another opinion than the server before us: else one holds another.
END_OF_MAIL = re.compile(rb"(?:\r\n|DATA[^\n]*\n)\.\r\n", re.IGNORECASE)


class Keeping:
    """An intake that remembers what it took."""

    def __init__(self) -> None:
        self.taken: list[Original] = []

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Take it."""
        assert original.account == account.account
        self.taken.append(original)


class Wire(asyncio.Transport):
    """A client that has said everything already, and listens."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 25)})
        self.heard = bytearray()
        self.closed = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.heard += data

    @override
    def close(self) -> None:
        self.closed = True

    @override
    def is_closing(self) -> bool:
        return self.closed

    @override
    def pause_reading(self) -> None:
        """Everything is there already."""

    @override
    def resume_reading(self) -> None:
        """Everything is there already."""


def _accounts() -> Accounts:
    return Accounts(
        [
            ChannelAccount(tenant="acme", provider="smtp", account=name, addresses=(address,))
            for name, address in (("main", "a@example.jp"), ("other", "窓口@example.jp"))
        ]
    )


def conversation(
    room: type[Mailroom], connection: Callable[[Mailroom, SmtpOptions], MailConnection], data: bytes
) -> None:
    """Say anything to a mail listener: well-formed replies only, and no fault of ours."""

    async def talk() -> tuple[bytes, list[Original]]:
        intake = Keeping()
        mailroom = room(_accounts(), intake, lambda: RECEIVED_AT, OPTIONS.max_recipients)
        mailroom.handle_exception = _fail  # type: ignore[method-assign]  # a fault must show
        protocol, wire = connection(mailroom, OPTIONS), Wire()
        protocol.connection_made(wire)
        protocol.data_received(data)
        silence, length = 0, -1
        while silence < QUIET_TURNS and not wire.closed:
            await asyncio.sleep(0)
            silence = silence + 1 if len(wire.heard) == length else 0
            length = len(wire.heard)
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        return bytes(wire.heard), intake.taken

    heard, taken = LOOP.run_until_complete(talk())
    assert REPLY.fullmatch(heard), heard
    assert all(len(original.body) <= OPTIONS.size_limit for original in taken)
    assert len(taken) <= len(END_OF_MAIL.findall(data)) * ACCOUNTS


async def _fail(error: Exception) -> str:
    raise AssertionError("a session failed") from error


LOOP = asyncio.new_event_loop()


class _Patient:
    """Where a socket would be."""

    def settimeout(self, seconds: float | None) -> None:
        """Wait as long as ever: everything is there."""


class _Said(imaplib.IMAP4):
    """A connection on which the server's whole side was said before."""

    def __init__(self, said: bytes) -> None:
        random.seed(0)  # imaplib draws the prefix of its tags
        self._prefix = imaplib.Int2AP(random.randint(4096, 65535))  # noqa: S311 - nothing secret
        random.seed(0)
        self._said = said
        super().__init__("mail.example.jp")

    @override
    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        numbered = iter(range(self._said.count(TAG)))
        told = re.sub(re.escape(TAG), lambda _: self._prefix + b"%d " % next(numbered), self._said)
        self.sock = _Patient()  # type: ignore[assignment]  # all that is asked of it
        self.file = io.BufferedReader(io.BytesIO(told))

    @override
    def send(self, data: object) -> None:
        """Tell nobody."""

    @override
    def shutdown(self) -> None:
        self.file.close()


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient ships no types
    def __init__(self, said: bytes) -> None:
        self._said = said
        super().__init__("mail.example.jp", ssl=False)
        self._imap.state = "SELECTED"

    def _create_IMAP4(self) -> _Said:  # noqa: N802 - imapclient's own name
        return _Said(self._said)


def imap(data: bytes) -> None:
    """Fetch from a server that says anything: mails, or one of the documented errors."""
    folder = Folder(host="mail.example.jp", user="a", tls=Protection.NONE)
    try:
        client = _Client(data)
    except Exception:  # noqa: BLE001 - the library's own reading of a greeting
        return
    client.normalise_times = False
    try:
        connection = ImapConnection(client, folder)
        for uid in connection.later_than(Cursor(1, 0))[:3]:
            fetched = connection.fetch(uid)
            assert fetched is None or fetched.arrived_at.tzinfo
    except (IMAPClientError, OSError):
        return


TARGETS: Mapping[str, Target] = {
    "smtp": partial(conversation, Mailroom, MailConnection),
    "lmtp": partial(conversation, LocalMailroom, LocalConnection),
    "imap": imap,
}
