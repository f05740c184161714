"""What stands in the queues, as far as metrics show it: few enough series, whatever the rules say."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

MOST = 100
OTHER = "other"


class Standing(Struct, frozen=True, kw_only=True):
    """The open cases of a tenant's queue; `oldest` is since when one of those waiting is open."""

    tenant: str
    queue: str
    waiting: int = 0
    at_risk: int = 0
    breached: int = 0
    oldest: datetime | None = None


class Room(Struct, frozen=True):
    """The units of work that the agents of a tenant's queue can still take."""

    tenant: str
    queue: str
    units: int


def fullest(standings: Iterable[Standing], most: int = MOST) -> list[Standing]:
    """Return the queues in which most waits, and all others as one."""
    ranked = sorted(standings, key=lambda one: (-one.waiting, one.tenant, one.queue))
    shown, rest = ranked[:most], ranked[most:]
    if not rest:
        return shown
    together = Standing(
        tenant=OTHER,
        queue=OTHER,
        waiting=sum(one.waiting for one in rest),
        at_risk=sum(one.at_risk for one in rest),
        breached=sum(one.breached for one in rest),
        oldest=min((one.oldest for one in rest if one.oldest), default=None),
    )
    return [*shown, together]


def room_in(rooms: Iterable[Room], shown: Iterable[Standing]) -> list[Room]:
    """Return the room in the queues that are shown. An agent has as much in each of his queues."""
    names = {(one.tenant, one.queue) for one in shown}
    return [room for room in rooms if (room.tenant, room.queue) in names]
