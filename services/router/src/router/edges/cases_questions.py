"""Lists of cases, in the order in which they are served, a page at a time."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.facts import Case, CaseState
from router.edges import tables
from router.edges.arrays import names
from router.edges.store import case_of

_COLUMNS = names(tables.support_case)


class Wanted(Struct, frozen=True, kw_only=True):
    """Which cases: a queue's, an agent's or a customer's; open ones, or those in one state."""

    queue: str | None = None
    agent: str | None = None
    customer: UUID | None = None
    state: CaseState | None = None


class Place(Struct, frozen=True, array_like=True):
    """Where a page begins: after the case of this rank and id."""

    rank: datetime
    case_id: UUID


FIRST = Place(datetime.min.replace(tzinfo=UTC), UUID(int=0))


async def cases_after(
    connection: AsyncConnection, tenant: str, wanted: Wanted, place: Place, most: int
) -> list[Case]:
    """Return the next cases by rank."""
    filters = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value}
    conditions = "".join(f" AND {name} = :{name}" for name in filters)
    if wanted.state is not CaseState.RESOLVED or wanted.customer is None:
        conditions += " AND state <> 'resolved'"
    query = text(
        f"SELECT {_COLUMNS} FROM support_case WHERE tenant = :tenant{conditions} "  # noqa: S608 - names of our own columns
        "AND (rank, case_id) > (:rank, :case_id) ORDER BY rank, case_id LIMIT :most"
    )
    parameters = {**filters, "tenant": tenant, "rank": place.rank, "case_id": place.case_id}
    rows = await connection.execute(query, {**parameters, "most": most})
    return [case_of(row) for row in rows.mappings()]


def write_place(case: Case) -> str:
    """Return a cursor: where the page after this case begins."""
    packed = msgspec.msgpack.encode(Place(case.rank, case.case_id))
    return base64.urlsafe_b64encode(packed).decode()


def read_place(cursor: str | None) -> Place:
    """Return what a cursor says. Raises ValueError where it is none of ours."""
    if cursor is None:
        return FIRST
    try:
        packed = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        place = msgspec.msgpack.decode(packed, type=Place)
        return Place(place.rank.astimezone(UTC), place.case_id)
    except (ValueError, OverflowError, msgspec.DecodeError) as error:
        raise ValueError("not a cursor") from error
