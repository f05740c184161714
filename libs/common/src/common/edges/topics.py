"""Making the bus look like common.core.topics says, and nothing else."""

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from common.core.topics import ALL_TOPICS, Topic
from common.edges.kafka import KafkaAccess, started


async def apply_topics(kafka: KafkaAccess, prefix: str, replication_factor: int) -> list[str]:
    """Create what is missing, add partitions where there are fewer, and return what was done.

    Nothing is ever deleted or shrunk. Raises KafkaError.
    """
    admin = AIOKafkaAdminClient(**kafka.options())
    await started(admin, kafka)
    try:
        existing = {
            found["topic"]: len(found["partitions"])
            for found in await admin.describe_topics()
            if not found["error_code"]
        }
        done = [
            await _apply(admin, topic, prefix + topic.name, existing, replication_factor)
            for topic in ALL_TOPICS
        ]
    finally:
        await admin.close()
    return [line for line in done if line]


async def _apply(
    admin: AIOKafkaAdminClient,
    topic: Topic,
    name: str,
    existing: dict[str, int],
    replication_factor: int,
) -> str:
    partitions = existing.get(name)
    if partitions is None:
        wanted = NewTopic(name, topic.partitions, replication_factor, topic_configs=topic.config)
        try:
            await admin.create_topics([wanted])
        except TopicAlreadyExistsError:
            return ""
        return f"created {name} with {topic.partitions} partitions"
    if partitions < topic.partitions:
        await admin.create_partitions({name: NewPartitions(topic.partitions)})
        return f"grew {name} from {partitions} to {topic.partitions} partitions"
    return ""
