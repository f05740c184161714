"""How far a consumer group is behind: from where it is, and from what the bus still holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from msgspec import Struct


class Position(Struct, frozen=True, order=True):
    """Where a group goes on reading. `source` says who told: a schema of Postgres, or `kafka`."""

    group: str
    topic: str
    partition: int
    next_offset: int
    source: str


class Held(Struct, frozen=True):
    """What a partition holds: records from `first` on, up to but without `end`."""

    first: int
    end: int


class PartitionLag(Struct, frozen=True, kw_only=True):
    """One partition as one group sees it.

    `behind` counts offsets, of which compaction and transactions may have taken some. `lost` is
    what retention deleted before the group handled it. `oldest_seconds` is the age of the first
    record that is not handled, None where there is none or it could not be read.
    """

    group: str
    topic: str
    partition: int
    source: str
    next_offset: int
    behind: int
    lost: int
    oldest_seconds: float | None = None


class GroupLag(Struct, frozen=True, kw_only=True):
    """The partitions of a group, or of one topic of a group, together; the oldest one's age."""

    group: str
    topic: str
    source: str
    partitions: int
    behind: int
    lost: int
    oldest_seconds: float | None


def begins_at(position: Position, held: Held) -> int:
    """Return the offset of the first record that the group can still handle."""
    return min(max(position.next_offset, held.first), held.end)


def lag_of(
    position: Position, held: Held, oldest_at: datetime | None, now: datetime
) -> PartitionLag:
    """Return how far a group is behind in one partition. `oldest_at` is its first record's time."""
    age = None if oldest_at is None else max(0.0, (now - oldest_at).total_seconds())
    # A group that never handled anything begins wherever the partition begins: nothing was lost.
    lost = max(0, held.first - position.next_offset) if position.next_offset else 0
    return PartitionLag(
        group=position.group,
        topic=position.topic,
        partition=position.partition,
        source=position.source,
        next_offset=position.next_offset,
        behind=held.end - begins_at(position, held),
        lost=lost,
        oldest_seconds=age,
    )


def preferred(told: Iterable[Position], by_kafka: Iterable[Position]) -> list[Position]:
    """Return the positions that count: those of Postgres; Kafka's where Postgres told of no such group."""
    ours = list(told)
    groups = {position.group for position in ours}
    return sorted([*ours, *(other for other in by_kafka if other.group not in groups)])


def whole(positions: Sequence[Position], partitions: dict[str, int]) -> list[Position]:
    """Return the positions with those of partitions that nobody has begun yet.

    `partitions` is how many each topic has; a topic that is not among them is gone and left out.
    """
    here = [position for position in positions if position.topic in partitions]
    known = {(one.group, one.topic, one.partition) for one in here}
    begun = {(one.group, one.topic): one.source for one in here}
    missing = [
        Position(group, topic, partition, 0, source)
        for (group, topic), source in begun.items()
        for partition in range(partitions[topic])
        if (group, topic, partition) not in known
    ]
    return sorted([*here, *missing])


def by_topic(lags: Iterable[PartitionLag]) -> list[GroupLag]:
    """Return the lag of each group in each of its topics."""
    ordered = sorted(lags, key=lambda one: (one.group, one.topic))
    return [
        _together(group, topic, list(some))
        for (group, topic), some in groupby(ordered, key=lambda one: (one.group, one.topic))
    ]


def by_group(lags: Iterable[PartitionLag]) -> list[GroupLag]:
    """Return the lag of each group in all its topics; `topic` is `*`."""
    ordered = sorted(lags, key=lambda one: one.group)
    return [
        _together(group, "*", list(some))
        for group, some in groupby(ordered, key=lambda one: one.group)
    ]


def beyond(groups: Iterable[GroupLag], most: int | None, oldest: float | None) -> list[str]:
    """Return which groups are further behind than they may be, a line each.

    `most` is a number of records of a whole group, `oldest` an age in seconds.
    """
    lines: list[str] = []
    for one in groups:
        if most is not None and one.behind > most:
            lines.append(f"{one.group}: {one.behind} records behind, {most} may be")
        if oldest is not None and one.oldest_seconds is not None and one.oldest_seconds > oldest:
            lines.append(f"{one.group}: oldest {one.oldest_seconds:.0f} s old, {oldest:g} s may be")
    return lines


def _together(group: str, topic: str, lags: Sequence[PartitionLag]) -> GroupLag:
    ages = [one.oldest_seconds for one in lags if one.oldest_seconds is not None]
    return GroupLag(
        group=group,
        topic=topic,
        source=lags[0].source,
        partitions=len(lags),
        behind=sum(one.behind for one in lags),
        lost=sum(one.lost for one in lags),
        oldest_seconds=max(ages, default=None),
    )
