"""Who was erased is known again by a mark, and by nothing else."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from common.core.erasure import CustomerErased, Erased, Marker, Named
from common.core.errors import TransientError

KEY = "0123456789abcdef0123456789abcdef"
NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
HANAKO = "tel:+819012345678"


def erased(moment: datetime = NOON) -> Erased:
    found = Erased(Marker(KEY))
    found.add({found.marker.mark("acme", Named.CONTACT, HANAKO): moment})
    return found


def test_a_key_that_can_be_guessed_is_none() -> None:
    with pytest.raises(ValueError, match="32"):
        Marker("short")


@given(st.text(), st.text())
def test_different_names_have_different_marks(one: str, other: str) -> None:
    marker = Marker(KEY)
    same = marker.mark("acme", Named.CONTACT, one) == marker.mark("acme", Named.CONTACT, other)
    assert same == (one == other)


def test_a_mark_is_of_one_tenant_one_kind_of_name_and_one_key() -> None:
    marks = {
        Marker(key).mark(tenant, named, HANAKO)
        for key in (KEY, KEY[::-1])
        for tenant in ("acme", "globex")
        for named in Named
    }
    assert len(marks) == 2 * 2 * len(Named)


def test_events_carry_marks_in_an_order_that_tells_nothing() -> None:
    marks = Marker(KEY).marks("acme", Named.CONTACT, [HANAKO, "email:hanako@example.jp"])
    assert list(marks) == sorted(marks)
    assert all(len(bytes.fromhex(mark)) == 32 for mark in marks)


def test_only_what_is_not_later_than_the_erasure_is_covered() -> None:
    found = erased()
    assert found.covers("acme", [HANAKO], NOON)
    assert found.covers("acme", ["line:main:U1", HANAKO], NOON + timedelta(1), NOON)
    assert not found.covers("acme", [HANAKO], NOON + timedelta(microseconds=1))
    assert not found.covers("globex", [HANAKO], NOON)
    assert not Erased(Marker(KEY)).covers("acme", [HANAKO], NOON)


def test_who_is_erased_twice_was_erased_the_later_time() -> None:
    found = erased()
    for moment in (NOON + timedelta(1), NOON - timedelta(1)):
        found.add({found.marker.mark("acme", Named.CONTACT, HANAKO): moment})
    assert found.contact("acme", HANAKO) == NOON + timedelta(1)
    assert found.profile("acme", HANAKO) is None
    assert len(found) == 1


def test_an_event_made_with_another_key_is_not_taken_for_ours() -> None:
    event = CustomerErased(erasure=UUID(int=1), erased_at=NOON, key_check=Marker(KEY).check)
    Marker(KEY).require_same(event)
    with pytest.raises(TransientError):
        Marker(KEY[::-1]).require_same(event)
