"""What a letter holds is shown without what a person wrote or who it was, unless that is asked for."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from common.core.adapters import Original
from common.core.cloudevents import Attributes, binary_headers
from common.core.dead_letters import Origin, dead_letter, orphan
from common.core.errors import PoisonError
from common.core.events import Activity
from common.core.ids import event_id
from common.core.operations.letters import Kept, Letter, filed
from common.core.operations.veiling import (
    Content,
    content_of,
    detail_of,
    headers_of,
    reads_today,
    veil,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
CONTACT = "tel:+819012345678"
WRITTEN = "山田です。返品したいのですが"
ATTRIBUTES = Attributes(
    id=event_id("test", "main", "1"),
    source="/test",
    type="io.madoguchi.activity.recorded",
    subject=CONTACT,
    time=NOW,
    tenant="acme",
)
BODY: dict[str, Any] = {
    "kind": "call",
    "contact": CONTACT,
    "occurred_at": "2026-01-15T09:30:00Z",
    "summary": WRITTEN,
    "attributes": {"seconds": 90, "urgent": True, "山田太郎": None, "words": ["はい"]},
}


def letter(value: bytes, detail: str = "") -> Letter:
    origin = Origin("activities.v1", 0, 1, b"acme|tel:", value, binary_headers(ATTRIBUTES))
    record = dead_letter(origin, PoisonError("bad-data", detail), "timeline", NOW)
    [one] = filed([Kept(0, 1, NOW, record.key, record.value, record.headers)])
    return one.letter


def test_json_keeps_its_shape_and_shows_only_what_is_about_nobody() -> None:
    assert content_of(letter(msgspec.json.encode(BODY)), veiled=True) == Content(
        "json",
        {
            "kind": "call",
            "contact": "tel:‹17 characters›",
            "occurred_at": "2026-01-15T09:30:00Z",
            "summary": "‹14 characters›",
            "attributes": {
                "seconds": "‹2 characters›",
                "urgent": True,
                "‹4 characters›": None,
                "words": ["‹2 characters›"],
            },
        },
    )


def test_a_field_of_the_list_is_hidden_where_it_holds_what_it_should_not() -> None:
    assert veil({"kind": WRITTEN, "state": "stored", "size": 3}) == {
        "kind": "‹14 characters›",
        "state": "stored",
        "size": 3,
    }


def test_everything_is_shown_to_whoever_asks_for_it() -> None:
    assert content_of(letter(msgspec.json.encode(BODY)), veiled=False) == Content("json", BODY)


@pytest.mark.parametrize("value", [b"\xff\x00", "{壊れた".encode(), b"[" * 3000])
def test_what_is_no_json_is_so_many_bytes(value: bytes) -> None:
    assert content_of(letter(value), veiled=True) == Content("bytes", f"‹{len(value)} bytes›")
    assert content_of(letter(value), veiled=False).form == "bytes"


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(min_size=1),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_nothing_that_is_no_plain_word_passes_the_veil(value: Any) -> None:
    said = msgspec.json.encode(veil({"text": "秘密の言葉", "more": value})).decode()
    assert "秘密" not in said


def test_headers_show_what_an_event_is_and_not_whom_it_is_about() -> None:
    shown = headers_of(letter(b"{}").headers, veiled=True)
    assert shown["ce_type"] == ATTRIBUTES.type
    assert shown["ce_id"] == str(ATTRIBUTES.id)
    assert shown["ce_subject"] == "tel:‹17 characters›"
    assert shown["ce_partitionkey"] == "acme|tel:‹22 characters›"
    assert headers_of(letter(b"{}").headers, veiled=False)["ce_subject"] == CONTACT


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("Object missing required field `kind`", "Object missing required field `kind`"),
        ("Invalid enum value '山田' - at `$.kind`", "Invalid enum value … - at `$.kind`"),
        ("null value [parameters: ('山田',)]", "null value …"),
        ("duplicate DETAIL:  Key (a)=(山田)", "duplicate …"),
    ],
)
def test_a_reason_is_told_without_the_value_that_was_refused(detail: str, shown: str) -> None:
    assert detail_of(letter(b"{}", detail), veiled=True) == shown
    assert detail_of(letter(b"{}", detail), veiled=False) == detail


def test_it_is_told_whether_todays_code_would_read_it() -> None:
    data = Activity(kind="call", contact=CONTACT, occurred_at=NOW, summary=WRITTEN)
    good = letter(msgspec.json.encode(data))
    assert reads_today(good) == f"{ATTRIBUTES.type}, id {ATTRIBUTES.id}"
    assert reads_today(letter(b"{}")) == "refused: bad-data"
    newer = msgspec.structs.replace(ATTRIBUTES, type="io.madoguchi.tea.drunk")
    tomorrow = msgspec.structs.replace(good, headers=binary_headers(newer))
    assert "a type that this version does not know" in reads_today(tomorrow)


def request(**fields: Any) -> Letter:
    original = Original(
        provider="line", account="main", received_at=NOW, body=WRITTEN.encode(), **fields
    )
    record = orphan(original, "ingest_social")
    [one] = filed([Kept(0, 1, NOW, record.key, record.value, record.headers)])
    return one.letter


def test_a_request_shows_its_account_and_hides_its_body_and_never_shows_credentials() -> None:
    one = request(headers={"authorization": "Bearer abc", "x-line-signature": "sig"})
    content = content_of(one, veiled=True)
    assert content.form == "request"
    assert content.value["provider"] == "line"
    assert content.value["body"] == "‹14 characters›"
    open_one = content_of(one, veiled=False)
    assert open_one.value["body"] == WRITTEN
    assert open_one.value["headers"] == {"x-line-signature": "sig"}
    assert reads_today(one) == "a request that never became an event"


def test_a_request_that_cannot_be_read_is_so_many_bytes() -> None:
    spoilt = msgspec.structs.replace(request(), value=b"\xc1")
    assert content_of(spoilt, veiled=True) == Content("bytes", "‹1 bytes›")


def test_one_character_is_one_character() -> None:
    assert veil("字") == "‹1 character›"
