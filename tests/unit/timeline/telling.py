"""Events as the other services and a CRM would publish them, and a model of who is who."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from common.core.cloudevents import Attributes, Event, event_type, read, record
from common.core.delivery import DeliveryStatus
from common.core.events import (
    Activity,
    Attachment,
    AttachmentState,
    AttachmentStored,
    Channel,
    Conversation,
    CustomerChanged,
    Direction,
    Message,
    MessageKind,
    MessageStatus,
    Party,
)
from common.core.ids import derived_id
from timeline.core.entry import Entry, Position
from timeline.core.recording import entry_of

TENANT = "acme"
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HANAKO_MAIL = "email:hanako.suzuki@example.jp"
HANAKO_TEL = "tel:+819012345678"
HANAKO_LINE = "line:1657000000:U4af4980629"


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(
    data: msgspec.Struct,
    subject: str,
    at: datetime,
    *parts: str,
    tenant: str = TENANT,
    source: str = "/test",
) -> Event:
    """Return an event that went over the bus, so that it is what a reader would see."""
    attributes = Attributes(
        id=derived_id("test", *parts) if parts else derived_id("test", repr(data), str(at)),
        source=source,
        type=event_type(data),
        subject=subject,
        time=at,
        tenant=tenant,
    )
    sent = record("any", attributes, data)
    return read(sent.headers, sent.value)


def message(
    contact: str = HANAKO_LINE,
    minutes: float = 0,
    text: str | None = "電源が入りません。",
    *,
    message_id: str = "m1",
    tenant: str = TENANT,
    **fields: Any,
) -> Event:
    """Return a message that a customer wrote, or with `direction` one that we wrote."""
    at = after(minutes)
    given: dict[str, Any] = {
        "message_id": message_id,
        "kind": MessageKind.MESSAGE,
        "direction": Direction.INBOUND,
        "channel": Channel.LINE,
        "provider": "line",
        "account": "1657000000",
        "sender": Party(contact),
        "conversation": Conversation(contact),
        "received_at": at + timedelta(seconds=1),
        "text": text,
    } | fields
    parts = (contact, given["kind"], message_id, str(minutes))
    return event(Message(**given), contact, at, *parts, tenant=tenant)


def change(
    kind: MessageKind, target: str, minutes: float, text: str | None = None, **fields: Any
) -> Event:
    """Return an edit, unsend or reaction."""
    given: dict[str, Any] = {"message_id": f"{kind}{minutes}"} | fields
    return message(minutes=minutes, text=text, kind=kind, target=target, **given)


def stored(
    wrote: Event,
    minutes: float,
    state: AttachmentState = AttachmentState.STORED,
    *,
    position: int = 0,
    reason: str | None = None,
) -> Event:
    """Return what became of a file that a message points to."""
    data = AttachmentStored(
        message=wrote.attributes.id,
        message_id=wrote.data.message_id,
        position=position,
        attachment=Attachment(
            name="領収書.jpg",
            media_type="image/jpeg",
            state=state,
            size=48213 if state is AttachmentState.STORED else None,
            location="files/acme/ab" if state is AttachmentState.STORED else None,
        ),
        channel=Channel.LINE,
        provider="line",
        account="1657000000",
        fetched_at=after(minutes),
        reason=reason,
    )
    parts = ("file", str(wrote.attributes.id), str(position), state)
    return event(data, wrote.attributes.subject, after(minutes), *parts)


def mail(contact: str = HANAKO_MAIL, minutes: float = 0, **fields: Any) -> Event:
    """Return a mail that we wrote, or with other fields a report that a machine wrote about it."""
    given: dict[str, Any] = {
        "direction": Direction.OUTBOUND,
        "channel": Channel.EMAIL,
        "provider": "crm",
        "account": "sales",
        "message_id": "<order-1204@acme.example>",
        "sender": Party("email:support@acme.example"),
        "recipients": (Party(contact),),
    } | fields
    return message(contact, minutes, **given)


def report(kind: MessageKind, minutes: float, contact: str = HANAKO_MAIL, **labels: str) -> Event:
    """Return a report about that mail, as ingest_email publishes it."""
    return mail(
        contact,
        minutes,
        kind=kind,
        direction=Direction.INBOUND,
        provider="smtp",
        account="support",
        message_id=f"<report-{kind}-{minutes}@mx.example.jp>",
        sender=Party("email:mailer-daemon@mx.example.jp"),
        recipients=(),
        target="<order-1204@acme.example>",
        attributes=labels,
    )


def status(
    heard: DeliveryStatus, minutes: float, *, message_id: str = "m1", error: str | None = None
) -> Event:
    """Return what became of a message of ours."""
    data = MessageStatus(
        message_id=message_id,
        status=heard,
        channel=Channel.LINE,
        provider="line",
        account="1657000000",
        recipient=Party(HANAKO_LINE),
        occurred_at=after(minutes),
        error_code=error,
    )
    return event(data, HANAKO_LINE, after(minutes), "status", message_id, heard, str(minutes))


def call(contact: str = HANAKO_TEL, minutes: float = 0, **fields: Any) -> Event:
    """Return a telephone call that somebody noted."""
    given: dict[str, Any] = {
        "kind": "call",
        "contact": contact,
        "occurred_at": after(minutes),
        "summary": "納期についてのお問い合わせ",
        "channel": "voice",
    } | fields
    return event(Activity(**given), contact, after(minutes))


def profile(
    contacts: Sequence[str],
    ref: str = "crm-1024",
    minutes: float = 0,
    tenant: str = TENANT,
    **fields: Any,
) -> Event:
    """Return what a system knows of a customer: `crm-1` is a reference of the system `/crm`."""
    data = CustomerChanged(
        customer_ref=ref, contacts=tuple(contacts), changed_at=after(minutes), **fields
    )
    parts = (tenant, ref, *contacts, str(minutes))
    source = f"/{ref.partition('-')[0]}"
    return event(data, ref, after(minutes), *parts, tenant=tenant, source=source)


def entry(told: Event, offset: int = 0, topic: int = 0, partition: int = 0) -> Entry:
    """Return the entry of an event that surely makes one."""
    made = entry_of(told, Position(topic, partition, offset), START, "JP")
    assert made is not None
    return made


def unknown(subject: str, value: bytes, kind: str = "io.madoguchi.parcel.lost") -> Event:
    """Return an event of a type that is newer than we are."""
    return Event(
        Attributes(
            id=UUID(int=7), source="/later", type=kind, subject=subject, time=START, tenant=TENANT
        ),
        None,
        value,
    )


class UnionFind:
    """The plain model: everything that is named together belongs together."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, thing: str) -> str:
        while (above := self._above.get(thing, thing)) != thing:
            thing = above
        return thing

    def unite(self, things: Sequence[str]) -> None:
        for thing in things:
            self._above[self.root(thing)] = self.root(things[0])
