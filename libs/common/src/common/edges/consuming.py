"""What the services that consume the bus have in common: all but what they do with an event."""

from fastapi import FastAPI
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.batches import Handler
from common.edges.components import Closing, Component, Components, SideBySide
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.database import create_reader_engine, create_writer_engine
from common.edges.kafka import kafka_access
from common.edges.outbox import OutboxRelay
from common.edges.publisher import Publisher
from common.edges.service import Health
from common.settings import CommonSettings


class ConsumingService(Struct, frozen=True):
    """A service for common.edges.service.run; `components` stop in their order."""

    app: FastAPI
    health: Health
    components: Components


class ConsumingParts(Struct, frozen=True):
    """What such a service is made of.

    Whoever writes to the outbox wakes the relay after its commit; whoever opens an engine of their
    own has `closing` close it.
    """

    health: Health
    writer: AsyncEngine
    reader: AsyncEngine
    consumer: Consumer
    relay: OutboxRelay
    closing: Closing

    def service(self, app: FastAPI, *work: Component) -> ConsumingService:
        """Return the service: once its `work` has stopped, the relay publishes what that committed."""
        components = (SideBySide((*work, self.consumer)), self.relay, self.closing)
        return ConsumingService(app, self.health, components)


def consuming_parts(
    service: str, settings: CommonSettings, topics: tuple[str, ...], handler: Handler
) -> ConsumingParts:
    """Build the consumer of `topics` in the group `service`, over its own schema; nothing is started."""
    writer = create_writer_engine(settings.database, service)
    reader = create_reader_engine(settings.database, service)
    publisher = Publisher(
        kafka_access(settings), settings.publish_timeout_seconds, settings.topic_prefix, service
    )
    relay = OutboxRelay(writer, publisher)
    options = ConsumerOptions(
        kafka=kafka_access(settings),
        group=service,
        topics=topics,
        prefix=settings.topic_prefix,
        batch_max_records=settings.batch_max_records,
        client_id=service,
        session_timeout_seconds=settings.session_timeout_seconds,
    )
    consumer = Consumer(options, writer, handler, after_commit=relay.wake)
    health = Health()
    health.needs("consumer", lambda: consumer.progress.complaint(settings.stuck_after_seconds))
    closing = Closing(publisher.stop, writer.dispose, reader.dispose)
    return ConsumingParts(health, writer, reader, consumer, relay, closing)
