"""Sinch's SMS API: incoming messages and delivery reports ("Webhooks")."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.delivery import DeliveryStatus
from common.core.drafting import (
    UNSUPPORTED,
    Content,
    Drafting,
    alone,
    labelled,
    media_name,
    read_content,
    remote,
)
from common.core.events import Attachment, MessageKind
from common.core.keywords import keyword_kind
from common.core.payloads import Id, flattened, items_at, shaped, shaped_at, text_at
from common.core.signatures import unbase64
from common.core.times import from_iso
from ingest_sms.core.texting import company_party, drafting, exchange, international, number_party

_STATUSES = {
    "QUEUED": DeliveryStatus.QUEUED,
    "UNKNOWN": DeliveryStatus.QUEUED,  # nothing more is known than that we sent it
    "DISPATCHED": DeliveryStatus.SENT,
    "DELIVERED": DeliveryStatus.DELIVERED,
    "ABORTED": DeliveryStatus.FAILED,
    "CANCELLED": DeliveryStatus.FAILED,
    "DELETED": DeliveryStatus.FAILED,
    "EXPIRED": DeliveryStatus.FAILED,
    "FAILED": DeliveryStatus.FAILED,
    "REJECTED": DeliveryStatus.FAILED,
}


class Incoming(Struct, frozen=True):
    """What text, binary and media messages share."""

    id: Id
    sender: str = field(name="from")
    to: str = ""
    sent_at: str | None = None
    received_at: str | None = None
    operator_id: str | None = None
    client_reference: str | None = None
    udh: str | None = None


class MediaItem(Struct, frozen=True):
    """One file; without a URL Sinch failed to take it."""

    content_type: str = "application/octet-stream"
    url: str | None = None


class MediaBody(Struct, frozen=True):
    """The content of an MMS."""

    subject: str | None = None
    message: str | None = None
    media: list[MediaItem] = []


class Text(Struct, frozen=True):
    """The content of a text message."""

    body: str


class BatchStatus(Struct, frozen=True):
    """What became of some recipients; a `summary` report does not name them."""

    status: str
    code: int = 0


class BatchReport(Struct, frozen=True):
    """What became of a message to many."""

    batch_id: Id
    statuses: list[Any]


class RecipientReport(Struct, frozen=True):
    """What became of a message to one."""

    batch_id: Id
    recipient: str
    status: str
    code: int = 0
    at: str | None = None


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message or the delivery statuses of one request."""
    drafts = drafting(original, account, "sinch-hmac-sha256")
    return drafts.from_json(alone, partial(_drafts, drafts), lambda item: text_at(item, "id"))


def _drafts(drafts: Drafting, item: object) -> Iterator[Draft]:
    kind = (text_at(item, "type") or "").removesuffix("_sms").removesuffix("_mms")
    return _KINDS.get(kind, _message)(drafts, item)


def _message(drafts: Drafting, item: object) -> Iterator[Draft]:
    told = shaped(item, Incoming)
    customer = number_party(international(told.sender), drafts.account)
    company = company_party(told.to, drafts.account)
    said = labelled(
        read_content(_CONTENTS, text_at(item, "type"), item),
        {
            "operator": told.operator_id,
            "client_reference": told.client_reference,
            "user_data_header": told.udh,
        },
    )
    time = from_iso(told.sent_at) or from_iso(told.received_at)
    yield drafts.message(told.id, exchange(customer, company, time), said)


def _batch(drafts: Drafting, item: object) -> Iterator[Draft]:
    report = shaped(item, BatchReport)
    if not any(items_at(status, "recipients") for status in report.statuses):
        yield _summary(drafts, item)
        return
    pairs = [pair for status in report.statuses for pair in _pairs(status)]
    yield from drafts.each(pairs, partial(_one, drafts, report.batch_id))


def _pairs(status: object) -> list[tuple[object, object]]:
    """Return the status beside each of its recipients, or alone where it names none."""
    return [(status, recipient) for recipient in items_at(status, "recipients") or [None]]


def _one(drafts: Drafting, batch_id: str, pair: tuple[object, object]) -> tuple[Draft]:
    status, recipient = shaped(pair[0], BatchStatus), pair[1]
    if recipient is None:
        return (_summary(drafts, pair[0]),)
    one = RecipientReport(batch_id, shaped(recipient, Id), status.status, status.code)
    return (_status(drafts, one),)


def _summary(drafts: Drafting, told: object) -> Draft:
    attributes = {"event": "delivery_report", **flattened(told)}
    return drafts.anonymous(Content(kind=MessageKind.SYSTEM, attributes=attributes))


def _recipient(drafts: Drafting, item: object) -> Iterator[Draft]:
    yield _status(drafts, shaped(item, RecipientReport))


def _status(drafts: Drafting, report: RecipientReport) -> Draft:
    status = _STATUSES.get(report.status.upper())
    customer = number_party(international(report.recipient), drafts.account)
    return drafts.status(
        report.batch_id,
        customer,
        status,
        heard=f"{customer.contact}:{report.status}",  # one batch may go to many
        time=from_iso(report.at),
        error_code=str(report.code) if status is DeliveryStatus.FAILED else None,
    )


def _text(item: object) -> Content:
    text = shaped(item, Text).body
    return Content(kind=keyword_kind(text), text=text)


def _media(item: object) -> Content:
    body = shaped_at(item, "body", MediaBody)
    return Content(
        subject=body.subject,
        text=body.message,
        attachments=tuple(_file(file, number) for number, file in enumerate(body.media, 1)),
    )


def _file(file: MediaItem, number: int) -> Attachment:
    return remote(media_name(file.content_type, number), file.content_type, file.url)


def _binary(item: object) -> Content:
    octets = unbase64(text_at(item, "body") or "") or b""
    return labelled(UNSUPPORTED, {"data": octets.hex()})


_CONTENTS = {"mo_text": _text, "mo_media": _media, "mo_binary": _binary}
_KINDS: Mapping[str, Callable[[Drafting, object], Iterator[Draft]]] = MappingProxyType(
    {"delivery_report": _batch, "recipient_delivery_report": _recipient}
)
