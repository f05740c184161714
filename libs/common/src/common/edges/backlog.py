"""How much of its partitions a consumer has not handled yet, and since when the oldest waits."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

from aiokafka import TopicPartition
from prometheus_client import Gauge

from common.edges import metrics
from common.edges.clock import Clock


class Backlog:
    """Shows it in the metrics, for as long as a partition is this consumer's.

    Ages are told when they are asked for: they grow while the consumer is stuck.
    """

    def __init__(self, group: str, prefix: str, clock: Clock) -> None:
        """Show it for a `group` without prefix; `prefix` stands in front of the topics."""
        self._group = group
        self._prefix = prefix
        self._clock = clock
        self._since: dict[TopicPartition, datetime | None] = {}

    def begun(self, oldest: Mapping[TopicPartition, datetime]) -> None:
        """Note that a batch is being handled, and when its oldest records were published."""
        for partition, published_at in oldest.items():
            self._note(partition, published_at)

    def left(self, partition: TopicPartition, records: int) -> None:
        """Note how many records are left. What was just heard of waits since now.

        After a batch its own age stands until the next one is begun: what comes is no older.
        """
        self._labelled(metrics.consumer_lag, partition).set(records)
        if records == 0:
            self._note(partition, None)
        elif self._since.get(partition) is None:
            self._note(partition, self._clock())

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Show nothing more of partitions that somebody else handles now."""
        for partition in partitions:
            if partition in self._since:
                del self._since[partition]
                for gauge in (metrics.consumer_lag, metrics.consumer_oldest_seconds):
                    gauge.remove(*self._labels(partition))

    def keep_only(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget all others."""
        self.forget(self._since.keys() - set(partitions))

    def _note(self, partition: TopicPartition, since: datetime | None) -> None:
        if partition not in self._since:
            age = self._labelled(metrics.consumer_oldest_seconds, partition)
            age.set_function(partial(self._age, partition))
        self._since[partition] = since

    def _age(self, partition: TopicPartition) -> float:
        since = self._since.get(partition)
        return max(0.0, (self._clock() - since).total_seconds()) if since else 0.0

    def _labels(self, partition: TopicPartition) -> tuple[str, str, str]:
        topic = partition.topic.removeprefix(self._prefix)
        return self._group, topic, str(partition.partition)

    def _labelled(self, gauge: Gauge, partition: TopicPartition) -> Gauge:
        return gauge.labels(*self._labels(partition))
