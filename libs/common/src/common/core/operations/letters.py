"""Dead letters as they lie on the bus: which are still open, and what handling one leaves there.

A letter is named by its place in the topic, `partition-offset`. Whoever handles one writes a mark
behind it: a record with the same key and no value, whose headers say what was done, by whom and why.
Letters are never changed or deleted; they go with the topic's retention, and so do their marks.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from common.core.cloudevents import Headers, Record
from common.core.topics import DEAD_LETTER

_MARK = "dl_handled"
_REASON = "dl_reason"
_REPLAYED = "replayed_"


class Handling(StrEnum):
    """What became of a letter."""

    REPLAYED = "replayed"
    DROPPED = "dropped"


class Kept(Struct, frozen=True):
    """A record of the dead-letter topic. `at` is Kafka's time of it."""

    partition: int
    offset: int
    at: datetime
    key: bytes
    value: bytes
    headers: Headers

    @property
    def name(self) -> str:
        """Return what a letter is called by."""
        return f"{self.partition}-{self.offset}"


class Letter(Struct, frozen=True, kw_only=True):
    """A refused record: `key`, `value` and `headers` are its own, untouched.

    `topic` is without prefix, and empty where the record never was on the bus: the request of an
    account that was removed. Then `value` is the request, and `refused_by` the service that took it.
    """

    name: str
    at: datetime
    key: bytes
    value: bytes
    headers: Headers
    reason: str
    detail: str
    refused_by: str
    topic: str = ""
    partition: int | None = None
    offset: int | None = None

    @property
    def origin(self) -> tuple[str, int | None, int | None] | str:
        """Return what two letters have in common that two groups wrote of one record."""
        return (self.topic, self.partition, self.offset) if self.topic else self.name


class Mark(Struct, frozen=True):
    """That a letter was handled, how, by whom, why and when (as it was written)."""

    letter: str
    handling: Handling
    by: str
    why: str
    at: str


class Filed(Struct, frozen=True):
    """A letter and its mark; None while it is open."""

    letter: Letter
    mark: Mark | None


class Selection(Struct, frozen=True, kw_only=True):
    """Which letters are meant; what is empty selects all. Times include `since` and not `until`."""

    names: tuple[str, ...] = ()
    topic: str = ""
    reason: str = ""
    refused_by: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing was selected."""
        return self == Selection()

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        return (
            (not self.names or letter.name in self.names)
            and self.topic in ("", letter.topic)
            and self.reason in ("", letter.reason)
            and self.refused_by in ("", letter.refused_by)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
        )


class NotReplayableError(ValueError):
    """A letter cannot be published again; says why."""


def filed(records: Iterable[Kept]) -> list[Filed]:
    """Return every letter with its newest mark, in the order in which they were written."""
    letters: list[Letter] = []
    marks: dict[str, Mark] = {}
    for kept in sorted(records, key=lambda one: (one.at, one.partition, one.offset)):
        mark = mark_of(kept)
        if mark is None:
            letters.append(_letter(kept))
        else:
            marks[mark.letter] = mark
    return [Filed(letter, marks.get(letter.name)) for letter in letters]


def with_siblings(chosen: Sequence[Letter], every: Iterable[Filed]) -> list[list[Letter]]:
    """Return the chosen letters, each together with the open ones of the same record.

    Each group that refused a record wrote a letter of its own; the record is published once.
    """
    families: dict[object, list[Letter]] = {}
    for letter in chosen:
        families.setdefault(letter.origin, [letter])
    for one in every:
        family = families.get(one.letter.origin)
        if family is not None and one.mark is None and one.letter != family[0]:
            family.append(one.letter)
    return list(families.values())


def replayed(letter: Letter, by: str, now: datetime) -> Record:
    """Return the record as it was, with headers that say where it comes from this time.

    Raises NotReplayableError.
    """
    if not letter.topic:
        raise NotReplayableError("it is a request, not a record: it goes to its service's inbox")
    if not letter.value:
        raise NotReplayableError("it has no value: in a compacted topic that ends its key")
    own = [(name, value) for name, value in letter.headers if not name.startswith(_REPLAYED)]
    marks = (
        (f"{_REPLAYED}from", f"{DEAD_LETTER.name}/{letter.name}".encode()),
        (f"{_REPLAYED}by", by.encode()),
        (f"{_REPLAYED}at", now.isoformat().encode()),
    )
    return Record(letter.topic, letter.key, letter.value, (*own, *marks))


def handled(letter: Letter, handling: Handling, by: str, why: str, now: datetime) -> Record:
    """Return the mark that a letter needs nobody any more."""
    return Record(
        DEAD_LETTER.name,
        letter.key,
        b"",
        (
            (_MARK, handling.encode()),
            ("dl_letter", letter.name.encode()),
            ("dl_by", by.encode()),
            ("dl_why", why.encode()),
            ("dl_handled_at", now.isoformat().encode()),
        ),
    )


def mark_of(kept: Kept) -> Mark | None:
    """Return the mark that a record is; None where it is a letter."""
    said = {name: value.decode(errors="replace") for name, value in kept.headers}
    if said.get(_MARK) not in tuple(Handling) or kept.value:
        return None
    return Mark(
        said.get("dl_letter", ""),
        Handling(said[_MARK]),
        said.get("dl_by", ""),
        said.get("dl_why", ""),
        said.get("dl_handled_at", ""),
    )


def _letter(kept: Kept) -> Letter:
    """Take apart what common.core.dead_letters put together: what was added begins at the last reason."""
    begins = max(
        (place for place, (name, _) in enumerate(kept.headers) if name == _REASON),
        default=len(kept.headers),
    )
    added = {name: value.decode(errors="replace") for name, value in kept.headers[begins:]}
    return Letter(
        name=kept.name,
        at=kept.at,
        key=kept.key,
        value=kept.value,
        headers=tuple(kept.headers[:begins]),
        reason=added.get(_REASON, "unknown"),
        detail=added.get("dl_detail", ""),
        refused_by=added.get("dl_refused_by", ""),
        topic=added.get("dl_topic", ""),
        partition=_number(added.get("dl_partition")),
        offset=_number(added.get("dl_offset")),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
