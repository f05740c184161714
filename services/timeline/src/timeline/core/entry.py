"""From an event on the bus to an entry of somebody's history.

An entry is immutable and belongs to a contact, never to a customer: who a contact's customer is
may change, what was written to or from an address does not.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.cloudevents import Event, type_prefix
from common.core.contacts import InvalidContactError, normalised
from common.core.errors import PoisonError
from common.core.events import (
    Activity,
    CaseOpened,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
    Message,
    MessageKind,
    MessageStatus,
)
from common.core.ids import derived_id
from common.core.topics import ACTIVITIES, CUSTOMERS, MESSAGES, ROUTING

# In the order in which things of the same instant are told: a message, then what it led to.
# A topic's place in this list is stored with each entry: only ever append.
TOPICS = (MESSAGES.name, ACTIVITIES.name, ROUTING.name, CUSTOMERS.name)

STATUS = "status"
CHANGES = (MessageKind.EDIT, MessageKind.UNSEND, MessageKind.REACTION)
CONTACTS_REMEMBERED = 100_000

_TOPIC_RANK = {name: rank for rank, name in enumerate(TOPICS)}
_ABOUT_CUSTOMERS = (CustomerChanged, CustomersMerged, CustomersUnmerged)


class Position(Struct, frozen=True, order=True):
    """Where an event lies on the bus; `topic` is its place in TOPICS.

    One contact's messages lie in one partition in the order in which they were acknowledged.
    """

    topic: int
    partition: int
    offset: int


class Entry(Struct, frozen=True, kw_only=True):
    """Something that happened to a contact.

    `occurred_at` is when it happened, `learned_at` when we heard of it. `kind` is a message's
    kind, an activity's kind, or the event type without prefix. `message` names the message that
    this is, or that it speaks of. `body` is the event's JSON as it stood.
    """

    tenant: str
    contact: str
    event_id: UUID
    occurred_at: datetime
    learned_at: datetime
    position: Position
    type: str
    kind: str
    channel: str | None
    direction: str | None
    message: UUID | None
    body: str

    @property
    def moment(self) -> tuple[datetime, Position]:
        """Its place in the history: by time, and of the same time as the bus has them."""
        return self.occurred_at, self.position

    @property
    def amends(self) -> bool:
        """Whether it says something about another message."""
        return self.message is not None and (self.kind == STATUS or self.kind in CHANGES)

    @property
    def listed(self) -> bool:
        """Whether it stands on a page by itself; a delivery status only shows at its message."""
        return self.kind != STATUS or self.message is None


class _Description(Struct, frozen=True):
    kind: str
    channel: str | None = None
    direction: str | None = None
    message: UUID | None = None
    occurred_at: datetime | None = None
    learned_at: datetime | None = None


def position_of(topic: str, partition: int, offset: int) -> Position:
    """Return the place of a record. Raises LookupError on a topic that the timeline does not read."""
    return Position(_TOPIC_RANK[topic], partition, offset)


def entry_of(event: Event, position: Position, heard_at: datetime, region: str) -> Entry | None:
    """Return the entry of an event, or None where it is about no contact.

    A type that is newer than we are makes an entry too, if its subject is a contact. `region` is
    the ISO 3166 country of numbers written without one.

    Raises PoisonError (`bad-contact`, `bad-json`).
    """
    if isinstance(event.data, _ABOUT_CUSTOMERS):
        return None
    attributes = event.attributes
    contact = canonical(attributes.subject, region)
    if contact is None:
        if event.data is None:
            return None
        raise PoisonError("bad-contact", "the subject is not a contact")
    described = _describe(event)
    return Entry(
        tenant=attributes.tenant,
        contact=contact,
        event_id=attributes.id,
        occurred_at=utc(described.occurred_at or attributes.time),
        learned_at=utc(described.learned_at or heard_at),
        position=position,
        type=_storable(attributes.type),
        kind=_storable(described.kind),
        channel=_storable(described.channel) if described.channel else None,
        direction=described.direction,
        message=described.message,
        body=_text(event),
    )


def message_ref(provider: str, account: str, message_id: str) -> UUID:
    """Return the name under which a message and all that is said of it meet."""
    return derived_id("message", provider, account, message_id)


@lru_cache(CONTACTS_REMEMBERED)
def canonical(contact: str, region: str) -> str | None:
    """Return the contact as everybody writes it, or None where the text is none."""
    try:
        return normalised(contact, region)
    except InvalidContactError:
        return None


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without zone already is: times on the bus are UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the last hours of year 9999, the first of year 1
        return moment.replace(tzinfo=UTC)


def _describe(event: Event) -> _Description:
    describe = _DESCRIBED_BY.get(type(event.data))
    if describe is None:
        return _Description(event.attributes.type.removeprefix(type_prefix))
    return describe(event.data)


def _message(data: Message) -> _Description:
    speaks_of = data.target if data.kind in CHANGES and data.target else data.message_id
    return _Description(
        kind=data.kind,
        channel=data.channel,
        direction=data.direction,
        message=message_ref(data.provider, data.account, speaks_of),
        learned_at=data.received_at,
    )


def _status(data: MessageStatus) -> _Description:
    return _Description(
        kind=STATUS,
        channel=data.channel,
        message=message_ref(data.provider, data.account, data.message_id),
        occurred_at=data.occurred_at,
    )


def _activity(data: Activity) -> _Description:
    return _Description(kind=data.kind, channel=data.channel, occurred_at=data.occurred_at)


def _case_opened(data: CaseOpened) -> _Description:
    return _Description(kind="case.opened", channel=data.channel)


_DESCRIBED_BY: dict[type, Callable[[Any], _Description]] = {
    Message: _message,
    MessageStatus: _status,
    Activity: _activity,
    CaseOpened: _case_opened,
}


def _text(event: Event) -> str:
    """Return the value as text, sure to be JSON: what msgspec has not decoded is decoded here."""
    try:
        if event.data is None:
            msgspec.json.decode(event.value)
        return event.value.decode()  # msgspec skips over unknown fields without a look at UTF-8
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PoisonError("bad-json", str(error)) from error


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd")  # the one character that Postgres cannot hold
