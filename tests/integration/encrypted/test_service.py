"""A whole service where nothing goes unencrypted: its topics, its schema, what it reads and tells."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from tests.integration.encrypted.authority import Authority
from tests.integration.encrypted.logins import PASSWORD, USER

from common.core.cases import CaseRouted
from common.core.cloudevents import Attributes, Record, event_type, read, record
from common.core.events import Channel, Conversation, Direction, Message, MessageKind, Party
from common.core.ids import event_id
from common.core.topics import MESSAGES, ROUTING
from common.edges.kafka import KafkaAccess, started
from common.edges.publisher import Publisher
from local_stack.layout import ROOT
from local_stack.ports import free_port
from local_stack.postgres import PostgresServer
from local_stack.services import ServiceProcess, run_tool

pytestmark = pytest.mark.xdist_group("encrypted")

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
HANAKO = "tel:+819012345678"


@pytest.fixture
def environment(
    access: KafkaAccess,
    encrypted_postgres: PostgresServer,
    authority: Authority,
    topic_prefix: str,
    tmp_path: Path,
) -> Mapping[str, str]:
    address, secret = encrypted_postgres.address, tmp_path / "database-password"
    secret.write_text(PASSWORD)
    trust = f"sslmode=verify-full&sslrootcert={authority.certificate}&password_file={secret}"
    return {
        "MADOGUCHI_KAFKA": access.bootstrap,
        "MADOGUCHI_KAFKA_TLS": "true",
        "MADOGUCHI_KAFKA_CA_FILE": str(access.ca_file),
        "MADOGUCHI_KAFKA_MECHANISM": access.mechanism,
        "MADOGUCHI_KAFKA_USERNAME": access.username,
        "MADOGUCHI_KAFKA_PASSWORD_FILE": str(access.password_file),
        "MADOGUCHI_DATABASE": f"postgresql://{USER}@{address.host}:{address.port}/madoguchi?{trust}",
        "MADOGUCHI_TOPIC_PREFIX": topic_prefix,
        "MADOGUCHI_OBJECTS": str(tmp_path / "objects"),
        "MADOGUCHI_RULES": str(ROOT / "deploy" / "local" / "rules.yaml"),
    }


@pytest.fixture
def router(environment: Mapping[str, str], tmp_path: Path) -> Iterator[ServiceProcess]:
    run_tool([sys.executable, "-m", "common", "topics", "apply"], environment)
    service = ServiceProcess("router", free_port(), environment, tmp_path)
    service.migrate()
    service.start()
    yield service
    service.kill()


async def test_messages_are_decided_where_nothing_goes_unencrypted_also_once_a_secret_is_renewed(
    router: ServiceProcess, access: KafkaAccess, topic_prefix: str
) -> None:
    router.wait_until_ready()
    publisher = Publisher(access, 10, topic_prefix)
    consumer = AIOKafkaConsumer(
        topic_prefix + ROUTING.name, auto_offset_reset="earliest", **access.options()
    )
    try:
        await started(consumer, access)
        await publisher.publish([written("m1")])
        assert await decided(consumer) == event_id("generic", "main", "m1")

        assert access.password_file
        access.password_file.write_text(PASSWORD)  # the router comes anew with what is there now
        while router.daemon.log.read_text().count("partitions claimed") < 2:  # noqa: ASYNC110 - the answer lies in another process
            await asyncio.sleep(0.05)
        await publisher.publish([written("m2")])
        assert await decided(consumer) == event_id("generic", "main", "m2")
    finally:
        await consumer.stop()
        await publisher.stop()


async def decided(consumer: AIOKafkaConsumer) -> UUID:
    """Return the message of the next decision on the bus."""
    while True:
        told = await consumer.getone()
        event = read(told.headers, told.value)
        if isinstance(event.data, CaseRouted):
            return event.data.decision.message_event


def written(name: str) -> Record:
    """Return what a customer wrote, as it lies on the bus."""
    message = Message(
        message_id=name,
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.SMS,
        provider="generic",
        account="main",
        sender=Party(HANAKO, "山田 花子"),
        conversation=Conversation(HANAKO),
        received_at=NOW,
        text="請求書が届きません。",
    )
    attributes = Attributes(
        id=event_id("generic", "main", name),
        source="/test",
        type=event_type(message),
        subject=HANAKO,
        time=NOW,
        tenant="acme",
    )
    return record(MESSAGES.name, attributes, message)
