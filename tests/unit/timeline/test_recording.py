"""What of an event becomes an entry."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_TEL,
    START,
    after,
    call,
    change,
    entry,
    event,
    message,
    profile,
    status,
    unknown,
)

from common.core.cases import CaseOpened, CaseResolved
from common.core.delivery import DeliveryStatus
from common.core.errors import PoisonError
from common.core.events import Channel, CustomersMerged, MessageKind
from common.core.ids import derived_id
from common.core.work import AgentChanged, AgentPresenceChanged, Presence
from timeline.core.entry import Position
from timeline.core.recording import entry_of, message_ref, position_of

HERE = Position(0, 0, 0)


def test_a_message_keeps_its_json_as_it_stood_and_when_we_received_it() -> None:
    told = message(minutes=5)
    made = entry(told)
    assert (made.kind, made.channel, made.direction) == ("message", "line", "inbound")
    assert made.contact == HANAKO_LINE
    assert made.occurred_at == after(5)
    assert made.learned_at == after(5) + timedelta(seconds=1)
    assert made.body == told.value
    assert made.listed
    assert made.about is None


def test_an_edit_and_a_status_speak_of_their_message() -> None:
    wrote, edited = entry(message()), entry(change(MessageKind.EDIT, "m1", 1))
    delivered = entry(status(DeliveryStatus.DELIVERED, 1))
    assert wrote.message == edited.about == delivered.about
    assert wrote.message == message_ref(Channel.LINE, "line", "1657000000", "m1")
    assert edited.listed
    assert not delivered.listed


def test_an_edit_without_target_carries_the_id_of_its_message() -> None:
    edited = message(kind=MessageKind.EDIT, message_id="m1")
    assert entry(edited).about == entry(message()).message


def test_an_activity_has_the_kind_and_time_that_its_publisher_gave() -> None:
    made = entry(call(kind="store_visit", minutes=3, channel=None))
    assert (made.kind, made.channel, made.message) == ("store_visit", None, None)
    assert made.occurred_at == after(3)
    assert made.learned_at == START


def test_an_activity_that_calls_itself_a_status_is_still_listed() -> None:
    made = entry(call(kind="status"))
    assert made.listed
    assert made.about is None


def test_cases_are_entries_of_their_contact() -> None:
    case = derived_id("case")
    opened = CaseOpened(
        case_id=case,
        contact=HANAKO_LINE,
        conversation="c",
        channel=Channel.LINE,
        opened_at=START,
        message_event=case,
    )
    resolved = CaseResolved(case_id=case, contact=HANAKO_LINE, resolved_at=START)
    assert entry(event(opened, HANAKO_LINE, START)).kind == "case.opened"
    assert entry(event(opened, HANAKO_LINE, START)).channel == "line"
    assert entry(event(resolved, HANAKO_LINE, START)).kind == "case.resolved"


def test_a_type_newer_than_we_are_is_kept_if_it_is_about_a_contact() -> None:
    made = entry(unknown(HANAKO_TEL, '{"荷物": "紛失"}'.encode()))
    assert made.kind == "parcel.lost"
    assert made.body.decode() == '{"荷物": "紛失"}'
    assert entry_of(unknown("crm-1024", b"{}"), HERE, START, "JP") is None


def test_events_about_customers_are_no_entries() -> None:
    merged = CustomersMerged(
        survivor=derived_id("a"),
        absorbed=derived_id("b"),
        contacts=(HANAKO_TEL,),
        cause=derived_id("c"),
        merged_at=START,
    )
    assert entry_of(event(merged, HANAKO_TEL, START), HERE, START, "JP") is None
    assert entry_of(profile([HANAKO_TEL], ref=HANAKO_TEL), HERE, START, "JP") is None


def test_what_the_company_says_of_itself_is_in_nobodys_history() -> None:
    came = AgentPresenceChanged(
        agent="tanaka", presence=Presence.ONLINE, changed_at=START, agent_version=1
    )
    joined = AgentChanged(agent="tanaka", changed_at=START, agent_version=2)
    for told in (came, joined):
        assert entry_of(event(told, "agent:tanaka", START), HERE, START, "JP") is None


def test_a_contact_that_somebody_wrote_their_own_way_is_the_same_contact() -> None:
    assert entry(call("tel:090-1234-5678")).contact == HANAKO_TEL
    assert entry(call("tel:090-1234-5678")).contact == entry(call("tel:0081 90-1234-5678")).contact


def test_a_message_of_nobody_is_poison() -> None:
    with pytest.raises(PoisonError, match="bad-contact"):
        entry_of(message("somebody"), HERE, START, "JP")


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b'"\\ud800"', b'{"a": "\xff"}', b"[" * 5000 + b"]" * 5000, b"NaN", b"{} {}"],
)
def test_what_is_no_json_is_poison_whoever_sent_it(value: bytes) -> None:
    with pytest.raises(PoisonError, match="bad-json"):
        entry_of(unknown(HANAKO_TEL, value), HERE, START, "JP")


def test_the_character_that_a_database_cannot_hold_is_shown_as_unreadable() -> None:
    made = entry(call(kind="来店\x00", channel="\x00"))
    assert (made.kind, made.channel) == ("来店\ufffd", "\ufffd")
    assert b"\\u0000" in made.body


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (datetime(2026, 3, 2, 10, 0), START),  # noqa: DTZ001 - that is the point
        (datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=9))), START),
    ],
)
def test_times_are_utc_whatever_zone_they_were_written_in(
    written: datetime, meant: datetime
) -> None:
    made = entry(call(occurred_at=written)).occurred_at
    assert made == (meant if written.tzinfo else written.replace(tzinfo=UTC))
    assert made.tzinfo is UTC


@pytest.mark.parametrize("hours", [-9, 0, 9])
def test_the_ends_of_time_do_not_overflow(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    first, last = datetime.min.replace(tzinfo=zone), datetime.max.replace(tzinfo=zone)
    assert entry(call(occurred_at=first)).occurred_at.year == 1
    assert entry(call(occurred_at=last)).occurred_at.year == 9999


def test_of_the_same_instant_a_message_comes_before_what_it_led_to() -> None:
    assert position_of("messages.v1", 5, 900) < position_of("routing.v1", 0, 1)
    assert position_of("messages.v1", 5, 8) < position_of("messages.v1", 5, 9)
    with pytest.raises(LookupError):
        position_of("outbound.v1", 0, 0)
