"""Live streams of customers: server-sent events for thousands of tools at once.

One listener a process hears that something was committed, one query fetches the lines of the log
that concern anybody who is followed, and what became of them is read once for all who follow the
same customer. A reader who has fallen too far behind is told to reload instead.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.database import ReadConnection, done_unless_passing, reading
from common.edges.listening import listen
from common.edges.streaming import Streams
from common.edges.waiting import pause, work_until
from timeline.core.live import (
    CustomerKey,
    Followed,
    Hits,
    Line,
    Told,
    hits,
    items_of,
    lines_of_each,
    recent_of,
    told,
)
from timeline.edges.live_questions import (
    MOST_LINES,
    entries_at,
    followed_of,
    forget_lines,
    lines_between,
    span,
)
from timeline.edges.live_stream import CustomerStream
from timeline.edges.reader import amendments_of, current_id

CHANNEL = "timeline_changes"
LOOK_SECONDS = 0.25  # how soon it is noticed that the process drains
GATHER_SECONDS = 0.03  # what is committed meanwhile is looked at together
LATEST_SECONDS = 5.0  # even if no news were heard
RETRY_SECONDS = 0.5
FORGET_SECONDS = 60.0
ADMITTED = 100  # streams that begin together


class CustomersHub:
    """Brings what happens to customers to the open streams; a component.

    `engine` sees every tenant: the log is read with it, and nothing that anybody wrote.
    """

    name = "live streams"

    def __init__(
        self,
        engine: AsyncEngine,
        reader: AsyncEngine,
        streams: Streams,
        draining: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._streams = streams
        self._draining = draining
        self._followed: dict[CustomerKey, Followed] = {}
        self._of: defaultdict[CustomerKey, set[CustomerStream]] = defaultdict(set)
        self._newcomers: list[CustomerStream] = []
        self._news = asyncio.Event()

    def require_room(self) -> None:
        """Raise HTTPException (503) where too many streams are open."""
        self._streams.require_room()

    @contextmanager
    def opened(self, tenant: str, customer: UUID, after: int | None) -> Iterator[CustomerStream]:
        """Yield a stream of what happens to a customer after a line of the log, or from now on."""
        stream = CustomerStream(tenant, customer, after)
        with self._streams.counted(stream):
            self._newcomers.append(stream)
            self._news.set()
            try:
                yield stream
            finally:
                stream.end()
                self._leave(stream)

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping` is set."""
        await work_until(stopping, self._hear(stopping), self._deliver(), self._forget())
        self._streams.end()

    async def _hear(self, stopping: asyncio.Event) -> None:
        while True:
            heard = listen(
                self._engine, CHANNEL, lambda _: self._news.set(), self._news.set, stopping
            )
            if not await done_unless_passing(self.name, heard):
                await pause(stopping, RETRY_SECONDS)

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await pause(self._news, LOOK_SECONDS)
            if self._draining():
                self._streams.end()
            if not self._news.is_set() and loop.time() - looked < LATEST_SECONDS:
                continue
            self._news.clear()
            looked = loop.time()
            if not await done_unless_passing(self.name, self._round()):
                self._news.set()
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            await done_unless_passing(self.name, self._forget_once())

    async def _forget_once(self) -> None:
        async with self._engine.begin() as connection:
            await forget_lines(connection)

    async def _round(self) -> None:
        await self._bring([stream for streams in self._of.values() for stream in streams])
        some = self._newcomers[:ADMITTED]
        await self._begin([stream for stream in some if not stream.ended])
        del self._newcomers[: len(some)]
        if self._newcomers:
            self._news.set()

    async def _begin(self, newcomers: Collection[CustomerStream]) -> None:
        """Let these streams begin.

        First it is read how far the log is, then who has which contacts: what comes between is told.
        """
        if not newcomers:
            return
        async with self._engine.connect() as connection:
            log = await span(connection)
        await self._join(newcomers)
        for stream in newcomers:
            stream.begin(log)
        names = {name for one in newcomers for name in self._names(one)}
        await self._bring([one for one in newcomers if one in self._of[one.key]], names)

    async def _join(self, streams: Collection[CustomerStream]) -> None:
        """Find out whom these streams follow now, and by what."""
        for tenant, theirs in _by_tenant(streams).items():
            async with reading(self._reader, tenant) as connection:
                meant = {
                    stream: await current_id(connection, tenant, stream.asked) or stream.asked
                    for stream in theirs
                }
                followed = await followed_of(connection, list(set(meant.values())))
            for stream, customer in meant.items():
                self._leave(stream)
                stream.key = (tenant, customer)
                if not stream.ended:
                    self._followed[stream.key] = followed[customer]
                    self._of[stream.key].add(stream)

    def _leave(self, stream: CustomerStream) -> None:
        self._of[stream.key].discard(stream)
        if not self._of[stream.key]:
            del self._of[stream.key]
            self._followed.pop(stream.key, None)

    def _names(self, stream: CustomerStream) -> Collection[UUID]:
        one = self._followed.get(stream.key)
        return one.recents.names if one else ()

    async def _bring(
        self, streams: Collection[CustomerStream], names: Collection[UUID] | None = None
    ) -> None:
        """Bring these streams up to now. `names`: the messages that they may be told of; or any."""
        if not streams:
            return
        lines, until = await self._lines(streams, names)
        if moved := self._concerned_by_moves(lines):
            await self._join(moved)
            lines, until = await self._lines(streams, names)  # by the contacts that they have now
        keys = {stream.key for stream in streams}
        followed = {key: self._followed[key] for key in keys if key in self._followed}
        found = await self._found(lines_of_each(lines, followed), followed)
        for stream in streams:
            if stream.key in found:
                stream.tell(found[stream.key], until)
            else:
                stream.after = max(stream.after, until)

    async def _lines(
        self, streams: Collection[CustomerStream], names: Collection[UUID] | None
    ) -> tuple[Sequence[Line], int]:
        """Return the lines that these streams may have to be told, and up to which that is all."""
        since = min(stream.after for stream in streams)
        keys = {stream.key for stream in streams} & self._followed.keys()
        contacts = {contact for key in keys for contact in self._followed[key].contacts}
        async with self._engine.connect() as connection:
            until = (await span(connection)).total
            lines = await lines_between(connection, since, until, contacts, names)
        if len(lines) == MOST_LINES:
            until = lines[-1].number
            self._news.set()
        return lines, until

    def _concerned_by_moves(self, lines: Iterable[Line]) -> list[CustomerStream]:
        moves = [line for line in lines if line.moved_to]
        keys = {(line.tenant, end) for line in moves for end in (line.moved_from, line.moved_to)}
        return [one for key, streams in self._of.items() if key in keys for one in streams]

    async def _found(
        self, lines: Mapping[CustomerKey, Sequence[Line]], followed: Mapping[CustomerKey, Followed]
    ) -> dict[CustomerKey, list[Told]]:
        """Return what the streams of each customer are told."""
        found: dict[CustomerKey, list[Told]] = {}
        of_each = {key: hits(mine, followed[key]) for key, mine in lines.items()}
        for tenant in {tenant for tenant, _ in of_each}:
            theirs = {key: one for key, one in of_each.items() if key[0] == tenant}
            async with reading(self._reader, tenant) as connection:
                found |= await _read(connection, tenant, theirs, followed)
        return found


async def _read(
    connection: ReadConnection,
    tenant: str,
    of_each: Mapping[CustomerKey, Hits],
    followed: Mapping[CustomerKey, Followed],
) -> dict[CustomerKey, list[Told]]:
    """Read what the hits of one tenant's customers became, and remember what is recent now."""
    places = {at for one in of_each.values() for at in one.written.keys() | one.changed.keys()}
    entries = await entries_at(connection, places)
    amendments = await amendments_of(connection, tenant, [entry for _, entry in entries])
    new = {event_id for one in of_each.values() for event_id in one.events}
    now = items_of((entry for _, entry in entries), amendments)
    changed = {place.event_id for one in of_each.values() for place in one.changed}
    before = items_of(
        (entry for _, entry in entries if entry.event_id in changed),
        (one for one in amendments if one.event_id not in new),
    )
    holders = {contact: key for key in of_each for contact in followed[key].contacts}
    for contact, entry in entries:
        recent = recent_of(contact, entry)
        if recent and contact in holders:
            followed[holders[contact]].recents.add(recent)
    return {key: told(one, key[1], now, before) for key, one in of_each.items()}


def _by_tenant(streams: Iterable[CustomerStream]) -> dict[str, list[CustomerStream]]:
    found: defaultdict[str, list[CustomerStream]] = defaultdict(list)
    for stream in streams:
        found[stream.tenant].append(stream)
    return found
