"""CloudEvents 1.0 and its Kafka binding: binary mode is written; binary and structured are read."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from common.core.errors import PoisonError
from common.core.event_types import EVENT_TYPES, TYPE_OF
from common.core.events import Direction, Message
from common.core.ids import trace_parent

SPEC_VERSION = "1.0"
JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
_STRUCTURED = STRUCTURED.encode()
MAX_EVENT_BYTES = 1_000_000  # a broker's usual limit; larger things belong in object storage

type_prefix = "io.madoguchi."
Headers = Sequence[tuple[str, bytes]]

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_decoders = {name: msgspec.json.Decoder(cls) for name, cls in EVENT_TYPES.items()}
_encoder = msgspec.json.Encoder()


_CONSTANT_HEADERS = (
    ("content-type", JSON.encode()),
    ("ce_specversion", SPEC_VERSION.encode()),
    ("ce_datacontenttype", JSON.encode()),
)


class Attributes(Struct, frozen=True, kw_only=True):
    """The context attributes of an event. `subject` is the contact (or customer) it is about."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    tenant: str
    traceparent: str | None = None


class Event(Struct, frozen=True):
    """An event as read from the bus.

    `data` is a Struct of common.core.events for a type we know and None for one that is newer than
    we are; `value` is its JSON as it stood.
    """

    attributes: Attributes
    data: Any
    value: bytes


class Record(Struct, frozen=True):
    """What goes to Kafka: topic is chosen by the caller, the rest is the event's own.

    An empty value is a tombstone: in a compacted topic it ends what the key said.
    """

    topic: str
    key: bytes
    value: bytes
    headers: Headers


def partition_key(tenant: str, subject: str) -> bytes:
    """Return the Kafka key: what one tenant's contact wrote stays in order."""
    return f"{tenant}|{subject}".encode()


def event_type(data: Struct) -> str:
    """Return the CloudEvents type of a value that travels on the bus."""
    if isinstance(data, Message) and data.direction is Direction.OUTBOUND:
        return type_prefix + "message.sent"
    return TYPE_OF[type(data)]


def record(topic: str, attributes: Attributes, data: Struct) -> Record:
    """Return the Kafka record of an event, in binary content mode."""
    key = partition_key(attributes.tenant, attributes.subject)
    return Record(topic, key, _encoder.encode(data), binary_headers(attributes))


def tombstone(topic: str, tenant: str, subject: str) -> Record:
    """Return the record after which compaction drops all that a key of this topic said."""
    return Record(topic, partition_key(tenant, subject), b"", ())


def structured(attributes: Attributes, data: Struct) -> bytes:
    """Return the event as one JSON document, in structured content mode."""
    return _encoder.encode(
        {
            "specversion": SPEC_VERSION,
            **{name: value for name, value in structs.asdict(attributes).items() if value},
            "datacontenttype": JSON,
            "data": data,
        }
    )


def binary_headers(attributes: Attributes) -> Headers:
    """Return the `ce_*` headers of an event."""
    return (
        *_CONSTANT_HEADERS,
        ("ce_id", str(attributes.id).encode()),
        ("ce_source", attributes.source.encode()),
        ("ce_type", attributes.type.encode()),
        ("ce_subject", attributes.subject.encode()),
        ("ce_time", attributes.time.astimezone(UTC).isoformat().encode()),
        ("ce_dataschema", f"/contract/{attributes.type}.json".encode()),
        ("ce_tenant", attributes.tenant.encode()),
        ("ce_partitionkey", partition_key(attributes.tenant, attributes.subject)),
        ("ce_traceparent", (attributes.traceparent or trace_parent(attributes.id)).encode()),
    )


def read(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> Event:
    """Return the event of a Kafka record in either content mode.

    Raises PoisonError (`bad-envelope`, `bad-json`, `bad-data`) where it is none.
    """
    texts: dict[str, str] = {}
    for name, content in headers:
        if name.startswith("ce_"):
            texts[name[3:]] = _text(content)
        elif content.startswith(_STRUCTURED) and name.lower() == "content-type":
            return _structured(value or b"")
    return _event(texts, value or b"")


def _structured(value: bytes) -> Event:
    try:
        fields = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        texts = {
            name: msgspec.json.decode(raw, type=str)
            for name, raw in fields.items()
            if name not in ("data", "data_base64")
        }
        encoded = msgspec.json.decode(fields.get("data_base64", msgspec.Raw(b'""')), type=str)
        data = (
            base64.b64decode(encoded, validate=True) if encoded else bytes(fields.get("data", b""))
        )
    except (msgspec.DecodeError, binascii.Error, UnicodeError, RecursionError) as error:
        raise PoisonError("bad-json", str(error)) from error
    return _event(texts, data)


def _event(texts: dict[str, str], value: bytes) -> Event:
    attributes = _attributes(texts)
    decoder = _decoders.get(attributes.type)
    if decoder is None:
        return Event(attributes, None, value)
    try:
        return Event(attributes, decoder.decode(value), value)
    except msgspec.ValidationError as error:
        raise PoisonError("bad-data", str(error)) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PoisonError("bad-json", str(error)) from error


def _attributes(texts: dict[str, str]) -> Attributes:
    if texts.get("specversion") != SPEC_VERSION:
        raise PoisonError("bad-envelope", "specversion is not 1.0")
    try:
        attributes = msgspec.convert(texts, Attributes, strict=False)
    except msgspec.ValidationError as error:
        raise PoisonError("bad-envelope", str(error)) from error
    if not (attributes.source and attributes.type and attributes.subject):
        raise PoisonError("bad-envelope", "source, type and subject must not be empty")
    if attributes.time.tzinfo is None:
        raise PoisonError("bad-envelope", "time needs a zone")
    if not _TENANT.fullmatch(attributes.tenant):
        raise PoisonError("bad-envelope", "tenant is lower-case letters, digits and hyphens")
    return attributes


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise PoisonError("bad-envelope", "a header is not UTF-8") from error
