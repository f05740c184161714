"""Fetching mail from IMAP mailboxes: one reader an account, each in a thread of its own.

A mail is handed to the intake first and remembered as read after: a crash in between fetches it
once more, as the same event. The mailbox itself is never changed. Of several replicas, the one that
holds a mailbox's lease reads it and speaks of its troubles.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

import structlog
from imapclient.exceptions import IMAPClientError
from msgspec import Struct

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.core.patience import pause_seconds
from common.edges import metrics
from common.edges.clock import Clock
from common.edges.leases import Work
from common.edges.waiting import pause
from ingest_email.core.folders import (
    OVERSIZE,
    WHENCE,
    Cursor,
    Folder,
    FolderError,
    folder_of,
    further,
    resume,
    still_to_come,
)
from ingest_email.edges.imap_connection import Fetched, ImapConnection, WrongCredentialsError
from ingest_email.edges.mailroom import Accepting

logger = structlog.get_logger()

Result = TypeVar("Result")

# How soon a reader that waits for news sees that it is to stop.
SLICE_SECONDS = 1.0
FULL_OR_AWAY = (TransientError, BackPressureError)


class KeepingCursors(Protocol):
    """See ingest_email.edges.mailbox_store.MailboxStore."""

    async def load(self, account: str, folder: str) -> Cursor | None:
        """Return how far the folder is read. Raises TransientError."""
        ...

    async def store(self, account: str, folder: str, cursor: Cursor) -> None:
        """Return once the cursor is durable. Raises TransientError."""
        ...


class Leasing(Protocol):
    """See common.edges.leases.Leases."""

    async def while_held(self, name: str, work: Work, stopping: asyncio.Event) -> None:
        """Do `work` whenever no other replica does, until `stopping` is set."""
        ...


class ImapOptions(Struct, frozen=True, kw_only=True):
    """How mailboxes are read; times in seconds.

    `idle` is well below the 29 minutes of RFC 2177, since gateways forget silent connections
    earlier; it is also the longest that a mail goes unnoticed which came just when waiting began.
    `poll` is for servers that cannot tell of news by themselves.
    """

    idle: float = 240.0
    poll: float = 60.0
    batch: int = 50
    first_pause: float = 1.0
    longest_pause: float = 300.0


class MailboxReader:
    """Reads one account's folder."""

    def __init__(
        self,
        account: ChannelAccount,
        options: ImapOptions,
        store: KeepingCursors,
        intake: Accepting,
        clock: Clock,
    ) -> None:
        self.name = account.account
        self._account = account
        self._options = options
        self._store = store
        self._intake = intake
        self._clock = clock
        self._trouble: str | None = None
        self._failures = 0
        self._cursor: Cursor | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._log = logger.bind(account=account.account)

    def complaint(self) -> str | None:
        """Return why the mailbox is not read, or None."""
        return self._trouble

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until `stopping` is set; whatever fails is tried again after a pause."""
        self._trouble, self._failures = "not connected yet", 0
        self._show(ready=False)
        # Not the loop's default threads: a few mailboxes that wait would leave none for others.
        self._thread = ThreadPoolExecutor(1, f"imap-{self.name}")
        try:
            while not stopping.is_set():
                await self._try(stopping)
        finally:
            self._thread.shutdown(wait=False)
            # Another replica may be reading by now: it speaks of this account, we don't.
            self._trouble = None
            metrics.account_ready.remove(*self._labels())

    async def _try(self, stopping: asyncio.Event) -> None:
        try:
            await self._session(folder_of(self._account), stopping)
        except FolderError as error:
            self._fail(f"options: {error}")
        except WrongCredentialsError as error:
            self._fail(f"credentials: {error}")
        except (IMAPClientError, OSError) as error:
            self._fail(f"{type(error).__name__}: {error}")
        except FULL_OR_AWAY as error:
            self._fail(str(error), ours=True)
        except Exception as error:  # noqa: BLE001 - one mailbox's odd server must not end the others' reading
            self._log.error("mailbox reader failed", exc_info=error)
            self._fail(type(error).__name__)
        if self._trouble:
            options = self._options
            seconds = pause_seconds(self._failures, options.first_pause, options.longest_pause)
            await pause(stopping, seconds)

    async def _session(self, folder: Folder, stopping: asyncio.Event) -> None:
        connection = await self._threaded(
            lambda: ImapConnection.open(folder, self._account.secrets)
        )
        try:
            self._trouble = None
            self._show(ready=True)
            while not stopping.is_set():
                if not await self._read(connection, folder, stopping):
                    self._failures = 0
                    await self._news(connection, stopping)
        finally:
            await self._threaded(connection.close)

    async def _read(
        self, connection: ImapConnection, folder: Folder, stopping: asyncio.Event
    ) -> int:
        """Take in the next mails; return how many there were."""
        # Asked each time: another replica may have read on. What we remember may be further, where
        # the database went away between a mail and its cursor.
        stored = await self._store.load(self._account.account, folder.folder)
        cursor = resume(further(self._cursor, stored), connection.validity)
        if stored and stored.validity != cursor.validity:
            self._log.warning("folder was renumbered: reading all of it again")
        found = await self._threaded(lambda: connection.later_than(cursor))
        uids = still_to_come(found, cursor, self._options.batch)
        for uid in uids:
            if stopping.is_set():
                break
            await self._take(connection, folder, Cursor(cursor.validity, uid))
        return len(uids)

    async def _take(self, connection: ImapConnection, folder: Folder, reached: Cursor) -> None:
        mail = await self._threaded(lambda: connection.fetch(reached.last_uid))
        if mail is not None:
            if mail.oversize:
                self._log.warning("mail left in its folder", uid=reached.last_uid, size=mail.size)
            await self._intake.accept(self._original(mail, folder, reached), self._account)
        self._cursor = reached
        await self._store.store(self._account.account, folder.folder, reached)

    def _original(self, mail: Fetched, folder: Folder, reached: Cursor) -> Original:
        headers = {WHENCE: f"{folder.folder}\n{reached.validity}\n{reached.last_uid}"}
        if mail.oversize:
            headers[OVERSIZE] = str(mail.size)
        return Original(
            provider=self._account.provider,
            account=self._account.account,
            received_at=min(mail.arrived_at, self._clock()),
            body=mail.content,
            headers=headers,
        )

    async def _news(self, connection: ImapConnection, stopping: asyncio.Event) -> None:
        """Return when there may be new mail."""
        if not await self._threaded(lambda: connection.can_idle):
            await pause(stopping, self._options.poll)
            return
        await self._threaded(connection.begin_idle)
        left = self._options.idle
        while left > 0 and not stopping.is_set():
            wait = min(left, SLICE_SECONDS)
            if await self._threaded(partial(connection.heard, wait)):
                break
            left -= wait
        await self._threaded(connection.end_idle)

    async def _threaded(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _fail(self, reason: str, *, ours: bool = False) -> None:
        self._failures += 1
        self._log.warning("mailbox is not read", reason=reason, failures=self._failures)
        self._trouble = reason
        if not ours:  # the metric is about the account, not about our database
            self._show(ready=False)

    def _show(self, *, ready: bool) -> None:
        metrics.account_ready.labels(*self._labels()).set(ready)

    def _labels(self) -> tuple[str, str, str]:
        account = self._account
        return account.provider, account.account, account.team or ""


class Mailboxes:
    """Every mailbox reader, as one component of the service."""

    name = "imap"

    def __init__(self, readers: Sequence[MailboxReader], leases: Leasing) -> None:
        self._readers = readers
        self._leases = leases

    def complaint(self) -> str | None:
        """Return which mailboxes are not read and why, or None."""
        troubles = [
            f"{reader.name}: {why}" for reader in self._readers if (why := reader.complaint())
        ]
        return "; ".join(troubles) or None

    async def run(self, stopping: asyncio.Event) -> None:
        """Read every mailbox until `stopping` is set, each finishing the mail it has begun."""
        held = (
            self._leases.while_held(f"imap/{reader.name}", reader.run, stopping)
            for reader in self._readers
        )
        await asyncio.gather(*held)
