"""Offsets in the service's own database, fenced by an epoch per partition.

Whoever is assigned a partition raises its epoch; whoever still believes to own it can then commit
nothing. The offset is stored in the transaction of the effects, so each event counts once.
"""

from collections.abc import Mapping

from aiokafka import TopicPartition
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.errors import TransientError


class FencedError(TransientError):
    """Somebody else was assigned one of these partitions since; nothing was committed."""


class Claim(Struct, frozen=True):
    """The right to handle a partition from `next_offset` on."""

    epoch: int
    next_offset: int


_CLAIM = text(
    """
    INSERT INTO partition_offset AS known (consumer_group, topic, partition, next_offset, epoch)
    SELECT :consumer_group, topic, partition, 0, 1
      FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[])) AS wanted (topic, partition)
     ORDER BY topic, partition
    ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET epoch = known.epoch + 1
    RETURNING topic, partition, next_offset, epoch
    """
)
# The rows are locked from here to the commit, in one order for everybody: a new owner waits, and
# then reads the offset that this transaction leaves.
_ADVANCE = text(
    """
    WITH mine AS (
      SELECT known.ctid, done.next_offset
        FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]),
                    CAST(:next_offsets AS bigint[]), CAST(:epochs AS bigint[]))
             AS done (topic, partition, next_offset, epoch)
        JOIN partition_offset AS known
          ON known.consumer_group = :consumer_group AND known.topic = done.topic
         AND known.partition = done.partition AND known.epoch = done.epoch
         AND known.next_offset <= done.next_offset
       ORDER BY known.topic, known.partition
         FOR UPDATE OF known
    )
    UPDATE partition_offset AS known SET next_offset = mine.next_offset
      FROM mine WHERE known.ctid = mine.ctid
    """
)


async def claim(
    connection: AsyncConnection, group: str, partitions: list[TopicPartition]
) -> dict[TopicPartition, Claim]:
    """Take over partitions and return where to go on reading."""
    result = await connection.execute(
        _CLAIM,
        {
            "consumer_group": group,
            "topics": [partition.topic for partition in partitions],
            "partitions": [partition.partition for partition in partitions],
        },
    )
    return {
        TopicPartition(row.topic, row.partition): Claim(row.epoch, row.next_offset)
        for row in result
    }


async def advance(
    connection: AsyncConnection,
    group: str,
    claims: Mapping[TopicPartition, Claim],
    next_offsets: Mapping[TopicPartition, int],
) -> None:
    """Store how far the caller's transaction gets. Raises FencedError where a claim is lost."""
    partitions = list(next_offsets)
    result = await connection.execute(
        _ADVANCE,
        {
            "consumer_group": group,
            "topics": [partition.topic for partition in partitions],
            "partitions": [partition.partition for partition in partitions],
            "next_offsets": [next_offsets[partition] for partition in partitions],
            "epochs": [claims[partition].epoch for partition in partitions],
        },
    )
    if result.rowcount != len(partitions):
        raise FencedError("a partition has a new owner")
