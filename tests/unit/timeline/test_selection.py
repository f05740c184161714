"""What is asked for, and how a page is cut where not all may be looked at."""

from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    START,
    after,
    call,
    entry,
    event,
    message,
)

from common.core.cases import CaseOpened, CaseReopened
from common.core.events import Channel, Direction
from common.core.ids import derived_id
from common.core.surveys import Question, SurveyAnswered
from timeline.core.activities import ShownActivity, activity_told
from timeline.core.conversations import Talk, conversations_of
from timeline.core.cursor import NEWEST, OLDEST, cursor_before, read_cursor, write_cursor
from timeline.core.entry import Entry
from timeline.core.fold import present
from timeline.core.pages import Found, Looked, found_among, page
from timeline.core.recording import conversation_ref
from timeline.core.selection import STARTS, WHOLE, Order, Selection

CASE = derived_id("case")
MARK = b"12345678"


def entries(count: int) -> list[Entry]:
    """Return so many entries, newest first."""
    return [entry(call(minutes=-number), count - number) for number in range(count)]


def test_the_same_question_has_the_same_mark_however_it_is_put() -> None:
    asked = Selection(channels=("line", "email"), kinds=("message", "call"))
    again = Selection(channels=("email", "line", "line"), kinds=("call", "message"))
    assert asked.mark == again.mark
    assert WHOLE.mark == b""
    assert not WHOLE.chosen


@pytest.mark.parametrize(
    "other",
    [
        Selection(channels=("email",)),
        Selection(kinds=("email",)),
        Selection(direction=Direction.INBOUND),
        Selection(case=CASE),
        Selection(conversation=CASE),
        Selection(since=START),
        Selection(until=START),
        Selection(as_of=START),
        Selection(order=Order.OLDEST),
    ],
)
def test_each_other_question_has_a_mark_of_its_own(other: Selection) -> None:
    assert other.mark not in (b"", Selection(channels=("line",)).mark)
    assert other.chosen is (other.since is None and other.until is None and other.order != "oldest")


def test_a_cursor_is_good_for_its_own_question_only() -> None:
    text = write_cursor(cursor_before(entries(1)[0], MARK))
    assert read_cursor(text, MARK).mark == MARK
    with pytest.raises(ValueError, match="other filters"):
        read_cursor(text)
    assert STARTS == {Order.NEWEST: NEWEST, Order.OLDEST: OLDEST}


def looked(one: Entry, *, fits: bool, last: bool = False) -> Looked:
    return Looked(one, fits, last)


def test_a_page_ends_with_the_first_entry_beyond_which_somebody_may_have_more() -> None:
    newest, middle, oldest = entries(3)
    told = [looked(newest, fits=True), looked(middle, fits=False, last=True)]
    found = found_among([*told, looked(oldest, fits=True)], 2, MARK)
    assert found == Found((newest,), cursor_before(middle, MARK))


def test_a_page_that_is_full_before_that_goes_on_after_its_own_last_entry() -> None:
    newest, middle, oldest = entries(3)
    told = [
        looked(newest, fits=True),
        looked(middle, fits=True),
        looked(oldest, fits=True, last=True),
    ]
    assert found_among(told, 2, MARK) == Found((newest, middle), cursor_before(middle, MARK))
    assert found_among(told, 3, MARK) == Found(
        (newest, middle, oldest), cursor_before(oldest, MARK)
    )
    assert found_among(told[:2], 2, MARK).next is None


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 7), st.integers(1, 9))
def test_pages_of_whatever_may_be_looked_at_are_together_all_that_fits(
    fitting: list[bool], limit: int, each: int
) -> None:
    """A model of the database: it hands over what fits among `each`, and the last of those."""
    all_entries = entries(len(fitting))
    told: list[Entry] = []
    at = 0
    while True:
        part = list(zip(all_entries, fitting, strict=True))[at : at + each]
        rows = [
            looked(one, fits=fits, last=number == each)
            for number, (one, fits) in enumerate(part, 1)
            if fits or number == each
        ]
        found = found_among(rows[: limit + 1], limit, MARK)
        told += found.entries
        if found.next is None:
            break
        at = 1 + next(
            place for place, one in enumerate(all_entries) if cursor_before(one, MARK) == found.next
        )
    assert told == [one for one, fits in zip(all_entries, fitting, strict=True) if fits]


def test_a_page_of_the_oldest_first_stands_in_that_order() -> None:
    found = Found(tuple(reversed(entries(3))), None)
    moments = [item.occurred_at for item in page(found, [], Order.OLDEST).entries]
    assert moments == [after(-2), after(-1), after(0)]


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({}, ShownActivity(summary="")),
        ({"direction": "inbound"}, ShownActivity(summary="", direction=Direction.INBOUND)),
        ({"direction": "sideways", "duration_seconds": "95"}, ShownActivity(summary="")),
        ({"duration_seconds": 95}, ShownActivity(summary="", duration_seconds=95.0)),
        ({"agent": "田中\x00", "place": ""}, ShownActivity(summary="", agent="田中\ufffd")),
        ({"outcome": "あ" * 600}, ShownActivity(summary="", outcome="あ" * 500)),
        ({"case_id": str(CASE), "reference": 7}, ShownActivity(summary="", case=CASE)),
    ],
)
def test_of_an_activity_is_read_what_is_what_its_name_says(
    attributes: dict[str, object], told: ShownActivity
) -> None:
    assert activity_told(attributes) == told


def test_work_names_its_case_and_the_message_that_belongs_to_it() -> None:
    wrote = message()
    opened = CaseOpened(
        case_id=CASE,
        contact=HANAKO_LINE,
        conversation="c",
        channel=Channel.LINE,
        opened_at=START,
        message_event=wrote.attributes.id,
    )
    again = CaseReopened(
        case_id=CASE, contact=HANAKO_LINE, reopened_at=START, message_event=wrote.attributes.id
    )
    for data in (opened, again):
        made = entry(event(data, HANAKO_LINE, START))
        assert (made.case, made.routed, made.conversation) == (CASE, wrote.attributes.id, None)
        [item] = present([made], [])
        assert (item.case, item.activity) == (CASE, None)
    answered = SurveyAnswered(
        answer_event=UUID(int=1),
        contact=HANAKO_LINE,
        question=Question.NPS,
        answered_at=START,
        score=3,
        case_id=CASE,
        channel="kiosk",
    )
    made = entry(event(answered, HANAKO_LINE, START))
    assert (made.kind, made.channel, made.case) == ("survey.answered", "kiosk", CASE)
    assert entry(wrote).conversation == conversation_ref(HANAKO_LINE)


def test_a_list_of_conversations_says_where_the_next_page_begins_or_from_where_on_all_is_here() -> (
    None
):
    told = [
        entry(message(minutes=-number, message_id=f"m{number}", subject="件名"), number)
        for number in range(3)
    ]
    talks = [Talk(UUID(int=number), one, START, 1) for number, one in enumerate(told)]
    items = {item.id: item for item in present(told, [])}
    more = conversations_of(talks, items, 2, MARK, after(-9))
    assert more.next == write_cursor(cursor_before(told[1], MARK))
    assert more.reaches is None
    last = conversations_of(talks, items, 3, MARK, after(-9))
    assert (last.next, last.reaches) == (None, after(-9 + 1 / 60_000_000))
    assert [one.subject for one in last.conversations] == ["件名"] * 3
    unsent = {name: replace(item, data=None) for name, item in items.items()}
    whole = conversations_of(talks, unsent, 3, MARK, None)
    assert (whole.reaches, whole.conversations[0].subject) == (None, None)
