"""A dead letter keeps what was refused as it was, and what people did about it."""

from datetime import UTC, datetime, timedelta

import pytest

from common.core.adapters import Original
from common.core.cloudevents import Record
from common.core.dead_letters import Origin, dead_letter, orphan
from common.core.errors import PoisonError
from common.core.operations.letters import (
    Filed,
    Handling,
    Kept,
    Letter,
    NotReplayableError,
    Selection,
    filed,
    handled,
    replayed,
    with_siblings,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
HEADERS = (("ce_id", b"1"), ("ce_subject", b"tel:+819012345678"))
KEY, VALUE = b"acme|tel:+819012345678", "{壊れた".encode()


def on_bus(record: Record, offset: int, partition: int = 0) -> Kept:
    at = NOW + timedelta(seconds=offset)
    return Kept(partition, offset, at, record.key, record.value, record.headers)


def refused(by: str = "router", place: int = 7, value: bytes = VALUE) -> Record:
    origin = Origin("messages.v1", 3, place, KEY, value, HEADERS)
    return dead_letter(origin, PoisonError("bad-json", "truncated"), by, NOW)


def letter_of(record: Record) -> Letter:
    [one] = filed([on_bus(record, 5)])
    return one.letter


def test_what_was_refused_is_taken_out_of_the_letter_as_it_was() -> None:
    letter = letter_of(refused())
    assert (letter.key, letter.value, letter.headers) == (KEY, VALUE, HEADERS)
    assert (letter.topic, letter.partition, letter.offset) == ("messages.v1", 3, 7)
    assert (letter.name, letter.reason, letter.detail) == ("0-5", "bad-json", "truncated")
    assert letter.refused_by == "router"


def test_a_record_that_was_refused_twice_keeps_the_headers_of_the_first_time_as_its_own() -> None:
    first = refused()
    second = Origin("messages.v1", 3, 9, first.key, first.value, first.headers)
    letter = letter_of(dead_letter(second, PoisonError("bad-data"), "timeline", NOW))
    assert letter.headers == first.headers
    assert (letter.reason, letter.offset, letter.refused_by) == ("bad-data", 9, "timeline")


def test_the_request_of_a_removed_account_is_a_letter_without_a_topic() -> None:
    request = Original(provider="line", account="main", received_at=NOW, body=b"{}")
    letter = letter_of(orphan(request, "ingest_social"))
    assert (letter.topic, letter.partition, letter.reason) == ("", None, "no-account")
    with pytest.raises(NotReplayableError, match="inbox"):
        replayed(letter, "tanaka", NOW)


def test_whatever_else_lies_there_is_a_letter_of_unknown_reason() -> None:
    strange = Record("dead-letter.v1", KEY, VALUE, (("dl_handled", b"eaten"),))
    letter = letter_of(strange)
    assert (letter.reason, letter.headers) == ("unknown", strange.headers)
    spoilt = letter_of(
        Record("dead-letter.v1", KEY, VALUE, (("dl_reason", b"x"), ("dl_offset", b"?")))
    )
    assert (spoilt.reason, spoilt.offset) == ("x", None)


def test_what_is_published_again_is_the_same_and_says_where_it_comes_from() -> None:
    again = replayed(letter_of(refused()), "tanaka", NOW)
    assert (again.topic, again.key, again.value) == ("messages.v1", KEY, VALUE)
    assert again.headers == (
        *HEADERS,
        ("replayed_from", b"dead-letter.v1/0-5"),
        ("replayed_by", b"tanaka"),
        ("replayed_at", b"2026-01-15T09:30:00+00:00"),
    )


def test_what_is_published_a_third_time_says_only_where_it_comes_from_this_time() -> None:
    again = replayed(letter_of(refused()), "tanaka", NOW)
    origin = Origin(again.topic, 3, 11, again.key, again.value, again.headers)
    third = letter_of(dead_letter(origin, PoisonError("bad-json"), "router", NOW))
    assert replayed(third, "sato", NOW).headers[len(HEADERS) :] == (
        ("replayed_from", b"dead-letter.v1/0-5"),
        ("replayed_by", b"sato"),
        ("replayed_at", b"2026-01-15T09:30:00+00:00"),
    )


def test_an_empty_value_is_never_published_again_because_it_would_end_its_key() -> None:
    with pytest.raises(NotReplayableError, match="no value"):
        replayed(letter_of(refused(value=b"")), "tanaka", NOW)


def test_a_mark_closes_its_letter_and_only_that_one() -> None:
    one, other = on_bus(refused(), 1), on_bus(refused(), 2)
    mark = handled(filed([one])[0].letter, Handling.DROPPED, "tanaka", "テスト送信", NOW)
    assert (mark.key, mark.value) == (KEY, b"")
    [closed, still_open] = filed([one, other, on_bus(mark, 3)])
    assert closed.mark is not None
    assert (closed.mark.handling, closed.mark.by, closed.mark.why) == (
        Handling.DROPPED,
        "tanaka",
        "テスト送信",
    )
    assert still_open.mark is None


def test_a_record_with_the_headers_of_a_mark_and_a_value_is_a_letter() -> None:
    forged = Record("dead-letter.v1", KEY, b"{}", (("dl_handled", b"dropped"),))
    assert len(filed([on_bus(forged, 1)])) == 1


def test_letters_of_one_record_belong_together_whoever_refused_it() -> None:
    records = [
        on_bus(refused("router"), 1),
        on_bus(refused("timeline"), 2),
        on_bus(refused("router", place=8), 3),
    ]
    every = filed(records)
    handled_already = filed([*records, on_bus(_dropped(every[1]), 4)])
    assert [[one.name for one in family] for family in with_siblings([every[0].letter], every)] == [
        ["0-1", "0-2"]
    ]
    two = [every[0].letter, every[1].letter]
    assert [[one.name for one in family] for family in with_siblings(two, every)] == [
        ["0-1", "0-2"]
    ]
    assert with_siblings([every[0].letter], handled_already) == [[every[0].letter]]


def _dropped(one: Filed) -> Record:
    return handled(one.letter, Handling.DROPPED, "tanaka", "", NOW)


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(names=("0-5",)), True),
        (Selection(names=("0-6",)), False),
        (Selection(topic="messages.v1", reason="bad-json", refused_by="router"), True),
        (Selection(topic="routing.v1"), False),
        (Selection(reason="bad-data"), False),
        (Selection(refused_by="timeline"), False),
        (Selection(since=NOW, until=NOW + timedelta(minutes=1)), True),
        (Selection(since=NOW + timedelta(seconds=5)), True),
        (Selection(since=NOW + timedelta(seconds=6)), False),
        (Selection(until=NOW + timedelta(seconds=5)), False),
    ],
)
def test_letters_are_selected_by_all_that_was_told(selection: Selection, *, taken: bool) -> None:
    assert selection.takes(letter_of(refused())) is taken
    assert selection.is_everything is (selection == Selection())
