"""`lag`: how far each consumer group is behind, and since when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from msgspec import Struct

from common.core.errors import TransientError
from common.core.operations.lag import (
    GroupLag,
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
from common.core.topics import ALL_TOPICS
from common.edges.clock import system_clock
from common.edges.kafka import kafka_access
from common.edges.topics import administering
from common.ops.bus import held, read_on, reading_bus
from common.ops.schemas import in_every_schema
from common.ops.terminal import NOT_AS_IT_SHOULD_BE, answered, as_json, as_table, duration, told
from common.settings import CommonSettings

_POSITIONS = (
    "SELECT consumer_group, topic, partition, next_offset FROM {schema}.partition_offset"
    " WHERE starts_with(consumer_group, :prefix)"
)


class Lag(Struct, frozen=True):
    """What `lag --json` prints. Ages in seconds; `notes` say what could not be asked."""

    at: datetime
    within: bool
    beyond: list[str]
    groups: list[GroupLag]
    topics: list[GroupLag]
    partitions: list[PartitionLag]
    notes: list[str]


def lag(
    most: Annotated[
        int | None, typer.Option(help="records that a group may be behind, all partitions together")
    ] = None,
    oldest: Annotated[
        float | None, typer.Option(help="seconds that a record may wait to be handled")
    ] = None,
    group: Annotated[str, typer.Option(help="only this group")] = "",
    *,
    partitions: Annotated[bool, typer.Option(help="a line for each partition")] = False,
    json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Show how many records each group has still to handle, and how old the first of them is.

    Exit status 1 where a group is further behind than --most or --oldest allow.
    """
    found = answered(measured(told(), group, most, oldest))
    if json:
        as_json(found)
    else:
        _print(found, partitions=partitions)
    if not found.within:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


async def measured(
    settings: CommonSettings, group: str = "", most: int | None = None, oldest: float | None = None
) -> Lag:
    """Return the lag of all groups, or of one. Raises TransientError where Kafka is away."""
    notes: list[str] = []
    async with administering(kafka_access(settings)) as admin:
        counts = {
            topic["topic"]: len(topic["partitions"])
            for topic in await admin.describe_topics()
            if not topic["error_code"]
        }
        by_kafka = await _told_to_kafka(admin, settings.topic_prefix)
    known = preferred(await _stored(settings, notes), by_kafka)
    gone = sorted({one.topic for one in known} - counts.keys())
    notes += [f"{topic} does not exist: what groups know of it is left out" for topic in gone]
    asked = [one for one in whole(known, counts) if group in ("", one.group)]
    lags = await _lags(settings, asked)
    groups = by_group(lags)
    too_far = beyond(groups, most, oldest)
    return Lag(system_clock(), not too_far, too_far, groups, by_topic(lags), lags, notes)


async def _lags(settings: CommonSettings, positions: Sequence[Position]) -> list[PartitionLag]:
    async with reading_bus(settings) as consumer:
        holds = await held(consumer, {_place(one) for one in positions})
        times: dict[tuple[TopicPartition, int], datetime] = {}
        # Two groups may stand at two places of one partition: one reading for each place.
        waiting = {
            (_place(one), begins_at(one, holds[_place(one)]))
            for one in positions
            if begins_at(one, holds[_place(one)]) < holds[_place(one)].end
        }
        while waiting:
            begins = dict(sorted(waiting))
            found: dict[TopicPartition, datetime] = {}

            def first(
                part: TopicPartition,
                record: ConsumerRecord,
                found: dict[TopicPartition, datetime] = found,
            ) -> bool:
                found[part] = datetime.fromtimestamp(record.timestamp / 1000, UTC)
                return True

            await read_on(consumer, begins, holds, first)
            times |= {(part, begins[part]): at for part, at in found.items()}
            waiting -= set(begins.items())
    now = system_clock()
    return [
        lag_of(one, hold, times.get((_place(one), begins_at(one, hold))), now)
        for one in positions
        for hold in (holds[_place(one)],)
    ]


async def _stored(settings: CommonSettings, notes: list[str]) -> list[Position]:
    try:
        rows = await in_every_schema(
            settings.database, "partition_offset", _POSITIONS, prefix=settings.topic_prefix
        )
    except TransientError as error:
        notes.append(f"{error}: these are the offsets that Kafka was told, up to a second older")
        return []
    return [
        Position(group, topic, partition, next_offset, schema)
        for schema, (group, topic, partition, next_offset) in rows
    ]


async def _told_to_kafka(admin: AIOKafkaAdminClient, prefix: str) -> list[Position]:
    """Return what the groups committed to Kafka, of topics of ours."""
    ours = {prefix + topic.name for topic in ALL_TOPICS}
    return [
        Position(group, part.topic, part.partition, at.offset, "kafka")
        for group, _ in await admin.list_consumer_groups()
        if group.startswith(prefix)
        for part, at in (await admin.list_consumer_group_offsets(group)).items()
        if part.topic in ours and at.offset >= 0
    ]


def _place(position: Position) -> TopicPartition:
    return TopicPartition(position.topic, position.partition)


def _print(found: Lag, *, partitions: bool) -> None:
    if partitions:
        rows = [
            (one.group, one.topic, str(one.partition), *_figures(one)) for one in found.partitions
        ]
    else:
        rows = [(one.group, one.topic, str(one.partitions), *_figures(one)) for one in found.topics]
    third = "#partition" if partitions else "#partitions"
    as_table(("group", "topic", third, "#behind", "#oldest", "#lost", "told by"), rows)
    for line in (*found.notes, *found.beyond):
        typer.echo(line)


def _figures(one: GroupLag | PartitionLag) -> tuple[str, str, str, str]:
    return str(one.behind), duration(one.oldest_seconds), str(one.lost or "–"), one.source
