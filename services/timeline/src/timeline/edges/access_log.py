"""Who read whom, into Postgres: no answer leaves before its record is committed.

Requests that wait at the same time share one commit, and the record is written while the answer is
being made, so a page hardly waits for it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from asyncpg import UniqueViolationError
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.errors import TransientError
from common.edges import metrics
from common.edges.database import is_passing
from common.edges.sessions import Question, Sessions
from timeline.core.access import BEGINNING, Access, Logged, chained

logger = structlog.get_logger()

AT_ONCE = 500
MOST_WAITING = 5_000
PATIENCE_SECONDS = 2.0
RETRY_SECONDS = 0.2

_LOCK = text(
    """
    SELECT pg_advisory_xact_lock(hashtext('timeline.access'), mark)
      FROM (SELECT DISTINCT hashtext(tenant) AS mark
              FROM unnest(CAST(:tenants AS text[])) AS tenant ORDER BY mark) AS ordered
    """
)
_LAST = text(
    """
    SELECT asked.tenant, last.sequence, last.hash
      FROM unnest(CAST(:tenants AS text[])) AS asked (tenant) CROSS JOIN LATERAL (
        SELECT sequence, hash FROM access_log WHERE access_log.tenant = asked.tenant
         ORDER BY sequence DESC LIMIT 1) AS last
    """
)
_ADD = text(
    """
    INSERT INTO access_log (tenant, sequence, at, subject, route, customer_id, request_id, hash)
    SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:sequences AS bigint[]),
                         CAST(:moments AS timestamptz[]), CAST(:subjects AS text[]),
                         CAST(:routes AS text[]), CAST(:customers AS uuid[]),
                         CAST(:requests AS text[]), CAST(:hashes AS bytea[]))
    """
)
_ADD_ALONE = Question.of(_ADD)
_COLUMNS = "tenant, sequence, at, subject, route, customer_id, request_id, hash"
_PAGE = text(
    f"""
    SELECT {_COLUMNS} FROM access_log
     WHERE tenant = :tenant AND sequence < :before
       AND (CAST(:customers AS uuid[]) IS NULL
            OR customer_id = ANY(CAST(:customers AS uuid[])))
       AND (CAST(:subject AS text) IS NULL OR subject = :subject)
     ORDER BY sequence DESC LIMIT :most
    """  # noqa: S608 - names of our own columns
)
_FROM = text(
    f"""
    SELECT {_COLUMNS} FROM access_log WHERE tenant = :tenant AND sequence > :after
     ORDER BY sequence LIMIT :most
    """  # noqa: S608 - the same
)


# Of each tenant the number and hash of the last record.
Last = dict[str, tuple[int, bytes]]


class Sought(Struct, frozen=True, kw_only=True):
    """Which records of a tenant: about whom, by whom, before which number, and at most how many."""

    tenant: str
    customers: tuple[UUID, ...] | None
    subject: str | None
    before: int
    limit: int


class AccessLog:
    """Adds records. A component, so that the end waits for what is still to be written."""

    name = "access log"

    def __init__(self, engine: AsyncEngine, sessions: Sessions) -> None:
        """`sessions` write what is a statement by itself, as nearly everything is."""
        self._engine = engine
        self._sessions = sessions
        self._waiting: list[tuple[Access, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._last: Last = {}

    def add(self, access: Access) -> "asyncio.Future[None]":
        """Return what is done when the record is committed. Raises TransientError if too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            raise TransientError("the access log cannot keep up")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((access, done))
        metrics.access_waiting.set(len(self._waiting))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name=self.name)
        return done

    async def committed(self, records: Sequence["asyncio.Future[None]"]) -> None:
        """Return when all of these are committed. Raises TransientError after some seconds."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for one in records:
                    await one
        except TimeoutError as error:
            raise TransientError("the access log is away") from error

    async def run(self, stopping: asyncio.Event) -> None:
        """Wait for the end, and then until everything is written."""
        await stopping.wait()
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            try:
                await self._write([access for access, _ in taken])
            except Exception as error:
                if not is_passing(error):
                    raise
                self._waiting = taken + self._waiting
                logger.warning("the access log waits for the database", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                for _, done in taken:
                    if not done.cancelled():  # else nobody waits for it any more
                        done.set_result(None)
            metrics.access_waiting.set(len(self._waiting))

    async def _write(self, accesses: Sequence[Access]) -> None:
        """Commit records, each tenant's in the order given and after all that it has.

        What was written last is known where nobody else has written since. Then one statement is
        enough, as no number is given twice.
        """
        by_tenant: dict[str, list[Access]] = defaultdict(list)
        for access in accesses:
            by_tenant[access.tenant].append(access)
        if self._last.keys() >= by_tenant.keys():
            logged = _logged_after(by_tenant, self._last)
            try:
                await self._sessions.ask(_ADD_ALONE, _columns(logged))
            except UniqueViolationError:
                pass  # another process has gone on meanwhile
            else:
                self._last.update(_ends(logged))
                return
        self._last.update(_ends(await self._written_after_all(by_tenant)))

    async def _written_after_all(self, by_tenant: Mapping[str, Sequence[Access]]) -> list[Logged]:
        async with self._engine.begin() as connection:
            tenants = {"tenants": sorted(by_tenant)}
            # A statement of its own: the next one sees what it waited for.
            await connection.execute(_LOCK, tenants)
            rows = (await connection.execute(_LAST, tenants)).all()
            found = dict.fromkeys(by_tenant, (0, BEGINNING))
            found |= {row.tenant: (row.sequence, row.hash) for row in rows}
            logged = _logged_after(by_tenant, found)
            await connection.execute(_ADD, _columns(logged))
        return logged


def _logged_after(by_tenant: Mapping[str, Sequence[Access]], last: Last) -> list[Logged]:
    return [one for tenant, its in by_tenant.items() for one in chained(its, *last[tenant])]


def _ends(logged: Sequence[Logged]) -> Last:
    return {one.access.tenant: (one.sequence, one.hash) for one in logged}


async def page(connection: AsyncConnection, sought: Sought) -> list[Logged]:
    """Return records, newest first."""
    rows = await connection.execute(
        _PAGE,
        {
            "tenant": sought.tenant,
            "customers": None if sought.customers is None else list(sought.customers),
            "subject": sought.subject,
            "before": sought.before,
            "most": sought.limit,
        },
    )
    return [_logged(*row) for row in rows]


async def whole(engine: AsyncEngine, tenant: str) -> AsyncIterator[list[Logged]]:
    """Yield all of a tenant's records in their order, some at a time."""
    after = 0
    while True:
        async with engine.connect() as connection:
            asked = {"tenant": tenant, "after": after, "most": AT_ONCE}
            found = [_logged(*row) for row in await connection.execute(_FROM, asked)]
        if not found:
            return
        yield found
        after = found[-1].sequence


def _logged(
    tenant: str,
    sequence: int,
    at: datetime,
    subject: str,
    route: str,
    customer: UUID | None,
    request_id: str,
    digest: bytes,
) -> Logged:
    access = Access(
        tenant=tenant, at=at, subject=subject, route=route, customer=customer, request_id=request_id
    )
    return Logged(sequence, access, digest)


def _columns(logged: Sequence[Logged]) -> dict[str, list[object]]:
    return {
        "tenants": [one.access.tenant for one in logged],
        "sequences": [one.sequence for one in logged],
        "moments": [one.access.at for one in logged],
        "subjects": [one.access.subject for one in logged],
        "routes": [one.access.route for one in logged],
        "customers": [one.access.customer for one in logged],
        "requests": [one.access.request_id for one in logged],
        "hashes": [one.hash for one in logged],
    }
