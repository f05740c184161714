"""What is written is read again, in both content modes; anything else is poison, never a crash."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.cloudevents import (
    Attributes,
    binary_headers,
    event_type,
    partition_key,
    read,
    record,
    tombstone,
)
from common.core.errors import PoisonError
from common.core.events import (
    Channel,
    Conversation,
    CustomerChanged,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.ids import NAMESPACE, customer_id, derived_id, event_id, trace_parent

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
MESSAGE = Message(
    message_id="SM1",
    kind=MessageKind.MESSAGE,
    direction=Direction.INBOUND,
    channel=Channel.SMS,
    provider="twilio",
    account="main",
    sender=Party("tel:+819012345678"),
    conversation=Conversation("sms:main:tel:+819012345678"),
    received_at=MOMENT,
    text="予約の変更をお願いします",
)
ATTRIBUTES = Attributes(
    id=event_id("twilio", "acme/main", "SM1"),
    source="/ingest_sms/twilio/main",
    type="io.madoguchi.message.received",
    subject="tel:+819012345678",
    time=MOMENT,
    tenant="acme",
)


def structured(**changes: object) -> tuple[list[tuple[str, bytes]], bytes]:
    fields: dict[str, object] = {
        "specversion": "1.0",
        "id": str(ATTRIBUTES.id),
        "source": ATTRIBUTES.source,
        "type": ATTRIBUTES.type,
        "subject": ATTRIBUTES.subject,
        "time": "2026-01-15T18:30:00+09:00",
        "tenant": "acme",
        "data": json.loads(record("messages.v1", ATTRIBUTES, MESSAGE).value),
    }
    fields |= changes
    body = {name: value for name, value in fields.items() if value is not None}
    headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    return headers, json.dumps(body).encode()


def test_binary_mode_is_read_as_it_was_written() -> None:
    written = record("messages.v1", ATTRIBUTES, MESSAGE)
    event = read(written.headers, written.value)
    assert event.data == MESSAGE
    assert event.value == written.value
    assert event.attributes.traceparent == trace_parent(ATTRIBUTES.id)
    assert replace(event.attributes, traceparent=None) == ATTRIBUTES
    assert written.key == partition_key("acme", "tel:+819012345678") == b"acme|tel:+819012345678"


def test_a_tombstone_ends_what_a_record_of_the_same_key_said() -> None:
    written = record("customers.v1", ATTRIBUTES, MESSAGE)
    ended = tombstone("customers.v1", ATTRIBUTES.tenant, ATTRIBUTES.subject)
    assert (ended.topic, ended.key, ended.value) == ("customers.v1", written.key, b"")


def test_structured_mode_of_others_is_read_too() -> None:
    event = read(*structured())
    assert event.data == MESSAGE
    assert event.attributes == ATTRIBUTES


def test_structured_mode_may_carry_its_data_in_base64() -> None:
    value = record("messages.v1", ATTRIBUTES, MESSAGE).value
    event = read(*structured(data=None, data_base64=base64.b64encode(value).decode()))
    assert event.data == MESSAGE


def test_a_type_newer_than_us_is_kept_as_it_stood() -> None:
    event = read(*structured(type="io.madoguchi.message.sung", data={"key": "ハ長調"}))
    assert event.data is None
    assert json.loads(event.value) == {"key": "ハ長調"}


def test_an_unknown_field_is_an_optional_addition_of_a_later_version() -> None:
    data = json.loads(record("messages.v1", ATTRIBUTES, MESSAGE).value) | {"mood": "good"}
    assert read(*structured(data=data)).data == MESSAGE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"specversion": "0.3"}, "bad-envelope"),
        ({"id": "not-a-uuid"}, "bad-envelope"),
        ({"tenant": None}, "bad-envelope"),
        ({"tenant": "*"}, "bad-envelope"),
        ({"time": "2026-01-15T18:30:00"}, "bad-envelope"),
        ({"subject": ""}, "bad-envelope"),
        ({"source": ""}, "bad-envelope"),
        ({"type": ""}, "bad-envelope"),
        ({"data": {"message_id": "SM1"}}, "bad-data"),
        ({"data": None}, "bad-json"),
        ({"data_base64": "???"}, "bad-json"),
        ({"time": 5}, "bad-json"),
    ],
)
def test_a_bad_event_is_poison_with_a_reason(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(PoisonError) as caught:
        read(*structured(**changes))
    assert caught.value.reason == reason


def test_headers_that_are_no_text_are_poison() -> None:
    with pytest.raises(PoisonError, match="UTF-8"):
        read([("ce_specversion", b"\xff")], b"{}")


def test_a_record_without_value_or_headers_is_poison() -> None:
    with pytest.raises(PoisonError):
        read([], None)
    with pytest.raises(PoisonError):
        read([("content-type", b"application/cloudevents+json")], None)


def test_time_is_written_in_utc() -> None:
    tokyo = replace(ATTRIBUTES, time=MOMENT.astimezone(timezone(timedelta(hours=9))))
    assert dict(binary_headers(tokyo))["ce_time"] == b"2026-01-15T09:30:00+00:00"


def test_a_trace_that_has_begun_goes_on() -> None:
    traced = replace(
        ATTRIBUTES, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    )
    assert (
        read(binary_headers(traced), b"{}"[:0] or record("m", traced, MESSAGE).value).attributes
        == traced
    )


def test_the_type_says_who_wrote() -> None:
    assert event_type(MESSAGE) == "io.madoguchi.message.received"
    sent = replace(MESSAGE, direction=Direction.OUTBOUND)
    assert event_type(sent) == "io.madoguchi.message.sent"
    profile = CustomerChanged(customer_ref="C1", contacts=(), changed_at=MOMENT)
    assert event_type(profile) == "io.madoguchi.customer.changed"


@given(st.binary(max_size=200), st.binary(max_size=200), st.booleans())
def test_any_bytes_are_an_event_or_poison(value: bytes, header: bytes, mode: bool) -> None:  # noqa: FBT001
    content_type = b"application/cloudevents+json" if mode else b"application/json"
    with pytest.raises(PoisonError):
        read([("content-type", content_type), ("ce_type", header)], value)


@given(st.text(), st.text(), st.text(max_size=20))
def test_any_text_survives_the_bus(text: str, subject: str, name: str) -> None:
    text, subject, name = (t.encode(errors="replace").decode() for t in (text, subject, name))
    message = replace(MESSAGE, text=text, subject=subject, sender=Party("tel:+819012345678", name))
    written = record("messages.v1", ATTRIBUTES, message)
    assert read(written.headers, written.value).data == message


@given(
    st.lists(st.text(max_size=8), min_size=1, max_size=4),
    st.lists(st.text(max_size=8), min_size=1, max_size=4),
)
def test_ids_are_equal_exactly_when_their_parts_are(first: list[str], second: list[str]) -> None:
    def clean(parts: list[str]) -> list[str]:
        return [part.encode(errors="replace").decode() for part in parts]

    same = clean(first) == clean(second)
    assert (derived_id(*clean(first)) == derived_id(*clean(second))) is same


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_a_derived_id_is_the_uuid_version_5_of_its_parts(parts: list[str]) -> None:
    clean = [part.encode(errors="replace").decode() for part in parts]
    assert derived_id(*clean) == uuid5(NAMESPACE, msgspec.json.encode(clean).decode())


def test_ids_of_different_things_differ_even_for_equal_parts() -> None:
    assert event_id("a", "b", "c") != derived_id("a", "b", "c")
    assert customer_id("acme", "tel:+81") != customer_id("other", "tel:+81")
    assert isinstance(customer_id("acme", "x"), UUID)
