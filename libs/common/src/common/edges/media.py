"""Files that messages only point to: fetched after the message went out, however long it takes.

A consumer of the service's own messages fills `media_fetch`; workers empty it and tell the bus, by
the outbox, what became of each file.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.adapters import ChannelAccount, File
from common.core.attachments import Pending, pending_files, told
from common.core.errors import TransientError
from common.core.events import Attachment, AttachmentState
from common.core.media import NotYetError, Refusal, RefusedError, is_fetched, next_attempt
from common.core.media_types import settled_type
from common.core.signatures import sha256_hex
from common.edges import metrics
from common.edges.accounts import Accounts
from common.edges.batches import Handler, Received
from common.edges.clock import Clock
from common.edges.database import passing_errors
from common.edges.objects import ObjectStore
from common.edges.outbox import enqueue
from common.edges.waiting import work_until

logger = structlog.get_logger()

IDLE_SECONDS = 0.5
COUNT_SECONDS = 5.0
LEASE = timedelta(minutes=5)  # longer than any fetch; after a crash the file waits for so long

_INSERT = text(
    "INSERT INTO media_fetch (message, position, pending, first_seen, due_at) "
    "VALUES (:message, :position, :pending, :now, :now) ON CONFLICT DO NOTHING"
)
# Files that were never asked for go first: those of a host that is away must not hold them up.
_CLAIM = text(
    "UPDATE media_fetch SET due_at = :until, attempts = attempts + 1 "
    "WHERE (message, position) = (SELECT message, position FROM media_fetch WHERE due_at <= :now "
    "ORDER BY attempts > 0, due_at LIMIT 1 FOR UPDATE SKIP LOCKED) "
    "RETURNING message, position, pending, attempts, first_seen"
)
_LATER = text(
    "UPDATE media_fetch SET due_at = :at WHERE message = :message AND position = :position"
)
_DONE = text("DELETE FROM media_fetch WHERE message = :message AND position = :position")

_WAITING = text("SELECT count(*) FROM (SELECT FROM media_fetch LIMIT 100000) AS rows")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Pending).decode


class Fetching(Protocol):
    """See common.edges.fetching.MediaClient."""

    async def fetch(self, reference: str, account: ChannelAccount) -> bytes:
        """Return a file's bytes. Raises RefusedError, NotYetError."""
        ...


def media_queue(service: str, accounts: Accounts, clock: Clock) -> Handler:
    """Return the handler that notes every file which messages of this service point to."""

    async def note(connection: AsyncConnection, received: Sequence[Received]) -> None:
        now = clock()
        rows = [
            {
                "message": item.attributes.id,
                "position": item.position,
                "pending": _encode(item),
                "now": now,
            }
            for one in received
            for item in pending_files(one.event, service)
            if (account := accounts.find(item.provider, item.account)) and is_fetched(account)
        ]
        if rows:
            await connection.execute(_INSERT, rows)

    return note


class _Claimed(Struct, frozen=True):
    message: UUID
    position: int
    pending: Pending
    attempts: int
    first_seen: datetime


class MediaFetcher:
    """Fetches what is due, several files at a time; replicas share the queue."""

    name = "media"

    def __init__(
        self,
        engine: AsyncEngine,
        client: Fetching,
        accounts: Accounts,
        objects: ObjectStore,
        clock: Clock,
        *,
        workers: int,
        after_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._client = client
        self._accounts = accounts
        self._objects = objects
        self._clock = clock
        self._workers = workers
        self._after_commit = after_commit

    async def run(self, stopping: asyncio.Event) -> None:
        """Fetch until `stopping` is set. What is under way then is fetched again by the next life."""
        workers = (self._work() for _ in range(self._workers))
        await work_until(stopping, self._count(), *workers)

    async def fetch_next(self) -> bool:
        """Try the file that is due first; False where none is. Raises TransientError."""
        claimed = await self._claim()
        if claimed is None:
            return False
        try:
            attachment = await self._fetched(claimed.pending)
        except NotYetError as error:
            await self._again(claimed, error.refusal)
        except RefusedError as error:
            await self._give_up(claimed, error.refusal)
        else:
            await self._tell(claimed, attachment, None)
        return True

    async def count_waiting(self) -> None:
        """Show how many files wait. Raises TransientError."""
        async with passing_errors(), self._engine.connect() as connection:
            metrics.media_waiting.set((await connection.execute(_WAITING)).scalar_one())

    async def _count(self) -> None:
        while True:
            with contextlib.suppress(TransientError):  # the workers tell
                await self.count_waiting()
            await asyncio.sleep(COUNT_SECONDS)

    async def _work(self) -> None:
        while True:
            try:
                busy = await self.fetch_next()
            except TransientError as error:
                logger.warning("media waits", error=str(error))
                busy = False
            if not busy:
                await asyncio.sleep(IDLE_SECONDS)

    async def _claim(self) -> _Claimed | None:
        now = self._clock()
        async with passing_errors(), self._engine.begin() as connection:
            row = (await connection.execute(_CLAIM, {"now": now, "until": now + LEASE})).first()
        if row is None:
            return None
        return _Claimed(
            row.message, row.position, _decode(row.pending), row.attempts, row.first_seen
        )

    async def _fetched(self, pending: Pending) -> Attachment:
        account = self._accounts.find(pending.provider, pending.account)
        if account is None or account.tenant != pending.attributes.tenant:
            raise RefusedError(Refusal.NO_ACCOUNT)
        attachment = pending.attachment
        content = await self._client.fetch(attachment.provider_ref or "", account)
        media_type, digest = settled_type(attachment.media_type, content), sha256_hex(content)
        if media_type is None:
            raise RefusedError(Refusal.TYPE)
        if attachment.sha256 not in (None, digest):
            raise RefusedError(Refusal.HASH)
        location = await self._objects.put_file(account.tenant, File(digest, content, media_type))
        return replace(
            attachment,
            state=AttachmentState.STORED,
            media_type=media_type,
            size=len(content),
            sha256=digest,
            location=location,
        )

    async def _again(self, claimed: _Claimed, refusal: Refusal) -> None:
        at = next_attempt(refusal, claimed.attempts, claimed.first_seen, self._clock())
        if at is None:
            await self._give_up(claimed, refusal)
            return
        _count(claimed.pending, "later")
        async with passing_errors(), self._engine.begin() as connection:
            place = {"message": claimed.message, "position": claimed.position}
            await connection.execute(_LATER, {"at": at, **place})

    async def _give_up(self, claimed: _Claimed, refusal: Refusal) -> None:
        refused = replace(claimed.pending.attachment, state=AttachmentState.REFUSED)
        await self._tell(claimed, refused, refusal)

    async def _tell(
        self, claimed: _Claimed, attachment: Attachment, refusal: Refusal | None
    ) -> None:
        event = told(claimed.pending, attachment, refusal, self._clock())
        async with passing_errors(), self._engine.begin() as connection:
            place = {"message": claimed.message, "position": claimed.position}
            await connection.execute(_DONE, place)
            await enqueue(connection, [event])
        _count(claimed.pending, refusal or "stored")
        self._after_commit()


def _count(pending: Pending, outcome: str) -> None:
    metrics.media_files.labels(pending.provider, pending.account, outcome).inc()
    if outcome not in ("stored", "later"):
        logger.warning("file given up", message=str(pending.attributes.id), reason=outcome)
