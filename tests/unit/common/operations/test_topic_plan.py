"""What is done so that the bus looks as it should, and what is left alone."""

from msgspec.structs import replace

from common.core.operations.topic_plan import (
    Actual,
    Changed,
    Kind,
    differences,
    overrides_after,
    wanted_topic,
)
from common.core.topics import ALL_TOPICS, CUSTOMERS, MESSAGES

WANTED = wanted_topic(MESSAGES, "", 3)
AS_WANTED = Actual(12, 3, {**WANTED.config, "compression.type": "producer"}, WANTED.config)


def test_a_bus_that_is_as_it_should_be_asks_for_nothing() -> None:
    assert differences([WANTED], {WANTED.name: AS_WANTED}) == []


def test_an_empty_bus_lacks_every_topic() -> None:
    found = differences([wanted_topic(topic, "t-", 1) for topic in ALL_TOPICS], {})
    assert {one.kind for one in found} == {Kind.CREATE}
    assert [one.topic for one in found] == [f"t-{topic.name}" for topic in ALL_TOPICS]
    assert found[0].what == "missing: 12 partitions, 1 copy"


def test_a_setting_that_differs_is_mended_and_the_topics_other_settings_stay() -> None:
    own = {"retention.ms": "1000", "cleanup.policy": "delete", "max.message.bytes": "2000000"}
    actual = replace(AS_WANTED, config={**AS_WANTED.config, **own}, overrides=own)
    [found] = differences([WANTED], {WANTED.name: actual})
    assert found.kind is Kind.CONFIGURE
    assert found.settings == {"retention.ms": Changed("1000", "2592000000")}
    assert found.what == "retention.ms 1000 → 2592000000"
    assert overrides_after(found, actual) == {**own, "retention.ms": "2592000000"}


def test_a_setting_that_the_brokers_do_not_have_is_one_to_be_made() -> None:
    wanted = wanted_topic(CUSTOMERS, "", 1)
    [found] = differences([wanted], {wanted.name: Actual(6, 1, {}, {})})
    assert found.settings["max.compaction.lag.ms"].old is None


def test_fewer_partitions_are_a_difference_of_their_own_and_more_are_none() -> None:
    [found] = differences([WANTED], {WANTED.name: replace(AS_WANTED, partitions=6)})
    assert (found.kind, found.what) == (Kind.GROW, "6 partitions, should be 12")
    assert differences([WANTED], {WANTED.name: replace(AS_WANTED, partitions=24)}) == []


def test_fewer_copies_are_noted_because_nobody_here_can_move_them() -> None:
    [found] = differences([WANTED], {WANTED.name: replace(AS_WANTED, replicas=2)})
    assert found.kind is Kind.NOTE
    assert found.what == "2 copies, should be 3: reassign its partitions"


def test_with_three_copies_an_acknowledged_record_is_on_two_brokers_at_least() -> None:
    assert WANTED.config["min.insync.replicas"] == "2"
    assert "min.insync.replicas" not in wanted_topic(MESSAGES, "", 2).config
