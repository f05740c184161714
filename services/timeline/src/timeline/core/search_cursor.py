"""Where a page of a search ended, as an opaque text that a client hands back."""

import base64
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, structs


class Order(StrEnum):
    """What comes first. `best` compares the newest few thousand that have the words."""

    NEWEST = "newest"
    BEST = "best"


class SearchCursor(Struct, frozen=True, array_like=True):
    """A page begins just after this hit. Of another order than it was made for, it is none."""

    order: Order
    rank: Annotated[int, Meta(ge=0, le=100)]
    occurred_at: Annotated[datetime, Meta(tz=True)]
    event_id: UUID


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SearchCursor).decode
_LAST = UUID(int=2**128 - 1)


def beginning(order: Order) -> SearchCursor:
    """Return what the first page begins after."""
    return SearchCursor(order, 100, datetime.max.replace(tzinfo=UTC), _LAST)


def write_search_cursor(cursor: SearchCursor) -> str:
    """Return the cursor as URL-safe text."""
    return base64.urlsafe_b64encode(_encode(cursor)).rstrip(b"=").decode()


def read_search_cursor(text: str, order: Order) -> SearchCursor:
    """Return the cursor in a text from outside. Raises ValueError where there is none."""
    padded = text + "=" * (-len(text) % 4)
    try:
        found = _decode(base64.b64decode(padded, altchars=b"-_", validate=True))
        found = structs.replace(found, occurred_at=found.occurred_at.astimezone(UTC))
    except (ValueError, msgspec.DecodeError, OverflowError) as error:
        raise ValueError("not a cursor of ours") from error
    if found.order is not order:
        raise ValueError("a cursor of another order")
    return found
