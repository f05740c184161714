"""WhatsApp Cloud API webhooks: many messages, statuses and notices in one request, in no order.

People are named by telephone number, by business-scoped user id, or by both: "Business-scoped user
IDs". A number that is known is the contact, so that SMS and WhatsApp of one telephone are one.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, phone_contact, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import Content, Drafting, Exchange, labelled, named
from common.core.events import Channel, Direction, MessageKind, Party
from common.core.payloads import (
    Id,
    UnreadableError,
    flattened,
    items_at,
    shaped,
    text_at,
    value_at,
)
from common.core.times import from_seconds
from ingest_social.core.meta.whatsapp_contents import content

_STATUSES = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,  # a voice message was heard
    "failed": DeliveryStatus.FAILED,
}
_FIELDS = {
    "messages": ("messages", "statuses", "errors"),
    "smb_message_echoes": ("message_echoes",),
    "user_preferences": ("user_preferences",),
}
_PREFERENCES = {"stop": MessageKind.OPT_OUT, "resume": MessageKind.OPT_IN}


class Item(Struct, frozen=True):
    """One thing that happened, and the `value` it came in, which says to which number and who is who."""

    kind: str
    value: object
    told: object


class Message(Struct, frozen=True):
    """What every message has; `to` where we wrote it, in the app on a telephone."""

    id: Id
    timestamp: str = ""
    sender: str | None = field(name="from", default=None)
    from_user_id: str | None = None
    to: str | None = None
    to_user_id: str | None = None
    group_id: str | None = None


class Status(Struct, frozen=True):
    """What became of our message. `delivered` may be skipped, and no order is kept."""

    id: Id
    status: str
    timestamp: str = ""
    recipient_id: str | None = None  # of the group, where it went to one
    recipient_participant_id: str | None = None
    recipient_user_id: str | None = None


class Profile(Struct, frozen=True):
    """What somebody calls themselves."""

    name: str | None = None
    username: str | None = None


class Contact(Struct, frozen=True):
    """Somebody who is spoken of, with whatever ids Meta tells of them."""

    profile: Profile = Profile()
    wa_id: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None


class Preference(Struct, frozen=True):
    """What somebody decided about our marketing messages."""

    value: str
    timestamp: str | int = ""
    category: str = ""
    detail: str | None = None
    wa_id: str | None = None
    user_id: str | None = None


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return everything in one request, in its order."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.WHATSAPP,
        signature="meta-hmac-sha256",
        stranger=scoped_contact(ContactKind.WHATSAPP, "unknown"),
        ourselves=scoped_contact(ContactKind.WHATSAPP, account.account),
    )
    return drafts.from_json(_items, partial(_drafts, drafts), _name)


def _name(item: Item) -> str | None:
    status = text_at(item.told, "status") if item.kind == "statuses" else None
    return named(text_at(item.told, "id"), status)


def _items(body: object) -> list[Item]:
    entries = items_at(body, "entry")
    found = [item for entry in entries for item in _of_entry(entry)]
    if not found:
        raise UnreadableError("a request that tells nothing")
    return found


def _of_entry(entry: object) -> list[Item]:
    changes = items_at(entry, "changes") or [None]
    return [item for change in changes for item in _told(change)]


def _told(change: object) -> list[Item]:
    field_name, value = text_at(change, "field") or "", value_at(change, "value")
    kinds = _FIELDS.get(field_name, ())
    found = [Item(kind, value, told) for kind in kinds for told in items_at(value, kind)]
    return found or [Item(field_name, value, value)]


def _drafts(drafts: Drafting, item: Item) -> Iterator[Draft]:
    if item.value is None:
        raise UnreadableError("a change that tells nothing")
    read = _notice if item.told is item.value else _READERS[item.kind]
    yield read(drafts, item)


def _message(drafts: Drafting, item: Item) -> Draft:
    message = shaped(item.told, Message)
    customer = _person(drafts, item, message.sender, message.from_user_id)
    exchange = _exchange(drafts, item, customer, message.timestamp, message.group_id)
    known = _contact_of(item, message.sender, message.from_user_id)
    ids = {
        "user_id": message.from_user_id or known.user_id,
        "parent_user_id": known.parent_user_id,
        "username": known.profile.username,
    }
    return drafts.message(message.id, exchange, labelled(content(item.told), ids))


def _echo(drafts: Drafting, item: Item) -> Draft:
    message = shaped(item.told, Message)
    customer = _person(drafts, item, message.to, message.to_user_id)
    exchange = _exchange(drafts, item, customer, message.timestamp, message.group_id)
    ours = replace(exchange, direction=Direction.OUTBOUND)
    return drafts.message(message.id, ours, content(item.told))


def _status(drafts: Drafting, item: Item) -> Draft:
    told = shaped(item.told, Status)
    errors = items_at(item.told, "errors")
    return drafts.status(
        told.id,
        _person(drafts, item, _recipient(told), told.recipient_user_id),
        _STATUSES.get(told.status),
        heard=_heard(told),
        time=from_seconds(told.timestamp),
        error_code=flattened(errors[0]).get("code") if errors else None,
    )


def _recipient(told: Status) -> str | None:
    return told.recipient_participant_id or told.recipient_id


def _heard(told: Status) -> str:
    """Return what was heard: of a group every member is heard of by itself."""
    who = told.recipient_participant_id
    return f"{who}:{told.status}" if who else told.status


def _preference(drafts: Drafting, item: Item) -> Draft:
    told = shaped(item.told, Preference)
    customer = _person(drafts, item, told.wa_id, told.user_id)
    said = Content(
        kind=_PREFERENCES.get(told.value, MessageKind.SYSTEM),
        text=told.detail,
        attributes={"event": item.kind, "category": told.category, "value": told.value},
    )
    name = f"{customer.contact}:{told.category}:{told.value}:{told.timestamp}"
    return drafts.message(name, _exchange(drafts, item, customer, told.timestamp), said)


def _notice(drafts: Drafting, item: Item) -> Draft:
    """Return what Meta says about the account, a template, a call or an error of its own."""
    told = flattened(item.told) | {"event": item.kind}
    return drafts.anonymous(
        Content(kind=MessageKind.SYSTEM, attributes=told), text_at(item.told, "id")
    )


def _exchange(
    drafts: Drafting,
    item: Item,
    customer: Party,
    timestamp: str | int,
    group: str | None = None,
) -> Exchange:
    number = text_at(item.value, "metadata", "display_phone_number")
    company = _telephone(drafts, number) if number else Party(drafts.ourselves)
    return Exchange(
        customer=customer,
        company=company,
        conversation=f"{company.contact}/{group or customer.contact}",
        time=from_seconds(timestamp),
    )


def _person(drafts: Drafting, item: Item, number: str | None, user_id: str | None) -> Party:
    """Return who it is: by number, else by user id, both also as the request's contacts tell."""
    known = _contact_of(item, number, user_id)
    number, user_id = number or known.wa_id, user_id or known.user_id
    name = known.profile.name or known.profile.username
    if number:
        return replace(_telephone(drafts, number), name=name)
    if not user_id:
        raise UnreadableError("nobody is named")
    return Party(scoped_contact(ContactKind.WHATSAPP, user_id), name)


def _contact_of(item: Item, number: str | None, user_id: str | None) -> Contact:
    for told in items_at(item.value, "contacts"):
        try:
            contact = shaped(told, Contact)
        except UnreadableError:
            continue  # one odd contact must not harm what somebody else says
        if (number and contact.wa_id == number) or (user_id and contact.user_id == user_id):
            return contact
    return Contact()


def _telephone(drafts: Drafting, number: str) -> Party:
    written = f"+{number.removeprefix('+')}"
    return Party(phone_contact(written, drafts.account.region), address=written)


_READERS: Mapping[str, Callable[[Drafting, Item], Draft]] = {
    "messages": _message,
    "message_echoes": _echo,
    "statuses": _status,
    "user_preferences": _preference,
    "errors": _notice,
}
