"""Originals and files of erased entries, deleted where they lie in object storage."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.objects import ObjectStore
from common.edges.originals import erase_originals
from timeline.core.erasure import is_file_of, is_original

AT_ONCE = 2000

_NEXT = text(
    """
    SELECT tenant, ref, erasure FROM erasure_object
     WHERE tenant = :tenant ORDER BY ref LIMIT :most
    """
)
# A file is named by its hash, and equal files are one object: who else's message has it? No index
# knows; a month at a time is looked through.
_MONTHS = text(
    """
    SELECT generate_series(date_trunc('month', min(occurred_at)), max(occurred_at), '1 month') AS month
      FROM (SELECT occurred_at FROM entry WHERE tenant = :tenant
             UNION ALL SELECT occurred_at FROM amendment WHERE tenant = :tenant) AS told
    """
)
_USED = """
    SELECT DISTINCT place[1] FROM {table}
     CROSS JOIN LATERAL regexp_matches(CAST(body AS text), :pattern, 'g') AS place
     WHERE tenant = :tenant AND place[1] = ANY(CAST(:refs AS text[]))
       AND occurred_at >= :month AND occurred_at < CAST(:month AS timestamptz) + interval '1 month'
"""
_STILL_USED = tuple(text(_USED.format(table=table)) for table in ("entry", "amendment"))
_DONE = text(
    "DELETE FROM erasure_object WHERE tenant = :tenant AND ref = ANY(CAST(:refs AS text[]))"
)


class Deleted(Struct, frozen=True):
    """What became of objects, by the erasure that asked for it (None: of an older one's)."""

    originals: dict[UUID | None, int]
    files: dict[UUID | None, int]
    shared_files: dict[UUID | None, int]


async def delete_objects(
    engine: AsyncEngine, objects: ObjectStore, tenant: str, unchanged_since: datetime
) -> Deleted | None:
    """Delete some of what waits; None where nothing can be done.

    A file that somebody else's message has too, or that was stored anew after `unchanged_since`,
    stays: it is theirs. One that belongs to no erasure that is under way, and is that new, waits: who
    else it came for may not be known yet. Raises TransientError.
    """
    async with engine.begin() as connection:
        asked = {"tenant": tenant, "most": AT_ONCE}
        rows = (await connection.execute(_NEXT, asked)).all()
    if not rows:
        return None
    of = {row.ref: row.erasure for row in rows}
    originals = [ref for ref in of if is_original(ref)]
    ours = [ref for ref in of if not is_original(ref) and is_file_of(ref, tenant)]
    # One request may have brought several people's messages. Who is erased is erased from it, too;
    # where only a time is over, it waits for the last of them.
    waiting = [ref for ref in originals if of[ref] is None]
    used = await _used(engine, tenant, ours + waiting)
    deleted = Deleted({}, {}, {})
    for erasure in {of[ref] for ref in originals}:
        theirs = [ref for ref in originals if of[ref] == erasure and (erasure or ref not in used)]
        _count(deleted.originals, erasure, await erase_originals(objects, theirs))
    new = {ref for ref in ours if await _stored_since(objects, ref, unchanged_since)}
    waits = {ref for ref in new - used if of[ref] is None}
    if len(waits) == len(of):
        return None
    for ref in (ref for ref in ours if ref not in waits):
        kept = ref in used or ref in new
        if not kept:
            await objects.delete(ref)
        _count(deleted.shared_files if kept else deleted.files, of[ref], 1)
    async with engine.begin() as connection:
        await connection.execute(_DONE, {"tenant": tenant, "refs": sorted(of.keys() - waits)})
    return deleted


async def _used(engine: AsyncEngine, tenant: str, refs: Sequence[str]) -> set[str]:
    found: set[str] = set()
    if not refs:
        return found
    async with engine.begin() as connection:
        months = list(await connection.scalars(_MONTHS, {"tenant": tenant}))
    files = f"files/{tenant}/[0-9a-f]{{2}}/[0-9a-f]{{64}}"
    pattern = rf'({files}|originals/[^"\\]+#[0-9]+\+[0-9]+)'
    for month in months:
        for statement in _STILL_USED:
            asked = {"tenant": tenant, "refs": list(refs), "month": month, "pattern": pattern}
            async with engine.begin() as connection:
                found |= set(await connection.scalars(statement, asked))
    return found


async def _stored_since(objects: ObjectStore, ref: str, moment: datetime) -> bool:
    at = await objects.modified_at(ref)
    return at is not None and at > moment


def _count(counts: dict[UUID | None, int], erasure: UUID | None, number: int) -> None:
    counts[erasure] = counts.get(erasure, 0) + number
