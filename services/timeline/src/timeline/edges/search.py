"""Searches: the index proposes, the text in its form decides, the timeline's own tables tell."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text

from common.edges.database import ReadConnection
from timeline.core.amendments import Amendments
from timeline.core.search_cursor import Order, SearchCursor, write_search_cursor
from timeline.core.search_hits import WEIGHTS, Hit, Hits, found_in
from timeline.core.search_query import Query, tsquery
from timeline.core.search_wording import wording
from timeline.edges.reader import amendments_of
from timeline.edges.search_documents import Held, held

# No page looks at more texts than this of those that the index proposes. A page of `newest` that
# comes to the end of them is short, and the next one goes on from there; `best` compares these.
MOST_CANDIDATES = 5_000
LONGEST_SECONDS = 1.5

# The lists of the index differ so much in length that no plan fits two questions. Texts that are
# sorted need more memory than Postgres gives by itself.
_PREPARE = text(
    """
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true),
           set_config('work_mem', '16MB', true),
           set_config('statement_timeout', :milliseconds, true),
           (SELECT number FROM search_generation WHERE live)
    """
)
# The policy `sought` lets the index be used (migration 0004); until then it lets every row pass.
_SEEK = text("SELECT set_config('madoguchi.sought', :sought, true)")
_RANK = "\n".join(
    f"WHEN strpos(split_part(plain, E'\\n', {place}), needle) > 0 THEN {WEIGHTS[name]}"
    for place, name in sorted(
        enumerate(WEIGHTS, 1), key=lambda field: WEIGHTS[field[1]], reverse=True
    )
)
# Row-level security shows one tenant; naming it here lets the indexes that begin with it be used.
_CANDIDATES = """
    SELECT tenant, event_id, occurred_at, plain FROM search_document
     WHERE generation = :generation AND tenant = :tenant
       AND occurred_at <= :until
       AND (occurred_at, event_id) < (:until, CAST(:until_event AS uuid))
       AND (CAST(:since AS timestamptz) IS NULL OR occurred_at >= :since)
       AND (CAST(:channel AS text) IS NULL OR channel = :channel)
       AND (CAST(:direction AS text) IS NULL OR direction = :direction)
       AND (CAST(:kind AS text) IS NULL OR kind = :kind)
       AND (CAST(:contacts AS bigint[]) IS NULL OR contact_id = ANY(CAST(:contacts AS bigint[])))
       AND (CAST(:case AS uuid) IS NULL OR event_id IN (
             SELECT search_case.event_id FROM search_case WHERE case_id = CAST(:case AS uuid)))
     ORDER BY occurred_at DESC, event_id DESC LIMIT :candidates
"""
# Materialized: for the sake of a short page Postgres would look for rare words without the index.
_MATCHES = f"""
    WITH candidate AS MATERIALIZED ({_CANDIDATES})
    SELECT event_id, occurred_at, rank FROM candidate CROSS JOIN LATERAL (
      SELECT CAST(avg(CASE {_RANK} ELSE 0 END) AS int) AS rank
        FROM unnest(CAST(:needles AS text[])) AS needle
    ) AS compared
     WHERE (SELECT bool_and(strpos(plain, needle) > 0)
              FROM unnest(CAST(:needles AS text[])) AS needle)
"""  # noqa: S608 - queries of our own
_PAGES = {
    Order.NEWEST: text(f"{_MATCHES} ORDER BY occurred_at DESC, event_id DESC LIMIT :most"),
    Order.BEST: text(
        f"""{_MATCHES}
       AND (rank, occurred_at, event_id) < (:rank, :occurred_at, CAST(:event_id AS uuid))
     ORDER BY rank DESC, occurred_at DESC, event_id DESC LIMIT :most"""
    ),
}
_LAST_CANDIDATE = text(
    f"SELECT event_id, occurred_at FROM ({_CANDIDATES}) AS candidate OFFSET :candidates - 1"  # noqa: S608
)
_CONTACTS_OF = text("SELECT id FROM contact WHERE customer_id = :customer AND tenant = :tenant")
_CONTACT = text("SELECT id FROM contact WHERE address = :address AND tenant = :tenant")
_CASES = text(
    """
    SELECT event_id, case_id FROM search_case
     WHERE tenant = :tenant AND event_id = ANY(CAST(:events AS uuid[])) ORDER BY case_id
    """
)


class Filters(Struct, frozen=True, kw_only=True):
    """What is left out; None leaves out nothing. `since` belongs to the time range, `until` not."""

    channel: str | None = None
    direction: str | None = None
    kind: str | None = None
    case: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    contacts: tuple[int, ...] | None = None

    @property
    def only_time(self) -> bool:
        """Whether nothing but the time is asked for."""
        return replace(self, since=None, until=None) == Filters()


class Match(Struct, frozen=True):
    """An event in whose text all needles stand, and how well it fits, 1 to 100."""

    event_id: UUID
    occurred_at: datetime
    rank: int


class Search(Struct, frozen=True, kw_only=True):
    """One page of one search, as a tenant asks for it."""

    tenant: str
    query: Query
    filters: Filters
    after: SearchCursor
    limit: int


async def contacts_of_customer(
    connection: ReadConnection, tenant: str, customer: UUID
) -> tuple[int, ...]:
    """Return the rows of all contacts that are this customer's today."""
    known = {"tenant": tenant, "customer": customer}
    return tuple(await connection.scalars(_CONTACTS_OF, known))


async def contact_row(connection: ReadConnection, tenant: str, address: str) -> tuple[int, ...]:
    """Return the row of a contact; none where it never wrote."""
    return tuple(await connection.scalars(_CONTACT, {"tenant": tenant, "address": address}))


async def search(connection: ReadConnection, wanted: Search) -> Hits:
    """Return a page of what has all that is asked for and may be seen."""
    parameters = await _prepared(connection, wanted)
    matches = await _among_newest(connection, wanted, parameters)
    if len(matches) <= wanted.limit:
        await connection.execute(_SEEK, {"sought": tsquery(wanted.query, wanted.tenant)})
        matches = await _matches(connection, wanted, parameters)
    shown = matches[: wanted.limit]
    if len(matches) > wanted.limit:
        following: str | None = _cursor(wanted.after.order, shown[-1])
    else:
        following = await _rest(connection, wanted, parameters)
    return Hits(await _hits(connection, wanted, shown), following)


async def _among_newest(
    connection: ReadConnection, wanted: Search, parameters: dict[str, object]
) -> list[Match]:
    """Return what matches among the newest texts, whatever the index knows of them.

    The index would bring every text in which a word stands, 10,000 of a million for a word in a
    hundred, from all over the table; here one page of them lies side by side. Where more than the
    time is asked for one might have to look far for that many.
    """
    if wanted.after.order is Order.BEST or not wanted.filters.only_time:
        return []
    return await _matches(connection, wanted, parameters)


async def _matches(
    connection: ReadConnection, wanted: Search, parameters: dict[str, object]
) -> list[Match]:
    """Return a page and one more, where there is one more."""
    page = _PAGES[wanted.after.order]
    rows = await connection.execute(page, parameters | {"most": wanted.limit + 1})
    return [Match(row.event_id, row.occurred_at, row.rank) for row in rows]


async def _prepared(connection: ReadConnection, wanted: Search) -> dict[str, object]:
    """Set what holds for all queries that follow; return their parameters."""
    settings = {"milliseconds": str(int(LONGEST_SECONDS * 1000))}
    *_, generation = (await connection.execute(_PREPARE, settings)).one()
    filters, after = wanted.filters, wanted.after
    end, end_event = filters.until or datetime.max.replace(tzinfo=UTC), UUID(int=0)
    if after.order is Order.NEWEST and after.occurred_at < end:
        end, end_event = after.occurred_at, after.event_id
    return {
        "generation": generation,
        "tenant": wanted.tenant,
        "needles": list(wanted.query.needles),
        "candidates": MOST_CANDIDATES,
        "until": end,
        "until_event": end_event,
        "since": filters.since,
        "channel": filters.channel,
        "direction": filters.direction,
        "kind": filters.kind,
        "contacts": None if filters.contacts is None else list(filters.contacts),
        "case": filters.case,
        **_place(after),
    }


def _place(after: SearchCursor) -> dict[str, object]:
    if after.order is Order.NEWEST:
        return {}
    return {"rank": after.rank, "occurred_at": after.occurred_at, "event_id": after.event_id}


async def _rest(
    connection: ReadConnection, wanted: Search, parameters: dict[str, object]
) -> str | None:
    """Return where to go on where a page is short because it looked at all it may."""
    if wanted.after.order is Order.BEST:
        return None
    used = {name: value for name, value in parameters.items() if name != "needles"}
    last = (await connection.execute(_LAST_CANDIDATE, used)).one_or_none()
    if last is None:
        return None
    return _cursor(Order.NEWEST, Match(last.event_id, last.occurred_at, 0))


async def _hits(
    connection: ReadConnection, wanted: Search, matches: Sequence[Match]
) -> tuple[Hit, ...]:
    """Return what the timeline knows of these; what was changed since it was indexed is left out."""
    if not matches:
        return ()
    keys = [(wanted.tenant, match.event_id) for match in matches]
    entries = {one.entry.event_id: one for one in await held(connection, keys)}
    said = await amendments_of(connection, wanted.tenant, [one.entry for one in entries.values()])
    known = Amendments(said)
    cases = await _cases(connection, wanted.tenant, list(entries))
    shown = (
        _hit(entries[match.event_id], match, wanted.query, known, cases[match.event_id])
        for match in matches
        if match.event_id in entries
    )
    return tuple(hit for hit in shown if hit)


async def _cases(
    connection: ReadConnection, tenant: str, events: list[UUID]
) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await connection.execute(_CASES, {"tenant": tenant, "events": events}):
        found[row.event_id].append(row.case_id)
    return found


def _hit(
    one: Held, match: Match, query: Query, known: Amendments, cases: Sequence[UUID]
) -> Hit | None:
    words = wording(one.entry, known)
    found = found_in(words, query.needles) if words else ()
    if not found:
        return None
    return Hit(
        id=one.entry.event_id,
        customer=one.customer,
        contact=one.entry.contact,
        occurred_at=one.entry.occurred_at,
        channel=one.entry.channel,
        direction=one.entry.direction,
        kind=one.entry.kind,
        message=one.entry.message,
        cases=tuple(cases),
        rank=match.rank,
        found=found,
    )


def _cursor(order: Order, match: Match) -> str:
    rank = match.rank if order is Order.BEST else 0
    return write_search_cursor(SearchCursor(order, rank, match.occurred_at, match.event_id))
