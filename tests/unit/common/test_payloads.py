"""Reading payloads as other people's programs write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st
from msgspec import Struct

from common.core.payloads import (
    Id,
    UnreadableError,
    flattened,
    form_fields,
    items_at,
    json_value,
    shaped,
    text_at,
)
from common.core.text import clean
from common.core.times import from_iso, from_millis, from_seconds

any_text = st.text(st.characters(codec=None, categories=None))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"text": "\\u8fd4\\u54c1"}', {"text": "返品"}),
        (b'{"a\\u0000": ["x\\u0000y", 1, null]}', {"a": ["xy", 1, None]}),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"a\\ud83d"', "a\ufffd"),
        (b'"\xe3\x81"', "\ufffd"),
        (b"\xef\xbb\xbf{}", {}),
        (b'"a\x00b\nc"', "ab\nc"),
    ],
)
def test_json_is_read_leniently_and_clean(body: bytes, value: object) -> None:
    assert json_value(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'["\\u0000"', b"1" * 5000 + b"\x00"])
def test_what_is_not_json_is_said_to_be_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        json_value(body)


def test_form_fields_keep_order_repeats_and_empty_values() -> None:
    assert form_fields(b"b=2&a=&b=1&c=%E4%BA%88") == (
        ("b", "2"),
        ("a", ""),
        ("b", "1"),
        ("c", "予"),
    )
    assert form_fields("a=1") == (("a", "1"),)


class Shape(Struct):
    id: Id
    count: int = 0


def test_a_value_takes_its_shape_with_numbers_written_as_text() -> None:
    assert shaped({"id": "x", "count": "3", "more": None}, Shape) == Shape("x", 3)


@pytest.mark.parametrize("value", [{}, {"id": ""}, {"id": 1}, {"id": "x", "count": "many"}, None])
def test_a_value_of_another_shape_is_unreadable(value: object) -> None:
    with pytest.raises(UnreadableError):
        shaped(value, Shape)


def test_nested_texts_and_lists_are_found_or_not_there() -> None:
    value = {"a": {"b": "c", "n": 1}, "list": [1]}
    assert text_at(value, "a", "b") == "c"
    assert text_at(value, "a", "n") is text_at(value, "x", "y") is text_at("c", "a") is None
    assert items_at(value, "list") == [1]
    assert items_at(value, "a") == items_at(None, "list") == []


def test_nested_values_become_labels() -> None:
    value = {"a": {"b": True, "c": None, "d": [1.5, "二"]}}
    assert flattened(value) == {"a.b": "true", "a.d.0": "1.5", "a.d.1": "二"}
    assert flattened("x", "name") == {"name": "x"}


def test_labels_are_bounded_in_number_depth_and_length() -> None:
    deep: object = "bottom"
    for _ in range(10):
        deep = {"d": deep}
    labels = flattened({"long": "あ" * 5000, "deep": deep, "many": list(range(1000))})
    assert len(labels) == 64
    assert len(labels["long"]) == 1000
    assert labels["deep.d.d.d"].startswith('{"d"')


@pytest.mark.parametrize("depth", range(880, 1000, 4))
def test_what_is_nested_almost_too_deeply_is_a_label_or_none(depth: int) -> None:
    try:
        value = json_value(b'{"a": ' + b"[" * depth + b"]" * depth + b"}")
    except UnreadableError:
        return
    assert list(flattened(value)) == ["a.0.0.0"]
    with pytest.raises(UnreadableError):
        shaped(value, Shape)


@given(any_text)
def test_a_clean_text_can_be_stored_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned
    assert cleaned.encode().decode() == cleaned


MOMENT = datetime(2026, 1, 15, 9, 30, 0, 123000, tzinfo=UTC)


def test_moments_are_read_as_providers_write_them() -> None:
    assert from_millis(1768469400123) == from_millis("1768469400123") == MOMENT
    assert from_seconds("1768469400") == from_seconds(1768469400) == MOMENT.replace(microsecond=0)
    assert (
        from_iso("2026-01-15T18:30:00.123+09:00") == from_iso("2026-01-15T09:30:00.123Z") == MOMENT
    )
    assert from_iso("2026-01-15 09:30:00.123000999") == MOMENT


@pytest.mark.parametrize("count", [None, "", "soon", 0, -5, 10**30, float("nan"), float("inf")])
def test_what_is_no_moment_is_none(count: float | str | None) -> None:
    assert from_millis(count) is None


@pytest.mark.parametrize("text", [None, "", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert from_iso(text) is None
