"""Work that one replica at a time may do, such as reading a mailbox or asking a provider.

Each piece of work has a name and a row in the table `lease`: who does it, and until when, by the
database's clock. Rows rather than advisory locks: a lock goes with its connection, and Postgres
learns of a machine that lost its power only when TCP gives up, hours later; a row ends in a stated
time whatever became of its holder, works through a pooling proxy, and shows an operator who holds
what. One statement renews everything that a process holds.

A holder that stood still for the whole term (a frozen machine) may overlap with its successor for a
moment when it wakes up: what is done under a lease must bear being done twice.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.errors import TransientError
from common.edges.database import passing_errors

logger = structlog.get_logger()

Work = Callable[[asyncio.Event], Awaitable[None]]

# In the order of their names, so that two replicas never wait for each other's rows. The clock is
# the moment's, not the transaction's: a statement may have waited.
_CLAIM = text(
    """
    INSERT INTO lease AS kept (name, owner, ends_at)
    SELECT name, :owner, clock_timestamp() + make_interval(secs => :term)
      FROM unnest(CAST(:names AS text[])) AS name ORDER BY name
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends_at = excluded.ends_at
     WHERE kept.owner = excluded.owner OR kept.ends_at < clock_timestamp()
    RETURNING name
    """
)
_RELEASE = text("DELETE FROM lease WHERE name = :name AND owner = :owner")


class LeaseOptions(Struct, frozen=True, kw_only=True):
    """Times in seconds. What a dead holder did is done by another within `term` + 2 `beat`.

    `beat` is how often leases are renewed and asked for, and the longest that Postgres may take.
    """

    term: float = 30.0
    beat: float = 5.0


class Leases:
    """The leases of one process; a component, to be stopped after those that work under them."""

    name = "leases"

    def __init__(
        self,
        engine: AsyncEngine,
        process: str,
        options: LeaseOptions | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        # A process that is started again under its old name must not hold what it held before it
        # knows that it does.
        self.owner = f"{process}#{secrets.token_hex(4)}"
        self._options = options or LeaseOptions()
        self._monotonic = monotonic
        self._wanted: dict[str, _Lease] = {}
        self._asking = asyncio.Lock()
        self._soon = asyncio.Event()
        self._trouble: str | None = None

    def complaint(self) -> str | None:
        """Return why nothing can be leased, or None."""
        return self._trouble

    async def while_held(self, name: str, work: Work, stopping: asyncio.Event) -> None:
        """Do `work` whenever this process holds the lease, until `stopping` is set.

        `work` gets an event that is set when the lease is lost or the end has come; it then finishes
        what it has begun and returns, as a component does. Raises what `work` raises. A process
        asks for a name once at a time.
        """
        if name in self._wanted:
            raise ValueError(f"asked for twice: {name}")
        lease = self._wanted[name] = _Lease()
        self._soon.set()
        try:
            while not stopping.is_set():
                await _first(stopping, lease.held)
                if not stopping.is_set():
                    await _until_lost(work, lease, stopping)
        finally:
            await self._give_back(name)

    async def run(self, stopping: asyncio.Event) -> None:
        """Ask for leases and renew them until `stopping` is set."""
        while not stopping.is_set():
            self._soon.clear()
            await self._renew()
            await _first(stopping, self._soon, seconds=self._options.beat)

    async def _renew(self) -> None:
        asked_at = self._monotonic()
        try:
            async with self._asking:
                ours = await self._claim(sorted(self._wanted)) if self._wanted else set()
        except TransientError as error:
            self._trouble = str(error)
            logger.warning("leases cannot be renewed", reason=self._trouble)
        else:
            self._trouble = None
            for name, lease in self._wanted.items():
                lease.ends_at = asked_at + self._options.term if name in ours else 0.0
        self._tell()

    def _tell(self) -> None:
        # Two beats early: the next look may come one beat later and wait another for Postgres.
        safe = self._monotonic() + 2 * self._options.beat
        for name, lease in self._wanted.items():
            if lease.tell(held=lease.ends_at > safe):
                logger.info("lease", work=name, held=lease.held.is_set())

    async def _claim(self, names: list[str]) -> set[str]:
        values = {"names": names, "owner": self.owner, "term": self._options.term}
        async with self._transaction() as connection:
            return set((await connection.execute(_CLAIM, values)).scalars())

    async def _give_back(self, name: str) -> None:
        """Let another replica have it at once; without Postgres, it has to wait for the term."""
        async with self._asking:  # a renewal under way would take it again
            del self._wanted[name]
            try:
                async with self._transaction() as connection:
                    await connection.execute(_RELEASE, {"name": name, "owner": self.owner})
            except TransientError as error:
                logger.warning("lease cannot be given back", work=name, reason=str(error))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        limit = asyncio.timeout(self._options.beat)
        async with passing_errors(), limit, self._engine.begin() as connection:
            yield connection


class _Lease:
    """What we know of one lease; `ends_at` by this process's monotonic clock."""

    def __init__(self) -> None:
        self.ends_at = 0.0
        self.held = asyncio.Event()
        self.lost = asyncio.Event()

    def tell(self, *, held: bool) -> bool:
        """Tell who waits; return whether it is news."""
        if held == self.held.is_set():
            return False
        (self.held if held else self.lost).set()
        (self.lost if held else self.held).clear()
        return True


async def _until_lost(work: Work, lease: _Lease, stopping: asyncio.Event) -> None:
    ending = asyncio.Event()

    async def watch() -> None:
        await _first(stopping, lease.lost)
        ending.set()

    watching = asyncio.create_task(watch())
    try:
        await work(ending)
        await watching  # work that has nothing to do is not begun again and again
    finally:
        watching.cancel()


async def _first(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Return when one of the events is set, or after so long."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
