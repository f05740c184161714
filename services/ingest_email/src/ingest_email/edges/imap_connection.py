"""One connection to an IMAP server (RFC 9051): blocking, for a thread of its own."""

import imaplib
import select
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError
from msgspec import Struct

from ingest_email.core.folders import Cursor, Folder, Login, Protection, is_oversize
from ingest_email.core.limits import HEADER_BLOCK_BYTES

CONNECT_SECONDS = 10
READ_SECONDS = 60

# BODY.PEEK leaves \Seen alone: people may work in the same mailbox.
WHOLE = "BODY.PEEK[]"
HEADERS = f"BODY.PEEK[HEADER]<0.{HEADER_BLOCK_BYTES}>"
WHEN, SIZE = "INTERNALDATE", "RFC822.SIZE"


class WrongCredentialsError(Exception):
    """The server refused every secret of the account."""


class Fetched(Struct, frozen=True):
    """A mail as the server holds it, its header block alone where it is oversize."""

    content: bytes
    arrived_at: datetime
    size: int

    @property
    def oversize(self) -> bool:
        """Whether only the header block was fetched."""
        return is_oversize(self.size)


class ImapConnection:
    """A connection that is logged in and has its folder selected.

    Methods raise IMAPClientError or OSError; the connection is of no use then.
    """

    def __init__(self, client: IMAPClient, folder: Folder) -> None:
        self._client = client
        self._folder = folder
        self.validity = 0

    @classmethod
    def open(cls, folder: Folder, secrets: Sequence[str]) -> Self:
        """Connect, log in and select. Raises WrongCredentialsError, IMAPClientError, OSError."""
        refusal: LoginError | None = None
        # A connection each, since some servers hang up on who was refused.
        for secret in _secrets(folder, secrets):
            try:
                return cls._open(folder, secret)
            except LoginError as error:
                if _passing(error):
                    raise
                refusal = error
        raise WrongCredentialsError(f"refused: {refusal}" if refusal else "no secret is set")

    @classmethod
    def _open(cls, folder: Folder, secret: str) -> Self:
        client = IMAPClient(
            folder.host,
            folder.port,
            ssl=folder.tls is Protection.TLS,
            ssl_context=_context(folder),
            timeout=SocketTimeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )
        connection = cls(client, folder)
        try:
            client.normalise_times = False
            if folder.tls is Protection.STARTTLS:
                client.starttls(_context(folder))
            connection._log_in(secret)
            selected = client.select_folder(folder.folder, readonly=True)
        except BaseException:
            connection.close()
            raise
        connection.validity = int(selected[b"UIDVALIDITY"])
        return connection

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""
        return bool(self._client.has_capability("IDLE"))

    def later_than(self, cursor: Cursor) -> list[int]:
        """Return the UIDs after the cursor, perhaps with the last one before it."""
        criteria: list[object] = ["UID", f"{cursor.last_uid + 1}:*"]
        if self._folder.since:
            criteria += ["SINCE", self._folder.since]
        with _readable():
            return [int(uid) for uid in self._client.search(criteria)]

    def fetch(self, uid: int) -> Fetched | None:
        """Return a mail, or None where somebody removed it."""
        with _readable():
            return self._fetch(uid)

    def _fetch(self, uid: int) -> Fetched | None:
        facts = self._client.fetch([uid], [SIZE, WHEN]).get(uid, {})
        if SIZE.encode() not in facts:
            return None
        size = int(facts[SIZE.encode()])
        found = self._client.fetch([uid], [HEADERS if is_oversize(size) else WHOLE]).get(uid, {})
        content = next((value for name, value in found.items() if name.startswith(b"BODY[")), None)
        if content is None:
            return None
        return Fetched(bytes(content), facts[WHEN.encode()].astimezone(UTC), size)

    def begin_idle(self) -> None:
        """Have the server tell of news."""
        self._client.idle()

    def heard(self, seconds: float) -> bool:
        """Wait for news, or for the connection's end, for so long."""
        # Not idle_check(): it does not see what came in one piece with the server's consent, and of
        # a connection that was closed it tells nothing, at once and for ever. So any readable
        # moment counts as news, and `end_idle` fails where it was the end.
        if self._has_unread():
            return True
        poller = select.poll()
        poller.register(self._client.socket().fileno(), select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def end_idle(self) -> None:
        """Return to commands."""
        self._client.idle_done()

    def close(self) -> None:
        """Take leave, if the server still listens."""
        try:
            self._client.logout()
        except (imaplib.IMAP4.error, OSError):
            self._hang_up()

    def _has_unread(self) -> bool:
        waiting = self._client.socket()
        waiting.settimeout(0)
        try:
            return bool(self._client._imap.file.peek(1))  # noqa: SLF001 - no other way to the buffer
        except ssl.SSLWantReadError:
            return False
        finally:
            waiting.settimeout(READ_SECONDS)

    def _hang_up(self) -> None:
        try:
            self._client.shutdown()
        except OSError:
            return  # it is down already

    def _log_in(self, secret: str) -> None:
        user = self._folder.user
        if self._folder.login is Login.XOAUTH2:
            self._client.oauth2_login(user, secret)
        elif (user + secret).isascii():
            self._client.login(user, secret)
        else:  # LOGIN knows ASCII only, SASL's PLAIN is UTF-8 (RFC 4616)
            self._client.sasl_login("PLAIN", lambda _: f"\0{user}\0{secret}".encode())


@contextmanager
def _readable() -> Iterator[None]:
    """Make what imapclient lets through on an answer that is no IMAP an error of the connection."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise IMAPClientError(f"an answer that is no IMAP: {type(error).__name__}") from error


def _secrets(folder: Folder, secrets: Sequence[str]) -> Sequence[str]:
    """Return what to try; a token's file is read each time, since tokens last an hour."""
    if not folder.token_file:
        return [secret for secret in secrets if secret]
    return [Path(folder.token_file).read_text("utf-8").strip()]


def _context(folder: Folder) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder.ca_file or None)


def _passing(error: LoginError) -> bool:
    """Whether the server could not say if the secret is right (RFC 5530), or went away."""
    return isinstance(error.__context__, imaplib.IMAP4.abort) or "[UNAVAILABLE]" in str(error)
