"""Which queues hear of an event: the one that it names, or the one that its case is in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st

from common.core.cases import CaseReopened, CaseResolved, CaseRouted, Continuity, Decision
from common.core.cloudevents import Attributes, Event, event_type, read, record
from common.core.events import Channel
from common.core.work import (
    AgentPresenceChanged,
    CaseRequeued,
    OfferDeclined,
    OfferMade,
    Presence,
)
from router.core import queue_feed
from router.core.queue_feed import Board, Told, place_text, read_place

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TARO = "line:main:U4af4980629"
CASE = UUID(int=1)


def event(data: msgspec.Struct) -> Event:
    attributes = Attributes(
        id=UUID(int=9),
        source="/router",
        type=event_type(data),
        subject=TARO,
        time=NOW,
        tenant="acme",
    )
    sent = record("routing.v1", attributes, data)
    return read(sent.headers, sent.value)


def routed(queue: str, continuity: Continuity = Continuity.OPENED, case: UUID = CASE) -> Event:
    decision = Decision(
        message_event=UUID(int=5),
        case_id=case,
        continuity=continuity,
        contact=TARO,
        customer=UUID(int=6),
        queue=queue,
        queue_reason="技術の質問",
        plan="standard",
        contract=None,
        priority=0,
        rank=NOW,
        first_response_due=NOW,
        resolution_due=NOW,
        rules_version="0" * 64,
        decided_at=NOW,
    )
    return event(CaseRouted(case_id=case, decision=decision))


def requeued(queue: str, **fields: Any) -> Event:
    return event(
        CaseRequeued(
            case_id=CASE,
            contact=TARO,
            queue=queue,
            requeued_at=NOW,
            reason="請求の話だった",
            case_version=2,
            **fields,
        )
    )


def made() -> Event:
    return event(
        OfferMade(
            offer_id=UUID(int=3),
            case_id=CASE,
            contact=TARO,
            agent="tanaka",
            queue="technical",
            channel=Channel.LINE,
            units=1,
            made_at=NOW,
            expires_at=NOW + timedelta(seconds=30),
            reason="順番",
            case_version=2,
            agent_version=3,
        )
    )


def declined() -> Event:
    return event(
        OfferDeclined(
            offer_id=UUID(int=3),
            case_id=CASE,
            contact=TARO,
            agent="tanaka",
            declined_at=NOW,
            case_version=3,
            agent_version=4,
            reason="別件で電話中",
        )
    )


def resolved() -> Event:
    return event(CaseResolved(case_id=CASE, contact=TARO, resolved_at=NOW))


def heard(board: Board, *events: Event) -> list[tuple[str, str]]:
    return [(one.key[1], one.name) for said in events for one in board.take(said)]


def data(told: list[Told]) -> list[Any]:
    return [msgspec.json.decode(one.data) for one in told]


def test_a_case_enters_where_it_is_routed_and_leaves_when_it_is_resolved() -> None:
    found = heard(Board(), routed("technical"), made(), declined(), resolved())
    assert found == [
        ("technical", "case.entered"),
        ("technical", "offer.made"),
        ("technical", "offer.declined"),
        ("technical", "case.left"),
    ]


def test_who_goes_elsewhere_leaves_the_one_and_enters_the_other() -> None:
    board = Board()
    board.take(routed("technical"))
    left, entered = data(board.take(requeued("billing")))
    assert (left["queue"], left["to"], left["reason"]) == ("technical", "billing", "請求の話だった")
    assert (entered["queue"], entered["before"]) == ("billing", "technical")
    assert heard(board, declined()) == [("billing", "offer.declined")]


def test_an_event_may_say_itself_where_its_case_was() -> None:
    assert heard(Board(), requeued("billing", previous_queue="technical")) == [
        ("technical", "case.left"),
        ("billing", "case.entered"),
    ]


def test_a_case_that_waits_again_where_it_was_enters_again() -> None:
    board = Board()
    board.take(routed("technical"))
    reopened = CaseReopened(case_id=CASE, contact=TARO, reopened_at=NOW, message_event=UUID(int=5))
    assert heard(board, requeued("technical"), resolved(), event(reopened)) == [
        ("technical", "case.entered"),
        ("technical", "case.left"),
        ("technical", "case.entered"),
    ]


def test_another_message_of_a_case_moves_nothing_whether_or_not_its_queue_was_known() -> None:
    joined = routed("technical", Continuity.JOINED)
    assert heard(Board(), joined, joined) == []


def test_what_nobody_knows_the_queue_of_is_asked_and_then_told() -> None:
    board = Board()
    assert not board.knows(declined())
    assert heard(board, declined()) == []
    board.learn({CASE: "technical"})
    assert board.knows(declined())
    assert heard(board, declined()) == [("technical", "offer.declined")]


def test_a_new_case_enters_even_where_its_queue_was_asked_for_before() -> None:
    board = Board()
    board.learn({CASE: "technical"})  # as somebody did who heard of `case.opened`
    assert heard(board, routed("technical")) == [("technical", "case.entered")]


def test_what_is_about_no_case_concerns_no_queue() -> None:
    came = AgentPresenceChanged(
        agent="tanaka", presence=Presence.ONLINE, changed_at=NOW, agent_version=1
    )
    board = Board()
    assert board.knows(event(came))
    assert heard(board, event(came)) == []


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_feed, "MOST_CASES", 1)
    board = Board()
    board.take(routed("technical"))
    board.take(routed("billing", case=UUID(int=2)))
    assert not board.knows(declined())


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_a_place_comes_back_from_its_text(offsets: list[int]) -> None:
    place = dict(enumerate(offsets))
    assert read_place(place_text(place)) == place
