"""A page of history, and where the next one begins."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from timeline.core.cursor import cursor_before, write_cursor
from timeline.core.entry import Entry
from timeline.core.fold import present
from timeline.core.items import Item


class Page(Struct, frozen=True):
    """Entries, newest first; `next` is the `before` of the page after this one, if there is one."""

    entries: tuple[Item, ...]
    next: str | None


def page_of(entries: Sequence[Entry], amendments: Iterable[Entry], limit: int) -> Page:
    """Return a page of at most `limit` entries.

    `entries` are newest first and one more than `limit`, where there are so many.
    """
    shown = entries[:limit]
    more = len(entries) > len(shown)
    return Page(
        present(shown, amendments), write_cursor(cursor_before(shown[-1])) if more else None
    )
