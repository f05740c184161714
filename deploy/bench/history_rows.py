"""The history as rows of the timeline's tables, in the binary format of COPY.

What the columns hold is decided by the timeline's own pure functions: once for each shape of event
where rows differ only in what they name.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from struct import Struct as Layout
from uuid import UUID

from msgspec import Struct

from bench.history import TENANT, History, Shape, Told, message_id
from common.core.events import Activity, MessageStatus
from common.core.topics import ACTIVITIES, MESSAGES
from timeline.core.amendments import Amendments
from timeline.core.entry import Entry
from timeline.core.recording import conversation_ref, entry_of, message_ref, position_of
from timeline.core.search_query import tenant_mark
from timeline.core.search_text import terms
from timeline.core.search_wording import plain, wording

REGION = "JP"
SEARCHED = 10  # of so many customers the texts of one are in the search
FIRST_GENERATION = 1
COLUMNS = {
    "entry": (
        'tenant, contact_id, occurred_at, topic, partition, "offset", event_id, learned_at, '
        "type, kind, channel, direction, message, about, conversation, case_id, body"
    ),
    "seen": "tenant, event_id, contact_id, occurred_at",
    "search_document": (
        "generation, tenant, event_id, contact_id, occurred_at, kind, channel, direction, plain, terms"
    ),
    "search_name": "tenant, ref, event_id, contact_id",
}
COLUMNS["amendment"] = COLUMNS["entry"]

_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_POSTGRES_BEGINS = 946_684_800  # seconds since 1970 at the beginning of 2000

_PLACED, _SEEN, _NAMED = Layout("!iqiqihihiqi16siq"), Layout("!i16siqiq"), Layout("!i16si16siq")
_LENGTH, _SHORT, _BIG, _UUID = Layout("!i"), Layout("!h"), Layout("!q"), Layout("!i16s")
_NULL = _LENGTH.pack(-1)


class Rows(Struct):
    """Rows of some tables, each as COPY takes them."""

    entry: list[bytes]
    seen: list[bytes]
    amendment: list[bytes]
    search_document: list[bytes]
    search_name: list[bytes]


def copied(rows: Iterable[bytes]) -> bytes:
    """Return rows as one COPY in binary format."""
    return b"".join((_HEADER, *rows, _TRAILER))


class _Pattern(Struct, frozen=True):
    """What all events of a shape have in common: an example, and the columns that never differ."""

    example: Entry
    head: bytes
    words: bytes


class RowMaker:
    """Makes what the writer and the search's indexer make of events.

    `contact_rows` are the numbers of the rows of the linked customers' contacts; those of all others
    lie `others_from` further than the customers' numbers.
    """

    def __init__(self, contact_rows: Mapping[str, int], others_from: int) -> None:
        self._contact_rows = contact_rows
        self._others_from = others_from
        self._patterns: dict[Shape, _Pattern] = {}
        self._mark = tenant_mark(TENANT)

    def rows(self, history: History, numbers: Iterable[int]) -> Rows:
        """Return the rows of these entries and of what was said of them."""
        made = Rows([], [], [], [], [])
        for number in numbers:
            for told in history.told(number):
                self._add(made, told)
        return made

    def _add(self, made: Rows, told: Told) -> None:
        pattern = self._patterns.get(told.shape) or self._learn(told)
        example = pattern.example
        contact = self._contact_rows.get(told.contact) or self._others_from + told.customer
        at = _instant(told.at)
        made.seen.append(_HEAD_OF_FOUR + _SEEN.pack(16, told.id, 8, contact, 8, at))
        row = _row(pattern, told, contact, at)
        if example.about is not None:
            made.amendment.append(row)
        if example.listed:
            made.entry.append(row)
            if told.customer % SEARCHED == 0:
                self._add_to_search(made, told, contact, at)

    def _add_to_search(self, made: Rows, told: Told, contact: int, at: int) -> None:
        entry = entry_in(told)
        words = wording(entry, Amendments(()))
        if words is None:
            return
        formed = plain(words)
        fields = (
            _SHORT.pack(FIRST_GENERATION),
            TENANT.encode(),
            told.id,
            _BIG.pack(contact),
            _BIG.pack(at),
            *map(_bytes, (entry.kind, entry.channel, entry.direction, formed)),
            _tsvector({self._mark + term for term in terms(formed)}),
        )
        made.search_document.append(_SHORT.pack(len(fields)) + b"".join(map(_field, fields)))
        if entry.message is not None:
            named = _NAMED.pack(16, entry.message.bytes, 16, told.id, 8, contact)
            made.search_name.append(_HEAD_OF_FOUR + named)

    def _learn(self, told: Told) -> _Pattern:
        example = entry_in(told)
        words = (example.type, example.kind, example.channel, example.direction)
        pattern = _Pattern(
            example=example,
            head=_SHORT.pack(17) + _field(TENANT.encode()),
            words=b"".join(_field(_bytes(word)) for word in words),
        )
        return self._patterns.setdefault(told.shape, pattern)


def entry_in(told: Told) -> Entry:
    """Return the entry that the timeline makes of an event."""
    position = position_of(*place_of(told))
    made = entry_of(told.as_event(), position, moment(told.heard_at), REGION)
    if made is None:
        raise ValueError("every event of the history is about a contact")
    return made


def place_of(told: Told) -> tuple[str, int, int]:
    """Return the topic, partition and offset at which an event lies on the bus."""
    topic = ACTIVITIES if told.shape.event is Activity else MESSAGES
    return topic.name, _partition(told), _offset(told)


def moment(seconds: int) -> datetime:
    """Return a moment given in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def _row(pattern: _Pattern, told: Told, contact: int, at: int) -> bytes:
    example = pattern.example
    placed = _PLACED.pack(
        *(8, contact, 8, at, 2, example.position.topic, 2, _partition(told), 8, _offset(told)),
        *(16, told.id, 8, _instant(told.heard_at)),
    )
    ref = _reference(example, told)
    message = _NULL if example.message is None else ref
    about = _NULL if example.about is None else ref
    talk = _NULL if example.conversation is None else _uuid(conversation_ref(told.contact))
    size = _LENGTH.pack(len(told.body))
    refs = message + about + talk + _NULL
    return b"".join((pattern.head, placed, pattern.words, refs, size, told.body))


def _partition(told: Told) -> int:
    return (told.customer * 4 + told.place) % MESSAGES.partitions


def _offset(told: Told) -> int:
    return told.number * 2 + (told.shape.event is MessageStatus)


def _reference(example: Entry, told: Told) -> bytes:
    if example.message is None and example.about is None:
        return _NULL
    shape = told.shape
    ref = message_ref(shape.channel, shape.provider, shape.account, message_id(told.number))
    return _uuid(ref)


def _uuid(ref: UUID) -> bytes:
    return _UUID.pack(16, ref.bytes)


def _instant(seconds: int) -> int:
    return (seconds - _POSTGRES_BEGINS) * 1_000_000


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _field(content: bytes | None) -> bytes:
    return _NULL if content is None else _LENGTH.pack(len(content)) + content


def _tsvector(terms: Iterable[str]) -> bytes:
    words = [term.encode() + b"\0\0\0" for term in terms]  # an end, and no positions
    return _LENGTH.pack(len(words)) + b"".join(words)


_HEAD_OF_FOUR = _SHORT.pack(4) + _field(TENANT.encode())
