"""A cursor is opaque: what we wrote comes back, and nothing else is taken for one."""

import base64
from datetime import UTC

import msgspec
import pytest
from hypothesis import given, strategies as st
from tests.unit.timeline.telling import entry, message

from timeline.core.cursor import NEWEST, Cursor, cursor_before, read_cursor, write_cursor

moments = st.datetimes(timezones=st.just(UTC))
small = st.integers(0, 2**15 - 1)


@given(st.builds(Cursor, moments, small, small, st.integers(0, 2**63 - 1)))
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    text = write_cursor(cursor)
    assert read_cursor(text) == cursor
    assert text.isascii()
    assert not set(text) & set("+/=&?#% ")


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_is_no_cursor_is_a_value_error(text: str) -> None:
    try:
        read_cursor(text)
    except ValueError:
        return
    assert isinstance(read_cursor(text), Cursor)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        ["2026-03-02T00:00:00", 0, 0, 0],
        ["0001-01-01T00:00:00+23:59", 0, 0, 0],  # before the first moment that UTC has
        ["2026-03-02T00:00:00Z", -1, 0, 0],
        ["2026-03-02T00:00:00Z", 0, 2**15, 0],
        ["2026-03-02T00:00:00Z", 0, 0, 2**63],
        ["2026-03-02T00:00:00Z", 0, 0, "1; DROP TABLE entry"],
        {"occurred_at": "2026-03-02T00:00:00Z"},
    ],
)
def test_a_cursor_of_somebodys_own_making_is_a_value_error(fields: object) -> None:
    forged = base64.urlsafe_b64encode(msgspec.msgpack.encode(fields)).decode()
    with pytest.raises(ValueError, match="not a cursor"):
        read_cursor(forged)


def test_the_next_page_begins_before_the_oldest_entry_of_this_one() -> None:
    oldest = entry(message(minutes=4), offset=17, partition=3)
    assert cursor_before(oldest) == Cursor(oldest.occurred_at, 0, 3, 17)
    assert msgspec.structs.astuple(cursor_before(oldest)) < msgspec.structs.astuple(NEWEST)
