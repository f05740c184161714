"""Exports that somebody asked for: built one at a time, kept for a while, then deleted."""

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.clock import Clock
from common.edges.database import alone, done_unless_passing
from common.edges.leading import leading
from common.edges.objects import ObjectStore
from common.edges.waiting import pause
from timeline.edges.export_build import Exporter, NobodyError

logger = structlog.get_logger()

KEPT = timedelta(days=7)
LOOK_SECONDS = 1.0

_NEXT = text("SELECT * FROM export_job WHERE state = 'asked' ORDER BY asked_at, id LIMIT 1")
_READY = text(
    """
    UPDATE export_job SET state = 'ready', entries = :entries, bytes = :bytes, sha256 = :sha256,
           ready_at = :now, expires_at = :until
     WHERE id = :id AND state = 'asked'
    """
)
_ENDED = text("UPDATE export_job SET state = :state WHERE id = :id")
_ANYTHING = text(
    """
    SELECT EXISTS (SELECT FROM export_job WHERE state IN ('asked', 'unwanted')
                      OR (state = 'ready' AND expires_at <= :now))
    """
)
_OVER = text(
    "SELECT id, tenant FROM export_job WHERE state IN ('ready', 'unwanted')"
    " AND (state = 'unwanted' OR expires_at <= :now) LIMIT 50"
)


def key_of(tenant: str, export: UUID) -> str:
    """Return where an export lies in object storage."""
    return f"exports/{tenant}/{export}.zip"


class ExportWorker:
    """A component. Of several replicas one works."""

    name = "exports"

    def __init__(
        self, engine: AsyncEngine, reader: AsyncEngine, objects: ObjectStore, clock: Clock
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._objects = objects
        self._clock = clock

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; an export that was cut off is built anew."""
        while not stopping.is_set():
            await done_unless_passing("exports", self.look())
            await pause(stopping, LOOK_SECONDS)

    async def look(self) -> None:
        """Build what was asked for, delete what is over. Raises TransientError."""
        if not await alone(self._engine, _ANYTHING, {"now": self._clock()}):
            return
        async with leading(self._engine, "exports") as session:
            if session is None:
                return
            while (row := await self._next()) is not None:
                await self._build(row)
            await self._delete_old()

    async def _next(self) -> Row[Any] | None:
        async with self._engine.begin() as connection:
            return (await connection.execute(_NEXT)).one_or_none()

    async def _build(self, row: Row[Any]) -> None:
        exporter = Exporter(self._reader, self._objects, row.tenant)
        with tempfile.TemporaryDirectory(prefix="madoguchi-export-") as folder:
            path = Path(folder) / "export.zip"
            try:
                built = await exporter.build(row.customer_id, self._clock(), path)
            except NobodyError:
                await self._end(row.id, "gone")
                return
            await self._objects.put_path(key_of(row.tenant, row.id), path)
        now: datetime = self._clock()
        ready = {
            "id": row.id,
            "entries": built.entries,
            "bytes": built.size,
            "sha256": built.sha256,
            "now": now,
            "until": now + KEPT,
        }
        async with self._engine.begin() as connection:
            await connection.execute(_READY, ready)
        logger.info("exported", export=str(row.id), tenant=row.tenant, entries=built.entries)

    async def _delete_old(self) -> None:
        async with self._engine.begin() as connection:
            over = (await connection.execute(_OVER, {"now": self._clock()})).all()
        for row in over:
            await self._objects.delete(key_of(row.tenant, row.id))
            await self._end(row.id, "deleted")

    async def _end(self, export: UUID, state: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(_ENDED, {"id": export, "state": state})
