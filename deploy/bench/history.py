"""What happened to a company's customers in two years, by number: each event can be told again.

Numbers count in the order of time, and nobody's entries lie together. Most customers have 3
entries, a tenth 30, a hundredth 300, and one in 2,800 has 5,000: on average 10. Whoever has 300 or
more is in the CRM and has two to four contacts; of all others one contact is known.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from math import gcd
from uuid import UUID

import msgspec
from msgspec import Struct

from bench.texts import story_of
from common.core.cloudevents import Attributes, Event, event_type
from common.core.delivery import DeliveryStatus
from common.core.event_types import EVENT_TYPES
from common.core.events import (
    Activity,
    Channel,
    Conversation,
    CustomerChanged,
    Direction,
    Message,
    MessageKind,
    MessageStatus,
    Party,
)

TENANT = "acme"
BEGINNING = datetime(2024, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
INTRODUCING = timedelta(days=365)  # the CRM told of its customers in the year before
HEARD_AFTER_SECONDS = 1
DELIVERED_AFTER_SECONDS = 2
INTRODUCED_AS = 1 << 40  # the numbers of profiles, which are no entries

_BEGINNING, _END = int(BEGINNING.timestamp()), int(END.timestamp())
_OURS = {
    "line": "line:1657000000:oa",
    "tel": "tel:+815012345678",
    "email": "email:info@acme.example",
}
_CHANNELS = {"line": Channel.LINE, "tel": Channel.SMS, "email": Channel.EMAIL}
_PROVIDERS = {"line": "line", "tel": "twilio", "email": "smtp"}
# What ten events in a row are: what the customer wrote, what we replied, a call that was noted.
_TURNS = "mmmmmmsssc"
_DELIVERED = (6, 7)
# How many of 100,000 customers have how many entries each.
_SKEW = ((36, 5_000), (964, 300), (9_000, 30), (90_000, 3))
_GOLDEN = 6_180_339_887_498_948_482_045_868_343_656_381_177  # steps of it fall far apart
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_ANY_MOMENT = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


class Shape(Struct, frozen=True):
    """What many events have in common; `body` is their JSON with places to fill in."""

    event: type[Struct]
    type: str
    body: bytes
    channel: Channel = Channel.APP
    provider: str = ""
    account: str = "main"


class Told(Struct, frozen=True):
    """One event: when it happened and when we heard of it, in seconds since 1970.

    `place` is where the contact stands among the customer's.
    """

    shape: Shape
    id: bytes
    customer: int
    place: int
    contact: str
    at: int
    heard_at: int
    body: bytes
    number: int

    def as_event(self) -> Event:
        """Return the event as a reader of the bus sees it."""
        attributes = Attributes(
            id=UUID(bytes=self.id),
            source="/bench",
            type=self.shape.type,
            subject=self.contact,
            time=datetime.fromtimestamp(self.at, UTC),
            tenant=TENANT,
        )
        return Event(attributes, _decoders[self.shape.type].decode(self.body), self.body)


class _Range(Struct, frozen=True):
    """Customers from `first` on with `each` entries; the first of them takes the place `begins`."""

    first: int
    each: int
    begins: int


class History:
    """A history of so many customers: a multiple of 10,000 gives nearly the whole skew."""

    def __init__(self, customers: int) -> None:
        self.customers = customers

    @cached_property
    def entries(self) -> int:
        """Return how many entries there are."""
        last = self._ranges[-1]
        return last.begins + (self.customers - last.first) * last.each

    def customer_at(self, number: int) -> int:
        """Return whom entry `number` is of."""
        place = number * self._step % self.entries
        mine = next(one for one in reversed(self._ranges) if one.begins <= place)
        return mine.first + (place - mine.begins) // mine.each

    @property
    def linked(self) -> int:
        """Return how many customers have a profile that links their contacts: the first ones."""
        return self._ranges[2].first

    def contacts_of(self, customer: int) -> tuple[str, ...]:
        """Return the contacts of a customer."""
        line = f"line:1657000000:U{customer:032x}"
        telephone = f"tel:+8190{customer:08}"
        mail = f"email:customer{customer}@example.jp"
        if customer >= self.linked:
            return ((line, telephone, mail)[customer % 3],)
        some = (line, telephone, mail, f"email:work{customer}@example.jp")
        return some[: (2, 2, 3, 2, 3, 4)[customer % 6]]

    def introduced(self, customer: int) -> Told:
        """Return what the CRM told of a customer who is linked."""
        at = int((BEGINNING - INTRODUCING + INTRODUCING * customer // self.linked).timestamp())
        data = CustomerChanged(
            customer_ref=f"crm-{customer}",
            contacts=self.contacts_of(customer),
            changed_at=datetime.fromtimestamp(at, UTC),
            name=f"お客様 {customer}",
            tier="vip" if customer % 50 == 0 else None,
            language="ja",
        )
        return Told(
            shape=Shape(CustomerChanged, event_type(data), b""),
            id=_id_of(INTRODUCED_AS + customer),
            customer=customer,
            place=0,
            contact=data.customer_ref,
            at=at,
            heard_at=at + HEARD_AFTER_SECONDS,
            body=_encode(data),
            number=customer,
        )

    def numbers_of(self, customer: int) -> list[int]:
        """Return which entries are of this customer, in the order of time."""
        mine = next(one for one in reversed(self._ranges) if one.first <= customer)
        begins = mine.begins + (customer - mine.first) * mine.each
        return sorted(
            place * self._step_back % self.entries for place in range(begins, begins + mine.each)
        )

    def moment(self, number: int) -> int:
        """Return when entry `number` happened, in seconds since 1970."""
        return _BEGINNING + (_END - _BEGINNING) * number // self.entries

    def told(self, number: int) -> Iterator[Told]:
        """Return what the bus tells of entry `number`: itself, and what became of a reply."""
        customer = self.customer_at(number)
        contacts = self.contacts_of(customer)
        place = number % len(contacts)
        whose = customer, place, contacts[place]
        at = self.moment(number)
        turn = number % 10
        yield _told(_TURNS[turn], number, whose, at)
        if turn in _DELIVERED:
            yield _told("d", number, whose, at + DELIVERED_AFTER_SECONDS)

    @cached_property
    def _ranges(self) -> list[_Range]:
        found: list[_Range] = []
        first = begins = 0
        for share, each in _SKEW:
            found.append(_Range(first, each, begins))
            many = self.customers * share // 100_000
            first, begins = first + many, begins + many * each
        return found

    @cached_property
    def _step(self) -> int:
        """Return a number in whose steps every place is reached once."""
        step = _GOLDEN % self.entries
        while gcd(step, self.entries) != 1:
            step += 1
        return step

    @cached_property
    def _step_back(self) -> int:
        return pow(self._step, -1, self.entries)


def message_id(number: int) -> str:
    """Return the provider's id of a message."""
    return f"M{number:031}"


def _told(turn: str, number: int, whose: tuple[int, int, str], at: int) -> Told:
    *_, contact = whose
    shape = _shape(turn, contact[:3])
    heard_at = at + HEARD_AFTER_SECONDS
    body = shape.body % {
        b"number": b"%d" % number,
        b"id": message_id(number).encode(),
        b"contact": contact.encode(),
        b"text": b"" if turn == "d" else story_of(number).encode(),
        b"moment": _moment(at if turn in "dc" else heard_at),
    }
    name = _id_of(number * 2 + (turn == "d"))
    return Told(shape, name, *whose, at, heard_at, body, number)


@lru_cache
def _shape(turn: str, prefix: str) -> Shape:
    kind = next(name for name in _OURS if name.startswith(prefix))
    data = {"c": _call, "d": _delivered}.get(turn, _message)(kind, turn)
    body = _encode(data).replace(_encode(_ANY_MOMENT), b'"%(moment)b"')
    return Shape(type(data), event_type(data), body, _CHANNELS[kind], _PROVIDERS[kind])


def _message(kind: str, turn: str) -> Struct:
    theirs, ours = Party("%(contact)b"), Party(_OURS[kind])
    return Message(
        message_id="%(id)b",
        kind=MessageKind.MESSAGE,
        direction=Direction.OUTBOUND if turn == "s" else Direction.INBOUND,
        channel=_CHANNELS[kind],
        provider=_PROVIDERS[kind],
        account="main",
        sender=ours if turn == "s" else theirs,
        recipients=(theirs if turn == "s" else ours,),
        conversation=Conversation("%(contact)b"),
        received_at=_ANY_MOMENT,
        subject="お問い合わせ" if kind == "email" else None,
        text="%(text)b",
        language="ja",
        team="お客様窓口",
        raw_ref="originals/ingest/2026/11/01/120000.000000-bench-1#%(number)b+512",
    )


def _delivered(kind: str, _: str) -> Struct:
    return MessageStatus(
        message_id="%(id)b",
        status=DeliveryStatus.DELIVERED,
        channel=_CHANNELS[kind],
        provider=_PROVIDERS[kind],
        account="main",
        recipient=Party("%(contact)b"),
        occurred_at=_ANY_MOMENT,
    )


def _call(_: str, __: str) -> Struct:
    return Activity(
        kind="call",
        contact="%(contact)b",
        occurred_at=_ANY_MOMENT,
        summary="%(text)b",
        channel="voice",
    )


def _id_of(number: int) -> bytes:
    """Return an id that looks like any other UUID; ids of neighbours lie far apart."""
    return ((number + 1) * _ODD & (1 << 128) - 1).to_bytes(16, "big")


def _moment(seconds: int) -> bytes:
    days, rest = divmod(seconds, 86_400)
    return b"%bT%02d:%02d:%02dZ" % (_day(days), rest // 3600, rest // 60 % 60, rest % 60)


@lru_cache
def _day(days: int) -> bytes:
    return datetime.fromtimestamp(days * 86_400, UTC).date().isoformat().encode()


_encode = msgspec.json.Encoder().encode
_decoders = {name: msgspec.json.Decoder(cls) for name, cls in EVENT_TYPES.items()}
