"""Whether Kafka is there, its topics are as they should be, and enough brokers hold them."""

from collections.abc import Iterable, Iterator
from typing import Any

from common.core.errors import TransientError
from common.core.operations.findings import Area, Finding, error, fine, warning
from common.core.operations.topic_plan import Difference, Kind
from common.core.topics import ALL_TOPICS, DEAD_LETTER
from common.edges.clock import Clock
from common.edges.kafka import kafka_access
from common.edges.topics import administering, compared
from common.ops.doctor.clock import COORDINATION, brokers_clock
from common.settings import CommonSettings

SAFE_BROKERS = 3


async def kafka_findings(settings: CommonSettings, clock: Clock) -> list[Finding]:
    """Look at the brokers and our topics."""
    try:
        async with administering(kafka_access(settings)) as admin:
            brokers = len((await admin.describe_cluster())["brokers"])
            copies = settings.replication_factor
            differences, actual = await compared(admin, settings.topic_prefix, copies)
            described = {one["topic"]: one for one in await admin.describe_topics()}
    except TransientError as fault:
        do = "see that it runs, and what MADOGUCHI_KAFKA and MADOGUCHI_KAFKA_… say"
        return [error(Area.KAFKA, f"cannot be reached: {fault}", do)]
    found = [
        fine(Area.KAFKA, f"reachable: {_brokers(brokers)}"),
        *_of_copies(settings.replication_factor, brokers),
        *_of_topics(differences),
        *_of_partitions(described[name] for name in actual),
    ]
    if settings.topic_prefix + DEAD_LETTER.name in actual:
        partitions = len(described[COORDINATION]["partitions"]) if COORDINATION in described else 0
        found.append(await brokers_clock(settings, clock, partitions))
    return found


def _of_copies(copies: int, brokers: int) -> Iterator[Finding]:
    if copies > brokers:
        what = f"MADOGUCHI_REPLICATION_FACTOR is {copies}, and there are {_brokers(brokers)}"
        yield error(Area.KAFKA, what, "add brokers, or want fewer copies")
    elif copies == 1 and brokers >= SAFE_BROKERS:
        what = f"each topic has one copy only, though there are {_brokers(brokers)}"
        yield warning(
            Area.KAFKA, what, "set MADOGUCHI_REPLICATION_FACTOR to 3 and reassign the topics"
        )


def _of_topics(differences: Iterable[Difference]) -> Iterator[Finding]:
    found = list(differences)
    for one in found:
        make, do = _TO_DO[one.kind]
        yield make(Area.TOPICS, f"{one.topic}: {one.what}", do)
    if not found:
        yield fine(Area.TOPICS, f"all {len(ALL_TOPICS)} topics are as they should be")


_TO_DO = {
    Kind.CREATE: (error, "run `python -m common.ops topics apply`"),
    Kind.CONFIGURE: (warning, "run `python -m common.ops topics apply`"),
    Kind.GROW: (warning, "see docs/operations.md before `topics apply --grow`"),
    Kind.NOTE: (warning, "use Kafka's kafka-reassign-partitions"),
}


def _of_partitions(described: Iterable[dict[str, Any]]) -> Iterator[Finding]:
    for topic in described:
        dead = sorted(one["partition"] for one in topic["partitions"] if one["leader"] < 0)
        thin = sorted(
            one["partition"]
            for one in topic["partitions"]
            if one["leader"] >= 0 and len(one["isr"]) < len(one["replicas"])
        )
        if dead:
            what = f"{topic['topic']}: nobody leads partition {_listed(dead)}"
            yield error(Area.TOPICS, what, "start the brokers that hold them")
        if thin:
            what = f"{topic['topic']}: copies are missing of partition {_listed(thin)}"
            yield warning(Area.TOPICS, what, "see which broker is away or behind")


def _brokers(number: int) -> str:
    return "1 broker" if number == 1 else f"{number} brokers"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
