"""How far a group is behind, whoever tells where it is."""

from datetime import UTC, datetime, timedelta

from common.core.operations.lag import (
    Held,
    PartitionLag,
    Position,
    begins_at,
    beyond,
    by_group,
    by_topic,
    lag_of,
    preferred,
    whole,
)

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def at(offset: int, partition: int = 0, group: str = "router", source: str = "router") -> Position:
    return Position(group, "messages.v1", partition, offset, source)


def lag(behind: int, age: float | None, group: str = "router", partition: int = 0) -> PartitionLag:
    place = {"group": group, "topic": "messages.v1", "partition": partition, "source": group}
    return PartitionLag(**place, next_offset=0, behind=behind, lost=0, oldest_seconds=age)  # type: ignore[arg-type]  # one dictionary of two types


def test_a_group_is_behind_by_what_it_has_not_handled_and_as_old_as_the_first_of_it() -> None:
    found = lag_of(at(4), Held(0, 10), NOW - timedelta(seconds=90), NOW)
    assert (found.behind, found.oldest_seconds, found.lost) == (6, 90, 0)


def test_who_has_handled_everything_is_not_behind_and_waits_for_nothing() -> None:
    found = lag_of(at(10), Held(3, 10), None, NOW)
    assert (found.behind, found.oldest_seconds, found.lost) == (0, None, 0)


def test_what_retention_took_before_it_was_handled_is_lost_and_no_longer_waits() -> None:
    found = lag_of(at(4), Held(7, 10), NOW, NOW)
    assert (found.behind, found.lost) == (3, 3)


def test_who_begins_where_the_partition_begins_has_lost_nothing() -> None:
    assert lag_of(at(0), Held(7, 10), NOW, NOW).lost == 0


def test_a_record_of_a_clock_that_is_ahead_is_not_younger_than_now() -> None:
    assert lag_of(at(0), Held(0, 1), NOW + timedelta(seconds=5), NOW).oldest_seconds == 0


def test_an_offset_beyond_the_end_as_after_a_topic_was_made_anew_is_the_end() -> None:
    assert begins_at(at(99), Held(0, 10)) == 10


def test_what_postgres_says_counts_and_kafka_speaks_for_groups_that_it_does_not_know() -> None:
    ours, theirs = at(5), at(3, source="kafka")
    crm = at(1, group="crm", source="kafka")
    assert preferred([ours], [theirs, crm]) == [crm, ours]


def test_partitions_that_nobody_has_begun_are_behind_whole() -> None:
    assert whole([at(5, 1)], {"messages.v1": 3}) == [at(0, 0), at(5, 1), at(0, 2)]


def test_a_topic_that_is_gone_is_left_out() -> None:
    assert whole([at(5)], {}) == []


def test_partitions_add_up_to_topics_and_groups_and_the_oldest_age_counts() -> None:
    lags = [lag(2, 5.0), lag(3, 9.0, partition=1), lag(0, None, partition=2), lag(1, None, "crm")]
    [crm, router] = by_group(lags)
    assert (router.topic, router.partitions, router.behind, router.oldest_seconds) == ("*", 3, 5, 9)
    assert crm.oldest_seconds is None
    assert [(one.group, one.topic, one.behind) for one in by_topic(lags)] == [
        ("crm", "messages.v1", 1),
        ("router", "messages.v1", 5),
    ]


def test_a_limit_is_broken_by_more_and_not_by_as_much() -> None:
    groups = by_group([lag(5, 60.0), lag(1, None, "crm")])
    assert beyond(groups, None, None) == []
    assert beyond(groups, 5, 60) == []
    assert beyond(groups, 4, None) == ["router: 5 records behind, 4 may be"]
    assert beyond(groups, None, 59.5) == ["router: oldest 60 s old, 59.5 s may be"]
