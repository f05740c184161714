"""A page of history, and where the next one begins."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from timeline.core.cursor import Cursor, cursor_before, write_cursor
from timeline.core.entry import Entry
from timeline.core.fold import present
from timeline.core.items import Item
from timeline.core.selection import Order


class Page(Struct, frozen=True):
    """Entries in order; `next` is the `before` or `after` of the page after this one, if any."""

    entries: tuple[Item, ...]
    next: str | None


class Looked(Struct, frozen=True):
    """An entry that was looked at; the `last` one of its contact that may be looked at for a page."""

    entry: Entry
    fits: bool
    last: bool


class Found(Struct, frozen=True):
    """The entries of a page, in order, and where the next one begins, if there is one."""

    entries: tuple[Entry, ...]
    next: Cursor | None


def found_before(entries: Sequence[Entry], limit: int, mark: bytes = b"") -> Found:
    """Return a page of at most `limit` of these entries: they are one more where there are so many."""
    shown = tuple(entries[:limit])
    more = len(entries) > len(shown)
    return Found(shown, cursor_before(shown[-1], mark) if more else None)


def found_among(looked: Sequence[Looked], limit: int, mark: bytes) -> Found:
    """Return a page of at most `limit` entries that fit, up to the first that was a last one.

    Beyond that a contact may have more than was looked at, and the next page has to go on there.
    """
    end = next((place for place, one in enumerate(looked) if one.last), len(looked))
    fitting = [one.entry for one in looked[: end + 1] if one.fits]
    if end < len(looked) and len(fitting) <= limit:
        return Found(tuple(fitting), cursor_before(looked[end].entry, mark))
    return found_before(fitting, limit, mark)


def page(found: Found, amendments: Iterable[Entry], order: Order = Order.NEWEST) -> Page:
    """Return a page as tools read it."""
    items = present(found.entries, amendments)
    shown = items if order is Order.NEWEST else items[::-1]
    return Page(shown, write_cursor(found.next) if found.next else None)
