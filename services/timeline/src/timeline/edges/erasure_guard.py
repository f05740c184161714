"""Keeps what was erased from being learned again, whatever the bus still tells or tells anew."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.erasure import CustomerErased, CustomerForgotten, Erased, Marker, Named
from common.core.errors import TransientError
from common.edges import metrics
from common.edges.batches import Received
from common.edges.erasing import ErasedNames
from timeline.core.entry import Entry
from timeline.core.erasure import is_old, names_gone, objects_of, speaks_of
from timeline.core.identity import Decision, Profile
from timeline.edges.erasure_store import begin, confirm

logger = structlog.get_logger()

Told = Entry | Profile | Decision

_KNOWN_GONE = text(
    """
    SELECT tenant, mark FROM unnest(CAST(:tenants AS text[]), CAST(:marks AS bytea[]))
           AS asked (tenant, mark) JOIN erased_event USING (tenant, mark)
    """
)
_GONE = text(
    """
    INSERT INTO erased_event (tenant, mark)
    SELECT DISTINCT * FROM unnest(CAST(:tenants AS text[]), CAST(:marks AS bytea[])) AS gone
     ORDER BY 2 ON CONFLICT DO NOTHING
    """
)
_LEFT_OVER = text(
    """
    INSERT INTO erasure_object (tenant, ref, erasure)
    SELECT DISTINCT left_over.*, CAST(:erasure AS uuid)
      FROM unnest(CAST(:tenants AS text[]), CAST(:refs AS text[])) AS left_over
     ORDER BY 2 ON CONFLICT DO NOTHING
    """
)


class ErasureGuard:
    """What stands between a batch and the tables. Without a key nobody can have been erased."""

    def __init__(self, privacy_key: str = "") -> None:
        self._names = ErasedNames(Marker(privacy_key)) if privacy_key else None

    async def learn(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """Take in what the bus tells of erasures, ours and those of a timeline before this one.

        Raises TransientError where there is no key, or another one, to tell who was erased.
        """
        told = [one.event for one in batch]
        if self._names is None:
            if any(isinstance(one.data, CustomerErased) for one in told):
                raise TransientError("somebody was erased, and there is no privacy key")
            return
        await self._names.load(connection)
        for one in told:
            if isinstance(one.data, CustomerErased):
                self._names.erased.marker.require_same(one.data)
                await begin(connection, one.attributes.tenant, one.data)
            elif isinstance(one.data, CustomerForgotten):
                await confirm(connection, one.attributes.tenant, one.data)
        await self._names.reload(connection)

    async def admitted(
        self, connection: AsyncConnection, told: Sequence[Told | None]
    ) -> list[Told]:
        """Return what may be written down. What is refused leaves only marks, and where files lie."""
        present = [one for one in told if one is not None]
        if self._names is None or not len(self._names.erased):
            return present
        erased = self._names.erased
        late = [one for one in present if isinstance(one, Entry) and _is_late(one, erased)]
        gone = await gone_among(connection, late, erased.marker)
        refused = [one for one in present if _is_refused(one, erased, gone)]
        if not refused:
            return present
        metrics.erased_refused.inc(len(refused))
        entries = [one for one in refused if isinstance(one, Entry)]
        await remember_gone(connection, entries, erased.marker)
        names = {id(one) for one in refused}
        return [one for one in present if id(one) not in names]


async def remember_gone(
    connection: AsyncConnection,
    entries: Collection[Entry],
    marker: Marker,
    erasure: UUID | None = None,
) -> None:
    """Note under which names events may speak of these entries, and where their files lie.

    `erasure` is whose certificate tells of the files; None where they turned up later.
    """
    names = [
        (one.tenant, marker.mark(one.tenant, Named.EVENT, str(name)))
        for one in entries
        for name in names_gone(one)
    ]
    if names:
        tenants, marks = zip(*names, strict=True)
        await connection.execute(_GONE, {"tenants": tenants, "marks": marks})
    objects = [(one.tenant, ref) for one in entries for ref in objects_of(one)]
    if objects:
        tenants, refs = zip(*objects, strict=True)
        await connection.execute(_LEFT_OVER, {"tenants": tenants, "refs": refs, "erasure": erasure})


async def gone_among(
    connection: AsyncConnection, entries: Iterable[Entry], marker: Marker
) -> set[UUID]:
    """Return which of these entries speak of something that was erased."""
    asked = defaultdict[tuple[str, bytes], set[UUID]](set)
    for one in entries:
        for name in speaks_of(one):
            asked[one.tenant, marker.mark(one.tenant, Named.EVENT, str(name))].add(one.event_id)
    if not asked:
        return set()
    tenants, marks = zip(*asked, strict=True)
    rows = await connection.execute(_KNOWN_GONE, {"tenants": tenants, "marks": marks})
    return {event for row in rows for event in asked[row.tenant, row.mark]}


def _is_late(entry: Entry, erased: Erased) -> bool:
    moment = erased.contact(entry.tenant, entry.contact)
    return moment is not None and not is_old(entry, moment)


def _is_refused(told: Told, erased: Erased, gone: Collection[UUID]) -> bool:
    if isinstance(told, Profile):
        moment = erased.profile(told.tenant, told.customer_ref)
        older = min(told.changed_at, told.learned_at)
        return moment is not None and older <= moment
    if isinstance(told, Decision):
        about = (*told.data.contacts, *told.data.others)
        moments = (erased.contact(told.tenant, contact) for contact in about)
        return any(moment is not None and told.data.decided_at <= moment for moment in moments)
    moment = erased.contact(told.tenant, told.contact)
    return moment is not None and (is_old(told, moment) or told.event_id in gone)
