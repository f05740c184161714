"""From an event on the bus to an entry."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from common.core.cases import CaseOpened, CaseReopened, CaseRouted
from common.core.cloudevents import Event, type_prefix
from common.core.erasure import CustomerErased, CustomerForgotten
from common.core.errors import PoisonError
from common.core.events import (
    Activity,
    AttachmentStored,
    Channel,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
    Message,
    MessageStatus,
)
from common.core.identity_events import IdentityDecided
from common.core.ids import derived_id
from common.core.work import (
    AgentChanged,
    AgentPresenceChanged,
    CaseAnswered,
    RulesActivated,
)
from timeline.core.activities import activity_told
from timeline.core.entry import (
    ATTACHMENT,
    CHANGES,
    MAY_SPEAK_OF_ANOTHER,
    STATUS,
    TOPICS,
    Entry,
    Position,
)
from timeline.core.values import canonical, json_value, storable, utc

LONGEST_NAME = 200  # characters; an index entry of Postgres holds 2,700 bytes in all

_TOPIC_RANK = {name: rank for rank, name in enumerate(TOPICS)}
_ABOUT_NO_CONTACT = (
    *(CustomerChanged, CustomersMerged, CustomersUnmerged, IdentityDecided),  # identity's
    *(AgentChanged, AgentPresenceChanged, RulesActivated),  # the company's own
    *(CustomerErased, CustomerForgotten),  # those who are forgotten
)


class _Description(Struct, frozen=True):
    kind: str
    channel: str | None = None
    direction: str | None = None
    message: UUID | None = None
    about: UUID | None = None
    conversation: UUID | None = None
    case: UUID | None = None
    routed: UUID | None = None
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
    if isinstance(event.data, _ABOUT_NO_CONTACT):
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
        type=storable(attributes.type) if event.data is None else attributes.type,
        kind=_named(described.kind),
        channel=_named(described.channel) if described.channel else None,
        direction=described.direction,
        message=described.message,
        about=described.about,
        body=json_value(event),
        conversation=described.conversation,
        case=described.case,
        routed=described.routed,
    )


def _named(name: str) -> str:
    """Return a name as indexes can hold it, and a filter can ask for it; the body has it whole."""
    return name[:LONGEST_NAME]


def message_ref(channel: Channel, provider: str, account: str, message_id: str) -> UUID:
    """Return the name under which a message and all that is said of it meet.

    A mail has one id wherever it goes (RFC 5322 §3.6.4): what bounces comes in by another account
    than it left by.
    """
    if channel is Channel.EMAIL:
        return derived_id("mail", message_id.strip("<>"))
    return derived_id("message", provider, account, message_id)


def conversation_ref(key: str) -> UUID:
    """Return the name of a conversation; its own may be anything, of any length."""
    return derived_id("conversation", key)


def message_of_case(data: object) -> UUID | None:
    """Return the event of the message which by this belongs to a case, where it tells of one."""
    if isinstance(data, CaseRouted):
        return data.decision.message_event
    if isinstance(data, CaseOpened | CaseReopened | CaseAnswered):
        return data.message_event
    return None


def _describe(event: Event) -> _Description:
    describe = _DESCRIBED_BY.get(type(event.data))
    return describe(event.data) if describe else _by_type(event)


def _by_type(event: Event) -> _Description:
    """Return what all types have in common that tell of work, also those that are yet to come."""
    data = event.data
    channel = getattr(data, "channel", None)
    return _Description(
        kind=storable(event.attributes.type.removeprefix(type_prefix)),
        channel=storable(channel) if channel else None,
        case=getattr(data, "case_id", None),
        routed=message_of_case(data),
    )


def _message(data: Message) -> _Description:
    target = _target(data)
    return _Description(
        kind=data.kind,
        channel=data.channel,
        direction=data.direction,
        message=_ref(data, data.message_id),
        about=_ref(data, target) if target else None,
        conversation=conversation_ref(data.conversation.key),
        learned_at=data.received_at,
    )


def _target(data: Message) -> str | None:
    if data.kind in CHANGES:
        return data.target or data.message_id
    return data.target if data.kind in MAY_SPEAK_OF_ANOTHER else None


def _status(data: MessageStatus) -> _Description:
    return _Description(
        kind=STATUS,
        channel=data.channel,
        about=_ref(data, data.message_id),
        occurred_at=data.occurred_at,
    )


def _ref(data: Message | MessageStatus, message_id: str) -> UUID:
    return message_ref(data.channel, data.provider, data.account, message_id)


def _attachment(data: AttachmentStored) -> _Description:
    return _Description(
        kind=ATTACHMENT,
        channel=data.channel,
        about=data.message,
        occurred_at=data.fetched_at,
    )


def _activity(data: Activity) -> _Description:
    told = activity_told(data.attributes)
    return _Description(
        kind=storable(data.kind),
        channel=storable(data.channel) if data.channel else None,
        direction=told.direction,
        case=told.case,
        occurred_at=data.occurred_at,
    )


_DESCRIBED_BY: dict[type, Callable[[Any], _Description]] = {
    Message: _message,
    MessageStatus: _status,
    AttachmentStored: _attachment,
    Activity: _activity,
}
