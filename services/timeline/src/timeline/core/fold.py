"""How a page presents entries: each message with all that was later said of it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.delivery import DeliveryStatus, later_status
from common.core.events import Attachment, Message, MessageKind, MessageStatus
from timeline.core.entry import STATUS, Entry


class Delivery(Struct, frozen=True):
    """Where an outgoing message is, since when, and the provider's code where it failed."""

    status: DeliveryStatus
    since: datetime
    error_code: str | None


class Version(Struct, frozen=True):
    """What a message said from a moment on; `event` is the message itself or the edit."""

    event: UUID
    at: datetime
    subject: str | None
    text: str | None


class Reaction(Struct, frozen=True):
    """Somebody reacted to a message, with `text` (an emoji), or took it back (no text)."""

    event: UUID
    at: datetime
    direction: str | None
    text: str | None


class Item(Struct, frozen=True, kw_only=True):
    """One line of a page.

    `data` is the event's data as it stood on the bus. Equal `message` speaks of one message.
    `versions` has every wording of an edited message, oldest first, so the last one counts; it is
    empty where nothing was edited. After `unsent_at` nobody should read the content: it is absent
    from the item, and from the edits' own items.
    """

    id: UUID
    contact: str
    occurred_at: datetime
    learned_at: datetime
    type: str
    kind: str
    channel: str | None
    direction: str | None
    message: UUID | None
    data: msgspec.Raw | None
    attachments: tuple[Attachment, ...] = ()
    delivery: Delivery | None = None
    versions: tuple[Version, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    unsent_at: datetime | None = None


_read_message = msgspec.json.Decoder(Message).decode
_read_status = msgspec.json.Decoder(MessageStatus).decode


def present(entries: Iterable[Entry], amendments: Iterable[Entry]) -> tuple[Item, ...]:
    """Return the page of these entries, newest first.

    `amendments` are all that amend a message which these entries are or speak of. Either may come
    in any order and repeated: the page is the same.
    """
    said = _by_message(amendments)
    return tuple(
        _item(entry, said.get((entry.contact, entry.message), ()))
        for entry in sorted(_once(entries), key=lambda entry: entry.moment, reverse=True)
    )


def _once(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Keep each event where the bus had it first."""
    latest_first = sorted(entries, key=lambda entry: entry.position, reverse=True)
    return {entry.event_id: entry for entry in latest_first}.values()


def _by_message(amendments: Iterable[Entry]) -> dict[tuple[str, UUID | None], list[Entry]]:
    """Group by message, oldest first; only the contact of a message can amend it."""
    found: dict[tuple[str, UUID | None], list[Entry]] = defaultdict(list)
    for entry in sorted(_once(amendments), key=lambda entry: entry.moment):
        found[entry.contact, entry.message].append(entry)
    return found


def _item(entry: Entry, said: Sequence[Entry]) -> Item:
    if entry.message is None:
        return _line(entry)
    unsent_at = min(
        (one.occurred_at for one in said if one.kind == MessageKind.UNSEND), default=None
    )
    if entry.amends:
        return _line(entry, unsent_at=unsent_at)
    message = _read_message(entry.body)
    return _line(
        entry,
        unsent_at=unsent_at,
        attachments=() if unsent_at else message.attachments,
        delivery=_delivery([one for one in said if one.kind == STATUS]),
        versions=() if unsent_at else _versions(entry, message, said),
        reactions=tuple(_reaction(one) for one in said if one.kind == MessageKind.REACTION),
    )


def _line(
    entry: Entry,
    *,
    unsent_at: datetime | None = None,
    attachments: tuple[Attachment, ...] = (),
    delivery: Delivery | None = None,
    versions: tuple[Version, ...] = (),
    reactions: tuple[Reaction, ...] = (),
) -> Item:
    return Item(
        id=entry.event_id,
        contact=entry.contact,
        occurred_at=entry.occurred_at,
        learned_at=entry.learned_at,
        type=entry.type,
        kind=entry.kind,
        channel=entry.channel,
        direction=entry.direction,
        message=entry.message,
        data=None if unsent_at else msgspec.Raw(entry.body),
        attachments=attachments,
        delivery=delivery,
        versions=versions,
        reactions=reactions,
        unsent_at=unsent_at,
    )


def _delivery(statuses: Sequence[Entry]) -> Delivery | None:
    """Fold statuses, oldest first: the furthest counts, since it was first heard."""
    known: Delivery | None = None
    for entry in statuses:
        heard = _read_status(entry.body)
        status = later_status(known.status if known else None, heard.status)
        if known is None or status is not known.status:
            known = Delivery(status, entry.occurred_at, heard.error_code)
    return known


def _versions(entry: Entry, message: Message, said: Sequence[Entry]) -> tuple[Version, ...]:
    edits = [one for one in said if one.kind == MessageKind.EDIT]
    if not edits:
        return ()
    return (
        _version(entry, message),
        *(_version(edit, _read_message(edit.body)) for edit in edits),
    )


def _version(entry: Entry, message: Message) -> Version:
    return Version(entry.event_id, entry.occurred_at, message.subject, message.text)


def _reaction(entry: Entry) -> Reaction:
    return Reaction(
        entry.event_id, entry.occurred_at, entry.direction, _read_message(entry.body).text
    )
