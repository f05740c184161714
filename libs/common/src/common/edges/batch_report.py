"""What is told of a batch once it is committed: how old it was, its spans, and what was slow."""

import asyncio
from datetime import datetime

import structlog
from opentelemetry.trace import SpanKind

from common.edges import metrics
from common.edges.batches import Batch, Received
from common.edges.tracing import Attribute, Step, about_event, tracing

logger = structlog.get_logger()

SLOW_SECONDS = 5.0  # from publication to commit
MOST_LINES = 3  # of a batch; behind an outage every record is slow
REST_SECONDS = 10.0  # from one batch whose slowest are told to the next


class BatchReport:
    """Tells of one consumer's batches. `group` is without prefix."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._silent_until = 0.0

    def committed(self, batch: Batch, began: datetime, ended: datetime) -> None:
        """Tell of a batch that was handled from `began` to `ended`."""
        oldest: dict[str, Received] = {}
        for received in batch.received:
            known = oldest.setdefault(received.topic, received)
            if received.published_at < known.published_at:
                oldest[received.topic] = received
        for topic, received in oldest.items():
            trace = about_event(received.event.attributes).ids().get("trace_id")
            metrics.handled_seconds.labels(self._group, topic).observe(
                _age(received, ended), {"trace_id": trace} if trace else None
            )
        if any(_age(received, ended) > SLOW_SECONDS for received in oldest.values()):
            self._tell_slowest(batch, began, ended)
        self._trace(batch, Step("handle", began, ended))

    def _tell_slowest(self, batch: Batch, began: datetime, ended: datetime) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._silent_until:
            return
        self._silent_until = now + REST_SECONDS
        by_age = sorted(batch.received, key=lambda received: received.published_at)
        for received in by_age[:MOST_LINES]:
            if _age(received, ended) > SLOW_SECONDS:
                logger.warning(
                    "slow message",
                    group=self._group,
                    topic=received.topic,
                    partition=received.partition,
                    offset=received.offset,
                    seconds_on_the_bus=round(_age(received, began), 3),
                    seconds_to_commit=round((ended - began).total_seconds(), 3),
                    **about_event(received.event.attributes).ids(),
                )

    def _trace(self, batch: Batch, step: Step) -> None:
        tracer = tracing()
        if tracer is None:
            return
        for received in batch.received:
            place: dict[str, Attribute] = {
                "messaging.system": "kafka",
                "messaging.destination.name": received.topic,
                "messaging.destination.partition.id": str(received.partition),
                "messaging.kafka.offset": received.offset,
                "messaging.consumer.group.name": self._group,
                "messaging.batch.message_count": batch.size,
                "madoguchi.seconds_on_the_bus": _age(received, step.began),
            }
            refused = batch.refused.get((received.topic, received.partition, received.offset))
            about = about_event(received.event.attributes)
            tracer.happened(about, step, SpanKind.CONSUMER, place, refused)


def _age(received: Received, now: datetime) -> float:
    return max(0.0, (now - received.published_at).total_seconds())
