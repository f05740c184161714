"""What reads the bus beside the timeline, in a group of its own: search and figures."""

from common.edges.batches import Handler
from common.edges.components import Closing
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.database import create_writer_engine
from common.edges.kafka import kafka_access
from common.edges.service import Health
from timeline.settings import Settings

# Nobody waits for these by the millisecond.
PATIENCE_MS = 250


def own_group(
    settings: Settings,
    health: Health,
    closing: Closing,
    schema: str,
    group: str,
    topics: tuple[str, ...],
    handler: Handler,
) -> Consumer:
    """Return a consumer into `schema`, by an engine of its own. One that falls behind makes nobody unready."""
    engine = create_writer_engine(settings.database, schema, pool_size=2)
    closing.also(engine.dispose)
    options = ConsumerOptions(
        kafka=kafka_access(settings),
        group=group,
        topics=topics,
        prefix=settings.topic_prefix,
        batch_max_records=settings.batch_max_records,
        client_id=group,
        session_timeout_seconds=settings.session_timeout_seconds,
        dead_letters=False,  # the timeline's own group tells of them
        patience_ms=PATIENCE_MS,
    )
    consumer = Consumer(options, engine, handler)
    name = group.rpartition("-")[2]
    health.mentions(name, lambda: consumer.progress.complaint(settings.stuck_after_seconds))
    return consumer
