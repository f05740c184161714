"""Carries erasures out: rows at once, objects after a while, and then the certificate."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.erasure import CustomerErased, Marker
from common.core.topics import CUSTOMERS
from common.edges.clock import Clock
from common.edges.database import alone, done_unless_passing
from common.edges.erasing import batches_ended
from common.edges.leading import leading
from common.edges.objects import ObjectStore
from common.edges.outbox import enqueue
from common.edges.waiting import pause
from timeline.core.erasure import merged_counts
from timeline.core.erasure_certificate import Certificate, Done, signed
from timeline.edges.erasure_bus import Retaining
from timeline.edges.erasure_files import delete_objects
from timeline.edges.erasure_rounds import Rules, delete_some, end_contact

logger = structlog.get_logger()

LOOK_SECONDS = 1.0
SOURCE = "/timeline/erasure"
CONFIRMING = ("router",)  # who else holds something, and says when it is gone

_ANYTHING = text(
    """
    SELECT EXISTS (SELECT FROM erasure WHERE state <> 'closed')
        OR EXISTS (SELECT FROM erasure_object)
    """
)
_OPEN = text("SELECT * FROM erasure WHERE state <> 'closed' ORDER BY erased_at, id")
_STATE = text("UPDATE erasure SET state = :state, counts = CAST(:counts AS jsonb) WHERE id = :id")
_EMPTIED = text(
    """
    UPDATE erasure SET state = 'emptied', counts = CAST(:counts AS jsonb), contacts = '{}'
     WHERE id = :id
    """
)
_TELLERS = text(
    "SELECT service, counts, forgotten_at FROM erasure_confirmation WHERE erasure = :id ORDER BY 1"
)
_CERTIFY = text(
    """
    UPDATE erasure SET state = 'certified', gone_at = :gone_at,
           certificate = CAST(convert_from(:certificate, 'UTF8') AS json)
     WHERE id = :id
    """
)
_CLOSE = text("UPDATE erasure SET state = 'closed', customers = '{}' WHERE id = :id")
_NAMES = text("SELECT count(*) FROM erased_name WHERE erasure = :id")
_OBJECTS = ("originals", "files", "files that others have too")
_MARKS = text("SELECT mark FROM erased_name WHERE erasure = :id ORDER BY number")
# Tenants of whom nothing is under way: an erasure deletes its own tenant's objects, and counts them.
_LATE = text(
    """
    SELECT DISTINCT tenant FROM erasure_object WHERE tenant NOT IN (
      SELECT tenant FROM erasure WHERE state IN ('accepted', 'emptied'))
    """
)


class Patience(Struct, frozen=True):
    """How long to wait for what is under way: before objects go, and between looks."""

    settle: timedelta = timedelta(minutes=10)
    look_seconds: float = LOOK_SECONDS


class Eraser:
    """A component. Of several replicas one works; whoever dies is followed by another."""

    name = "eraser"

    def __init__(
        self,
        engine: AsyncEngine,
        objects: ObjectStore,
        bus: Retaining,
        marker: Marker,
        clock: Clock,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._engine = engine
        self._objects = objects
        self._bus = bus
        self._marker = marker
        self._clock = clock
        self._patience = patience

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; what is begun goes on after the next start."""
        while not stopping.is_set():
            await done_unless_passing("eraser", self.look())
            await pause(stopping, self._patience.look_seconds)

    async def look(self) -> None:
        """Bring every open erasure as far as it can come now. Raises TransientError."""
        if not await alone(self._engine, _ANYTHING, {}):
            return
        async with leading(self._engine, "eraser") as session:
            if session is None:
                return
            for row in (await session.execute(_OPEN)).all():
                await self._further(row)
            await self._late_objects()

    async def _further(self, row: Row[Any]) -> None:
        """Take the next step, and the ones after it if they are due."""
        if row.state == "accepted":
            await batches_ended(self._engine)
            await self._empty(row)
        elif row.state == "emptied" and self._clock() >= row.erased_at + self._patience.settle:
            await self._delete_objects(row)
        elif row.state == "deleted":
            await self._certify(row)
        elif row.state == "certified" and row.gone_at and self._clock() >= row.gone_at:
            await self._close(row)

    async def _empty(self, row: Row[Any]) -> None:
        rules = Rules(row.tenant, row.id, row.erased_at, self._marker)
        counts: dict[str, int] = dict(row.counts)
        for contact in row.contacts:
            for table in ("entry", "amendment"):
                counts = merged_counts(counts, await self._rounds(table, contact, rules))
            async with self._engine.begin() as connection:
                if await end_contact(connection, contact, row.tenant):
                    counts = merged_counts(counts, {"contact": 1})
        async with self._engine.begin() as connection:
            await connection.execute(_EMPTIED, {"id": row.id, "counts": _json(counts)})
        logger.info("erased", erasure=str(row.id), tenant=row.tenant, **counts)

    async def _rounds(self, table: str, contact: int, rules: Rules) -> dict[str, int]:
        counts: dict[str, int] = {}
        after: UUID | None = UUID(int=0)
        while after is not None:
            async with self._engine.begin() as connection:
                one = await delete_some(connection, table, contact, after, rules)
            counts, after = merged_counts(counts, one.counts), one.after
        return counts

    async def _delete_objects(self, row: Row[Any]) -> None:
        counts = dict(row.counts)
        while done := await delete_objects(self._engine, self._objects, row.tenant, row.erased_at):
            counts = merged_counts(
                counts,
                {
                    "originals": done.originals.get(row.id, 0),
                    "files": done.files.get(row.id, 0),
                    "files that others have too": done.shared_files.get(row.id, 0),
                },
            )
        async with self._engine.begin() as connection:
            state = {"id": row.id, "state": "deleted", "counts": _json(counts)}
            await connection.execute(_STATE, state)

    async def _late_objects(self) -> None:
        """Delete what refused events, told again, still point to."""
        before = self._clock() - self._patience.settle
        async with self._engine.begin() as connection:
            waiting = list(await connection.scalars(_LATE))
        for tenant in waiting:
            while await delete_objects(self._engine, self._objects, tenant, before):
                pass

    async def _certify(self, row: Row[Any]) -> None:
        async with self._engine.begin() as connection:
            tellers = (await connection.execute(_TELLERS, {"id": row.id})).all()
            if not {one.service for one in tellers}.issuperset(CONFIRMING):
                return
            names = await connection.scalar(_NAMES, {"id": row.id})
        certificate = signed(await self._certificate(row, tellers, names or 0), self._marker)
        async with self._engine.begin() as connection:
            await connection.execute(
                _CERTIFY,
                {
                    "id": row.id,
                    "gone_at": certificate.gone_at,
                    "certificate": msgspec.json.encode(certificate),
                },
            )

    async def _certificate(
        self, row: Row[Any], tellers: Sequence[Row[Any]], names: int
    ) -> Certificate:
        now = self._clock()
        rows = {name: count for name, count in row.counts.items() if name not in _OBJECTS}
        objects = {name: count for name, count in row.counts.items() if name in _OBJECTS}
        return Certificate(
            erasure=row.id,
            tenant=row.tenant,
            basis=row.basis,
            reference=row.reference,
            asked_by=row.asked_by,
            erased_at=row.erased_at,
            certified_at=now,
            done=(
                Done("timeline and search", rows | {"names": names}, now),
                Done("object storage", objects, now),
                *(Done(one.service, dict(one.counts), one.forgotten_at) for one in tellers),
            ),
            retained=await self._bus.copies(row.erased_at),
        )

    async def _close(self, row: Row[Any]) -> None:
        """Tell the bus once more, without the ids: no copy is left that they would lead to."""
        async with self._engine.begin() as connection:
            await connection.execute(_CLOSE, {"id": row.id})
            await enqueue(connection, [await _last_word(connection, row, self._marker)])


def announced(event: CustomerErased, tenant: str) -> Record:
    """Return the record of an erasure. Its key names the erasure: compaction keeps the last word."""
    attributes = Attributes(
        id=event.erasure,
        source=SOURCE,
        type=event_type(event),
        subject=str(event.erasure),
        time=event.erased_at,
        tenant=tenant,
    )
    return record(CUSTOMERS.name, attributes, event)


async def _last_word(connection: AsyncConnection, row: Row[Any], marker: Marker) -> Record:
    marks = await connection.scalars(_MARKS, {"id": row.id})
    event = CustomerErased(
        erasure=row.id,
        erased_at=row.erased_at,
        key_check=marker.check,
        contacts=tuple(sorted(mark.hex() for mark in marks)),  # a mark tells not what it names
    )
    return announced(event, row.tenant)


def _json(counts: dict[str, int]) -> str:
    return msgspec.json.encode(counts).decode()


def begun_at(now: datetime) -> datetime:
    """Return the moment of an erasure as everybody can keep it: Kafka's times are milliseconds."""
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
