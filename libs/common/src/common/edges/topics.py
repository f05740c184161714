"""Making the bus look like common.core.topics says, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import BrokerResponseError, KafkaError, TopicAlreadyExistsError, for_code

from common.core.errors import TransientError
from common.core.operations.topic_plan import (
    Actual,
    Difference,
    Kind,
    differences,
    overrides_after,
    wanted_topic,
)
from common.core.topics import ALL_TOPICS
from common.edges.kafka import KafkaAccess, described, started

SHOWN_SECONDS = 30
_OF_THE_TOPIC = 1  # DescribeConfigs: DYNAMIC_TOPIC_CONFIG


@asynccontextmanager
async def administering(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaAdminClient]:
    """Yield a client that asks and tells the brokers. Raises TransientError where they are away."""
    admin = AIOKafkaAdminClient(**kafka.options())
    try:
        await started(admin, kafka)
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise TransientError(_told(error)) from error
    finally:
        await admin.close()


async def apply_topics(kafka: KafkaAccess, prefix: str, replication_factor: int) -> list[str]:
    """Make what is missing, mend settings, and return what was done; see `apply`."""
    async with administering(kafka) as admin:
        found, actual = await compared(admin, prefix, replication_factor)
        return await apply(admin, found, actual, grow=False)


async def compared(
    admin: AIOKafkaAdminClient, prefix: str, replication_factor: int
) -> tuple[list[Difference], dict[str, Actual]]:
    """Return in what the bus is otherwise than it should be, and our topics as they are."""
    wanted = [wanted_topic(topic, prefix, replication_factor) for topic in ALL_TOPICS]
    actual = await topics_now(admin, [one.name for one in wanted])
    return differences(wanted, actual), actual


async def topics_now(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, Actual]:
    """Return those of the named topics that exist."""
    asked = set(names)
    there = {
        found["topic"]: found["partitions"]
        for found in await admin.describe_topics()
        if found["topic"] in asked and not found["error_code"]
    }
    entries = await _settings_of(admin, sorted(there))
    return {
        name: Actual(
            partitions=len(partitions),
            replicas=min(len(partition["replicas"]) for partition in partitions),
            config={entry[0]: entry[1] for entry in entries[name]},
            overrides={entry[0]: entry[1] for entry in entries[name] if entry[3] == _OF_THE_TOPIC},
        )
        for name, partitions in there.items()
    }


async def apply(
    admin: AIOKafkaAdminClient,
    found: Sequence[Difference],
    actual: Mapping[str, Actual],
    *,
    grow: bool,
) -> list[str]:
    """Create what is missing, mend settings and return what was done; deletes and shrinks nothing.

    Partitions are added with `grow` alone: from then on a key may lie in another partition than
    before, and what it wrote before and after may be handled out of order. Raises KafkaError where
    the brokers refuse.
    """
    done: list[str] = []
    for one in found:
        match one.kind:
            case Kind.CREATE:
                done.append(await _create(admin, one))
            case Kind.CONFIGURE:
                done.append(await _configure(admin, one, actual[one.topic]))
            case Kind.GROW if grow:
                await admin.create_partitions({one.topic: NewPartitions(one.wanted.partitions)})
                done.append(f"grew {one.topic} to {one.wanted.partitions} partitions")
            case _:
                done.append(f"left {one.topic}: {one.what}")
    await _shown(admin, [one.topic for one in found if one.kind is Kind.CREATE])
    return done


async def _shown(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Return when the brokers show what they were told to make: the controller answers before that."""
    async with asyncio.timeout(SHOWN_SECONDS):
        while len(await topics_now(admin, names)) < len(names):  # noqa: ASYNC110 - brokers tell nobody
            await asyncio.sleep(0.1)


async def _create(admin: AIOKafkaAdminClient, difference: Difference) -> str:
    wanted = difference.wanted
    topic = NewTopic(
        wanted.name, wanted.partitions, wanted.replicas, topic_configs=dict(wanted.config)
    )
    answer = await admin.create_topics([topic])
    for _, code, *reason in answer.topic_errors:
        if code and code != TopicAlreadyExistsError.errno:  # somebody was faster
            raise for_code(code)(f"{wanted.name}: {' '.join(filter(None, reason))}")
    return f"created {wanted.name} with {wanted.partitions} partitions"


async def _configure(admin: AIOKafkaAdminClient, difference: Difference, actual: Actual) -> str:
    # The brokers replace all of a topic's own settings: those that nobody here wished for stay.
    settings = overrides_after(difference, actual)
    resource = ConfigResource(ConfigResourceType.TOPIC, difference.topic, settings)
    for answer in await admin.alter_configs([resource]):
        for code, reason, *_ in answer.resources:
            if code:
                raise for_code(code)(f"{difference.topic}: {reason}")
    return f"set {difference.topic}: {difference.what}"


async def _settings_of(
    admin: AIOKafkaAdminClient, names: list[str]
) -> dict[str, list[tuple[str, str, bool, int]]]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = {}
    for answer in await admin.describe_configs(asked):
        for code, reason, _, name, entries in answer.resources:
            if code:
                raise for_code(code)(f"{name}: {reason}")
            found[name] = [entry[:4] for entry in entries]
    return found


def _told(error: Exception) -> str:
    # What a broker refuses comes with its reason; see `for_code` above.
    reason = f": {error.args[0]}" if error.args and isinstance(error, BrokerResponseError) else ""
    return f"{described(error)}{reason}"
