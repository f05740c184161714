"""What a topic, such as `routing.v1`, has told from its beginning, each event once."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec import Struct

from common.core.cloudevents import Event, read
from common.core.topics import ROUTING


class Told(Struct, frozen=True):
    """An event: whose it is, when it happened, and what it says (a Struct of common.core).

    It was published after its commit, so at `public_at` everybody could have seen it.
    """

    tenant: str
    event: UUID
    at: datetime
    says: Struct
    public_at: datetime | None = None


class Twisted(Struct, frozen=True):
    """Two different events under one id."""

    first: Told
    second: Told


class Bus(Struct, frozen=True):
    """Every event of a topic, and when each was first published."""

    events: list[Event]
    public_at: dict[UUID, datetime]


async def read_everything(bootstrap: str, prefix: str = "", topic: str = ROUTING.name) -> Bus:
    """Return what is on a topic at the moment of the call."""
    bus = Bus([], {})
    for record in await read_records(bootstrap, prefix + topic):
        event = read(record.headers, record.value)
        bus.events.append(event)
        moment = datetime.fromtimestamp((record.timestamp + 1) / 1000, UTC)
        first = bus.public_at.get(event.attributes.id, moment)
        bus.public_at[event.attributes.id] = min(first, moment)
    return bus


async def read_records(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Return a topic's records, partition by partition in their order, at the moment of the call."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(topic) or await _partitions(consumer, topic)
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[ConsumerRecord] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                found += (await consumer.getmany(partition, timeout_ms=1000)).get(partition, ())
        return found
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    consumer.subscribe([topic])
    await consumer._client.force_metadata_update()  # noqa: SLF001 - the first answer may lack a new topic
    numbers = set(consumer.partitions_for_topic(topic) or ())
    consumer.unsubscribe()
    return numbers


def once_each(
    events: Iterable[Event], public_at: Mapping[UUID, datetime]
) -> tuple[list[Told], list[Twisted]]:
    """Return what was told, repetitions (same id, same content) left out, and ids told two ways.

    A relay that is killed between publishing and noting so publishes again: that is no breach.
    Events of types that this checker does not know are left out.
    """
    known: dict[UUID, tuple[Told, bytes]] = {}
    twisted: list[Twisted] = []
    for event in events:
        if event.data is None:
            continue
        about = event.attributes
        told = Told(about.tenant, about.id, about.time, event.data, public_at.get(about.id))
        first, value = known.setdefault(about.id, (told, event.value))
        if value != event.value:
            twisted.append(Twisted(first, told))
    return [told for told, _ in known.values()], twisted
