"""Messages on a topic of the benchmark's own, the same for every stage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.texts import text_of
from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import Channel, Conversation, Direction, Message, MessageKind, Party
from common.core.ids import event_id
from common.core.topics import ALL_TOPICS, MESSAGES

CUSTOMERS = 500
PREFIX = "bench-"


def messages(count: int) -> Iterator[Record]:
    """Return inbound SMS of 500 customers, a message every 10 ms."""
    start = datetime.now(UTC) - timedelta(seconds=count / 100)  # noqa: TID251 - a tool's clock
    for number in range(count):
        contact = f"tel:+8170{number % CUSTOMERS:08}"
        moment = start + timedelta(milliseconds=10 * number)
        message = Message(
            message_id=f"SM{number:032}",
            kind=MessageKind.MESSAGE,
            direction=Direction.INBOUND,
            channel=Channel.SMS,
            provider="twilio",
            account="main",
            sender=Party(contact),
            recipients=(Party("tel:+815012345678"),),
            conversation=Conversation(f"tel:+815012345678|{contact}"),
            received_at=moment,
            text=text_of(number),
            language="ja",
            team="SMS窓口",
            raw_ref=f"originals/ingest_sms/2026/11/21/120000.000000-bench-1#{number}+512",
        )
        attributes = Attributes(
            id=event_id("twilio", "acme/main", message.message_id),
            source="/ingest_sms/twilio/main",
            type=event_type(message),
            subject=contact,
            time=moment,
            tenant="acme",
        )
        yield record(MESSAGES.name, attributes, message)


async def make_topics(bootstrap: str, prefix: str) -> None:
    """Create every topic of the bus with a prefix."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(prefix + t.name, t.partitions, 1) for t in ALL_TOPICS])
    await admin.close()


async def send_messages(bootstrap: str, prefix: str, count: int) -> None:
    """Put `count` messages on the prefixed topic."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    for item in messages(count):
        await producer.send(
            prefix + item.topic, item.value, key=item.key, headers=list(item.headers)
        )
    await producer.stop()


async def fill(bootstrap: str, count: int) -> None:
    """Create the prefixed topics and put `count` messages on the first one."""
    await make_topics(bootstrap, PREFIX)
    await send_messages(bootstrap, PREFIX, count)
