"""Whether the clocks of the machines agree: tokens, offers, signatures and ages go by them."""

import asyncio
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from common.core.errors import TransientError
from common.core.operations.findings import Area, Finding, error, fine, warning
from common.core.topics import DEAD_LETTER
from common.edges.clock import Clock
from common.edges.kafka import kafka_access, started
from common.ops.bus import held, read_on, reading_bus
from common.settings import CommonSettings

SOME_APART = timedelta(seconds=2)
MOST_APART = timedelta(seconds=60)
GROUP = "madoguchi-doctor"
COORDINATION = "__consumer_offsets"
JOIN_SECONDS = 15


def skew(whose: str, theirs: datetime, asked_at: datetime, answered_at: datetime) -> Finding:
    """Compare a clock with ours. It was read at some time between asking and answer."""
    half = (answered_at - asked_at) / 2
    apart = abs(theirs.astimezone(UTC) - (asked_at + half))
    what = f"{whose} clock and ours are {apart.total_seconds():.1f} s apart"
    do = "have both follow the same time servers (NTP): tokens, offers and signatures end by the clock"
    if apart - half > MOST_APART:
        return error(Area.CLOCK, what, do)
    if apart - half > SOME_APART:
        return warning(Area.CLOCK, what, do)
    return fine(Area.CLOCK, what)


async def brokers_clock(settings: CommonSettings, clock: Clock, partitions: int) -> Finding:
    """Compare the clock of a broker with ours.

    Kafka tells nobody the time. But a broker notes who joins a group, by its own clock, in a topic
    with so many partitions: we join one, leave it, and read what was noted. The group has no offsets
    and is gone by itself.
    """
    if not partitions:
        return fine(Area.CLOCK, "the brokers' clock could not be read: no group ever joined")
    group = settings.topic_prefix + GROUP
    place = TopicPartition(COORDINATION, java_hash(group) % partitions)
    try:
        async with reading_bus(settings) as consumer:
            begins = {place: (await held(consumer, [place]))[place].end}
            asked_at = clock()
            await _join(settings, group)
            answered_at = clock()
            noted = await _noted(consumer, begins, group)
    except (TransientError, KafkaError, TimeoutError) as fault:
        return fine(Area.CLOCK, f"the brokers' clock could not be read: {fault}")
    if noted is None:
        return fine(Area.CLOCK, f"the brokers' clock could not be read: no word in {COORDINATION}")
    return skew("the brokers'", noted, asked_at, answered_at)


def java_hash(text: str) -> int:
    """Return java.lang.String.hashCode of an ASCII text, made positive as Kafka does it."""
    value = 0
    for letter in text:
        value = (value * 31 + ord(letter)) & 0xFFFFFFFF
    signed = value - 2**32 if value >= 2**31 else value
    return 0 if signed == -(2**31) else abs(signed)


async def _join(settings: CommonSettings, group: str) -> None:
    access = kafka_access(settings)
    member = AIOKafkaConsumer(
        settings.topic_prefix + DEAD_LETTER.name,
        **access.options(),
        group_id=group,
        enable_auto_commit=False,
    )
    try:
        await started(member, access)
        async with asyncio.timeout(JOIN_SECONDS):
            while not member.assignment():
                await member.getmany(timeout_ms=50)
    finally:
        await member.stop()


async def _noted(
    consumer: AIOKafkaConsumer, begins: dict[TopicPartition, int], group: str
) -> datetime | None:
    found: list[datetime] = []

    def look(_: TopicPartition, record: ConsumerRecord) -> bool:
        if group.encode() in (record.key or b"") and record.value:
            found.append(datetime.fromtimestamp(record.timestamp / 1000, UTC))
        return bool(found)

    await read_on(consumer, begins, await held(consumer, begins), look)
    return found[0] if found else None
