"""Everything that is known of a customer, as a ZIP: data.json, index.html and the files beside it.

What is read is read a few hundred entries at a time and written to a file on disk, so an export
needs no more memory for a hundred thousand entries than for ten.
"""

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.database import ReadConnection, reading
from common.edges.objects import ObjectStore
from timeline.core.cursor import Cursor, cursor_before
from timeline.core.customers import CustomerView
from timeline.core.erasure import is_file_of
from timeline.core.export_page import HEAD, TAIL, file_name, line, who
from timeline.core.fold import present
from timeline.core.items import Item
from timeline.edges.histories import PLACE, PLACE_GIVEN, place_of
from timeline.edges.reader import COLUMNS, amendments_of, customer_of, row_entry

AT_ONCE = 300
MOST_FILES = 100_000

_PAGE = text(
    f"""
    SELECT {COLUMNS} FROM contact CROSS JOIN LATERAL (
      SELECT * FROM entry
       WHERE entry.contact_id = contact.id AND occurred_at >= :occurred_at
         AND ({PLACE}) > ({PLACE_GIVEN})
       ORDER BY {PLACE} LIMIT :most
    ) AS oldest
     WHERE contact.customer_id = :customer AND contact.tenant = :tenant
     ORDER BY {PLACE} LIMIT :most
    """  # noqa: S608 - column names of our own
)
_LINKS = text(
    """
    SELECT link.customer_ref, contact.address AS contact, link.cause, link.linked_at AS at
      FROM link JOIN contact ON contact.id = link.contact_id
     WHERE contact.customer_id = :customer AND contact.tenant = :tenant
     ORDER BY link.linked_at, link.customer_ref, contact.address
    """
)
_MERGES = text(
    """
    SELECT survivor, absorbed, cause, merged_at AS at FROM merge
     WHERE survivor = :customer AND tenant = :tenant ORDER BY merged_at, absorbed
    """
)
_PROFILES = text(
    """
    SELECT CAST(profile.body AS text) FROM profile WHERE (customer_ref, tenant) IN (
      SELECT link.customer_ref, link.tenant FROM contact JOIN link ON link.contact_id = contact.id
       WHERE contact.customer_id = :customer AND contact.tenant = :tenant)
    """
)
# When and by which route, but not which employee: see docs/privacy.md.
_READ = text(
    """
    SELECT at, route FROM access_log WHERE customer_id = :customer AND tenant = :tenant
     ORDER BY sequence DESC LIMIT 10000
    """
)


class Built(Struct, frozen=True):
    """An export on disk: how many entries and bytes, and its SHA-256 (hexadecimal)."""

    entries: int
    size: int
    sha256: str


class NobodyError(LookupError):
    """There is no such customer any more."""


class Exporter:
    """Builds exports of one tenant's customers."""

    def __init__(self, engine: AsyncEngine, objects: ObjectStore, tenant: str) -> None:
        self._engine = engine
        self._objects = objects
        self._tenant = tenant

    async def build(self, customer: UUID, made_at: datetime, path: Path) -> Built:
        """Write the export to `path`. Raises NobodyError, TransientError."""
        async with reading(self._engine, self._tenant) as connection:
            view = await customer_of(connection, self._tenant, customer)
        if view is None:
            raise NobodyError(str(customer))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            places = await self._data(archive, view, made_at)
            entries = await self._page(archive, view, made_at, places)
            for location, place in places.items():
                await self._file(archive, location, place)
        size, digest = await asyncio.to_thread(_weighed, path)
        return Built(entries, size, digest)

    async def _data(
        self, archive: zipfile.ZipFile, view: CustomerView, made_at: datetime
    ) -> dict[str, str]:
        """Write `data.json`; return where beside the page each file is to lie."""
        places: dict[str, str] = {}
        with archive.open("data.json", "w", force_zip64=True) as out:
            out.write(b'{"made_at":' + msgspec.json.encode(made_at))
            for name, value in (await self._known(view)).items():
                out.write(b",\n" + msgspec.json.encode(name) + b":" + msgspec.json.encode(value))
            out.write(b',\n"entries":[')
            first = True
            async for items in self._items(view.id):
                for item in items:
                    out.write((b"\n" if first else b",\n") + msgspec.json.encode(item))
                    first = False
                    self._place(item, places)
            out.write(b"\n]}\n")
        return places

    async def _page(
        self,
        archive: zipfile.ZipFile,
        view: CustomerView,
        made_at: datetime,
        places: dict[str, str],
    ) -> int:
        """Write `index.html`; return how many entries it has."""
        entries = 0
        with archive.open("index.html", "w", force_zip64=True) as out:
            _write(out, HEAD, who(view, made_at))
            async for items in self._items(view.id):
                _write(out, *(line(item, places) for item in items))
                entries += len(items)
            _write(out, TAIL)
        return entries

    async def _known(self, view: CustomerView) -> dict[str, object]:
        """Return all but the entries."""
        asked = {"customer": view.id, "tenant": self._tenant}
        async with reading(self._engine, self._tenant) as connection:
            profiles = await connection.scalars(_PROFILES, asked)
            return {
                "customer": view,
                "profiles": [msgspec.Raw(body.encode()) for body in profiles],
                "links": await _rows(connection, _LINKS, asked),
                "merges": await _rows(connection, _MERGES, asked),
                "read": await _rows(connection, _READ, asked),
            }

    async def _items(self, customer: UUID) -> AsyncIterator[Sequence[Item]]:
        """Yield the history, oldest first, some at a time."""
        start = Cursor(datetime.min.replace(tzinfo=UTC), -1, -1, -1)
        while True:
            async with reading(self._engine, self._tenant) as connection:
                rows = await connection.execute(
                    _PAGE,
                    {
                        "customer": customer,
                        "tenant": self._tenant,
                        "most": AT_ONCE,
                        **place_of(start),
                    },
                )
                entries = [row_entry(row) for row in rows]
                said = await amendments_of(connection, self._tenant, entries)
            if not entries:
                return
            yield present(entries, said)[::-1]
            start = cursor_before(entries[-1])

    def _place(self, item: Item, places: dict[str, str]) -> None:
        for file in item.attachments:
            location = file.location
            ours = location is not None and is_file_of(location, self._tenant)
            if ours and location and len(places) < MOST_FILES:
                places.setdefault(location, file_name(len(places) + 1, file.name))

    async def _file(self, archive: zipfile.ZipFile, location: str, place: str) -> None:
        """Copy a file piece by piece; one that is gone leaves its name only."""
        with archive.open(place, "w", force_zip64=True) as out:
            try:
                async for piece in self._objects.pieces(
                    location, 0, await self._objects.size(location)
                ):
                    out.write(piece)
            except KeyError:
                return


async def _rows(
    connection: ReadConnection, query: TextClause, asked: dict[str, object]
) -> list[dict[str, object]]:
    rows = await connection.execute(query, asked)
    return [dict(row) for row in rows.mappings()]


def _write(out: IO[bytes], *parts: str) -> None:
    for part in parts:
        out.write(part.encode("utf-8", "replace"))


def _weighed(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
