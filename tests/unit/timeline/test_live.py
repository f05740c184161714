"""What a line of the log means for whoever follows a customer, and that nothing is told in halves."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st
from tests.unit.timeline.telling import TENANT, after, change, entry, message, status

from common.core.delivery import DeliveryStatus
from common.core.events import MessageKind
from timeline.core.entry import Entry
from timeline.core.live import (
    RECENT,
    CustomerKey,
    Followed,
    Line,
    Place,
    Recent,
    Recents,
    Told,
    hits,
    items_of,
    lines_of_each,
    numbered,
    recent_of,
    told,
)

HANAKO: CustomerKey = (TENANT, UUID(int=1))
TARO: CustomerKey = (TENANT, UUID(int=2))
MINE, HIS = 11, 22  # row ids of a contact of each

WROTE = entry(message(text="電源が入りません。"))
EDIT = entry(change(MessageKind.EDIT, "m1", 1, "電源が入らなくなりました。"), 1)
READ = entry(status(DeliveryStatus.READ, 2), 2)


def recents(*entries: Entry, contact: int = MINE) -> Recents:
    return Recents([one for written in entries if (one := recent_of(contact, written))])


def line(number: int, written: Entry, contact: int = MINE, tenant: str = TENANT) -> Line:
    return Line(
        number=number,
        tenant=tenant,
        contact=contact,
        place=Place(contact, written.occurred_at, written.event_id),
        about=written.about,
    )


def moved(number: int, *, merged: bool = True) -> Line:
    came, went = TARO[1], HANAKO[1]
    return Line(
        number=number, tenant=TENANT, contact=HIS, merged=merged, moved_from=came, moved_to=went
    )


def following(*entries: Entry) -> dict[CustomerKey, Followed]:
    return {
        HANAKO: Followed(frozenset({MINE}), recents(*entries)),
        TARO: Followed(frozenset({HIS}), Recents(())),
    }


def sent(lines: list[Line], *entries: Entry, known: tuple[Entry, ...] = ()) -> list[Told]:
    """Return what a stream of 花子 sends for lines about these entries."""
    followed = following(*known)
    found = hits(lines_of_each(lines, followed)[HANAKO], followed[HANAKO])
    every = (*known, *entries)
    listed = [one for one in every if one.listed]
    before = items_of(listed, [one for one in every if one.event_id not in found.events])
    return told(found, HANAKO[1], items_of(listed, every), before)


def read(one: Told) -> Any:
    return msgspec.json.decode(one.data)


def test_what_a_contact_of_hers_wrote_is_an_entry() -> None:
    (one,) = sent([line(5, WROTE)], WROTE)
    assert (one.number, one.name, read(one)["data"]["text"]) == (5, "entry", "電源が入りません。")


def test_what_is_said_of_a_recent_message_changes_it_and_an_edit_is_an_entry_too() -> None:
    first, second = sent([line(6, EDIT)], EDIT, known=(WROTE,))
    assert (first.name, read(first)["kind"]) == ("entry", "edit")
    assert (second.name, len(read(second)["versions"])) == ("changed", 2)


def test_a_message_and_what_is_said_of_it_at_once_are_one_entry() -> None:
    (one,) = sent([line(5, WROTE), line(6, READ)], WROTE, READ)
    assert (one.name, read(one)["delivery"]["status"]) == ("entry", "read")


def test_what_leaves_the_item_as_it_is_is_not_told() -> None:
    late = entry(status(DeliveryStatus.SENT, 3), 3)
    assert sent([line(7, late)], late, known=(WROTE, READ)) == []


def test_of_a_message_that_is_not_recent_only_the_name_is_told() -> None:
    (one,) = sent([line(7, READ)], READ)
    assert (one.name, read(one)) == ("amended", {"message": str(READ.about)})


@pytest.mark.parametrize(
    ("merged", "name"), [(True, "customer.merged"), (False, "customer.unmerged")]
)
def test_a_move_is_told_to_both_sides(*, merged: bool, name: str) -> None:
    lines = [moved(8, merged=merged)]
    assert {key: len(mine) for key, mine in lines_of_each(lines, following()).items()} == {
        HANAKO: 1,
        TARO: 1,
    }
    (one,) = sent(lines)
    assert one.name == name
    assert read(one) == {"customer": str(HANAKO[1]), "from": str(TARO[1]), "to": str(HANAKO[1])}


def test_a_move_between_others_concerns_nobody() -> None:
    nobody = {("globex", HANAKO[1]): Followed(frozenset(), Recents(()))}
    assert lines_of_each([moved(8)], nobody) == {}


def test_what_another_contact_says_of_her_message_is_hers_too_and_not_his() -> None:
    lines = [line(6, READ, contact=99)]
    assert list(lines_of_each(lines, following(WROTE))) == [HANAKO]
    (one,) = sent(lines, READ, known=(WROTE,))
    assert (one.name, read(one)["delivery"]["status"]) == ("changed", "read")


def test_two_tenants_messages_of_one_name_stay_apart() -> None:
    found = lines_of_each([line(6, EDIT, contact=99, tenant="globex")], following(WROTE))
    assert found.get(HANAKO, []) == []


def test_what_no_message_can_be_said_of_is_not_remembered() -> None:
    assert recent_of(MINE, msgspec.structs.replace(WROTE, message=None)) is None


def test_what_is_said_of_an_edit_concerns_its_message() -> None:
    known = recents(WROTE, EDIT)
    assert EDIT.message
    assert {place.event_id for place in known.concerned(EDIT.message)} == {
        WROTE.event_id,
        EDIT.event_id,
    }


def test_the_newest_are_remembered_and_no_others() -> None:
    written = [entry(message(minutes=n, message_id=f"n{n}"), n) for n in range(RECENT + 2)]
    known = recents(*reversed(written))
    named = [known.concerned(one.event_id) for one in written]
    assert [len(found) for found in named] == [0, 0, *[1] * RECENT]


def test_names_that_others_share_outlive_who_is_forgotten() -> None:
    written = [entry(message(minutes=n, message_id=f"n{n}"), n) for n in range(RECENT)]
    known = recents(WROTE, EDIT, *written[1:])
    assert WROTE.message
    assert [place.event_id for place in known.concerned(WROTE.message)] == [EDIT.event_id]


def test_who_is_heard_of_again_is_remembered_once() -> None:
    known = recents(WROTE)
    known.add(Recent(Place(MINE, after(0), WROTE.event_id), frozenset({WROTE.event_id})))
    assert len(known.concerned(WROTE.event_id)) == 1


@given(st.lists(st.integers(1, 9)).map(sorted))
def test_only_the_last_of_one_number_has_an_id(numbers: list[int]) -> None:
    """Whoever stops after any event and goes on after the last id he saw skips nothing."""
    given_out = numbered([Told(number, "entry", b"{}") for number in numbers])
    last: int | None = None
    for place, (one, number) in enumerate(given_out):
        last = number or last
        left = [other.number for other, _ in given_out[place + 1 :]]
        assert all(other > (last or 0) for other in left)
        assert number in (None, one.number)
