"""Which entries of a history are asked for."""

import hashlib
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core.events import Direction
from timeline.core.cursor import NEWEST, OLDEST

_MARK_BYTES = 8

_encode = msgspec.msgpack.Encoder().encode


class Order(StrEnum):
    """What comes first."""

    NEWEST = "newest"
    OLDEST = "oldest"


# Where the first page begins.
STARTS = {Order.NEWEST: NEWEST, Order.OLDEST: OLDEST}


class Selection(Struct, frozen=True, kw_only=True):
    """An entry is shown that fits all of these; an empty or absent one leaves out nothing.

    `since` belongs to the time range, `until` not. `as_of` leaves out what was learned later.
    """

    channels: tuple[str, ...] = ()
    direction: Direction | None = None
    kinds: tuple[str, ...] = ()
    case: UUID | None = None
    conversation: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    order: Order = Order.NEWEST

    @property
    def mark(self) -> bytes:
        """Return what a cursor carries of it, equal for equal questions; nothing for the whole."""
        if self == WHOLE:
            return b""
        ordered = replace(
            self, channels=tuple(sorted({*self.channels})), kinds=tuple(sorted({*self.kinds}))
        )
        return hashlib.sha256(_encode(ordered)).digest()[:_MARK_BYTES]

    @property
    def chosen(self) -> bool:
        """Whether entries have to be looked at to know whether they fit."""
        return replace(self, since=None, until=None, order=Order.NEWEST) != WHOLE


WHOLE = Selection()
