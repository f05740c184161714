"""Other systems of the company, which publish on the bus by themselves."""

from datetime import datetime

from aiokafka import AIOKafkaProducer

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import CustomerChanged, Message
from common.core.ids import derived_id
from common.core.topics import CUSTOMERS, MESSAGES

SENT = "io.madoguchi.message.sent"


def profile_record(tenant: str, profile: CustomerChanged, moment: datetime) -> Record:
    """Return a CRM's profile of a customer as a record of the bus."""
    attributes = Attributes(
        id=derived_id("crm", tenant, profile.customer_ref, profile.changed_at.isoformat()),
        source="/crm",
        type=event_type(profile),
        subject=profile.customer_ref,
        time=moment,
        tenant=tenant,
    )
    return record(CUSTOMERS.name, attributes, profile)


def reply_record(tenant: str, contact: str, message: Message) -> Record:
    """Return what the company wrote to a customer, as the system that sent it tells the bus."""
    attributes = Attributes(
        id=derived_id("sent", tenant, message.provider, message.message_id),
        source="/desk",
        type=SENT,
        subject=contact,
        time=message.received_at,
        tenant=tenant,
    )
    return record(MESSAGES.name, attributes, message)


async def publish(bootstrap: str, record: Record, prefix: str = "") -> None:
    """Publish one record like any other system would: with its own producer."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(
            prefix + record.topic, record.value, key=record.key, headers=list(record.headers)
        )
    finally:
        await producer.stop()
