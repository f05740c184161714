"""What a search shows: where the words were found, safe to display, and how well they fit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from timeline.core.search_text import EDGE, mapped_form
from timeline.core.search_wording import Wording

# How much it says of a text that a word stands there, of 100. The index's query has the same.
WEIGHTS = {"sender": 60, "subject": 100, "files": 70, "text": 50}
AROUND = 40  # characters shown before the first place and after it
CUT = "…"


class Piece(Struct, frozen=True):
    """Some characters of a text as it was written; `match`: they are what was searched for."""

    text: str
    match: bool


class Found(Struct, frozen=True):
    """A field in which something was found, and its part around it, in pieces."""

    field: str
    pieces: tuple[Piece, ...]


class Hit(Struct, frozen=True, kw_only=True):
    """An entry that has all the words. `customer` is whom its contact belongs to today.

    `rank` is 1 to 100: where the words were found. `cases` are those that it is known to belong to.
    """

    id: UUID
    customer: UUID
    contact: str
    occurred_at: datetime
    channel: str | None
    direction: str | None
    kind: str
    message: UUID | None
    cases: tuple[UUID, ...]
    rank: int
    found: tuple[Found, ...]


class Hits(Struct, frozen=True):
    """A page; `next` is the `before` of the page after this one, if there may be one."""

    hits: tuple[Hit, ...]
    next: str | None


def found_in(words: Wording, needles: Sequence[str]) -> tuple[Found, ...]:
    """Return the fields in which needles stand; none where not every needle stands in some field."""
    found: list[Found] = []
    missing = set(needles)
    for name, text in words.fields:
        places = _places(text, needles)
        missing -= places.keys()
        if places:
            found.append(Found(name, _pieces(text, _joined(places))))
    return () if missing else tuple(found)


def _places(text: str, needles: Iterable[str]) -> dict[str, list[tuple[int, int]]]:
    """Return where in the original each needle stands, from and to."""
    mapped = mapped_form(text)
    ends = (*mapped.starts[1:], len(text))
    return {
        needle: [
            (mapped.starts[at], _end(mapped.starts, ends, at + len(needle) - 1))
            for at in _occurrences(mapped.text, needle)
        ]
        for needle in needles
        if needle in mapped.text
    }


def _end(starts: Sequence[int], ends: Sequence[int], last: int) -> int:
    """Return where the character ends whose form is at `last`: ㍻ is one and reads as two."""
    return next((end for end in ends[last:] if end > starts[last]), ends[-1])


def _occurrences(text: str, needle: str) -> list[int]:
    found: list[int] = []
    at = text.find(needle)
    while at >= 0:
        found.append(at)
        at = text.find(needle, at + max(1, len(needle.replace(EDGE, ""))))
    return found


def _joined(places: dict[str, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Return all places in their order, those that overlap as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(place for of_one in places.values() for place in of_one):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _pieces(text: str, places: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """Return the text around the first place, with every place in it."""
    first = max(0, places[0][0] - AROUND)
    last = min(len(text), places[0][1] + 2 * AROUND)
    pieces = [Piece(CUT, match=False)] if first else []
    at = first
    for start, end in ((start, min(end, last)) for start, end in places if start < last):
        pieces += [Piece(text[at:start], match=False), Piece(text[start:end], match=True)]
        at = end
    pieces += [Piece(text[at:last], match=False)]
    pieces += [Piece(CUT, match=False)] if last < len(text) else []
    return tuple(piece for piece in pieces if piece.text)
