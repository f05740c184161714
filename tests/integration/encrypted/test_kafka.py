"""Every Kafka client of ours logs in and encrypts, or says which setting keeps it from that."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from msgspec.structs import replace
from pydantic import SecretStr
from tests.integration.encrypted.authority import Authority, Issued
from tests.integration.encrypted.logins import PASSWORD, EncryptedKafka

from common.core.cloudevents import Record
from common.core.errors import TransientError
from common.core.topics import ALL_TOPICS, ROUTING
from common.edges.kafka import KafkaAccess, KafkaRefusedError, started
from common.edges.publisher import Publisher
from common.edges.topics import apply_topics

pytestmark = pytest.mark.xdist_group("encrypted")

LETTER = "お世話になっております。".encode()


@pytest.fixture
def made(access: KafkaAccess, topic_prefix: str) -> Callable[..., Any]:
    """Make the topics of the contract, once a test."""

    async def make(by: KafkaAccess = access) -> None:
        made = await apply_topics(by, topic_prefix, 1)
        assert len(made) == len(ALL_TOPICS)

    return make


async def carried(access: KafkaAccess, topic_prefix: str) -> bytes:
    """Publish a record and return what is read of it."""
    publisher = Publisher(access, 10, topic_prefix)
    await publisher.publish([Record(ROUTING.name, b"acme|x", LETTER, ())])
    await publisher.stop()
    consumer = AIOKafkaConsumer(
        topic_prefix + ROUTING.name, auto_offset_reset="earliest", **access.options()
    )
    try:
        await started(consumer, access)
        value: bytes = (await consumer.getone()).value
    finally:
        await consumer.stop()
    return value


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_topics_records_and_readers_go_by_each_mechanism(
    made: Any, access: KafkaAccess, topic_prefix: str, mechanism: Any
) -> None:
    by = replace(access, mechanism=mechanism)
    await made(by)
    assert await carried(by, topic_prefix) == LETTER


async def test_a_token_of_a_file_is_a_login_too(
    made: Any, access: KafkaAccess, topic_prefix: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(unsecured_token())
    by = replace(access, mechanism="OAUTHBEARER", username="", password_file=token)
    await made(by)
    assert await carried(by, topic_prefix) == LETTER


async def test_a_certificate_is_a_login_too(
    encrypted_kafka: EncryptedKafka,
    made: Any,
    topic_prefix: str,
    authority: Authority,
    client_certificate: Issued,
) -> None:
    by = KafkaAccess(
        encrypted_kafka.certificate,
        tls=True,
        ca_file=authority.certificate,
        certificate_file=client_certificate.certificate,
        key_file=client_certificate.key,
    )
    await made(by)
    assert await carried(by, topic_prefix) == LETTER


async def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(
    access: KafkaAccess, stranger: Authority
) -> None:
    await refused(replace(access, ca_file=stranger.certificate), "MADOGUCHI_KAFKA_CA_FILE")


async def test_a_wrong_password_is_told_by_its_setting_and_not_shown(access: KafkaAccess) -> None:
    wrong = replace(access, password=SecretStr("machigai"), password_file=None)
    told = await refused(wrong, "MADOGUCHI_KAFKA_PASSWORD")
    assert "machigai" not in told


async def test_a_client_without_the_certificate_that_is_asked_for_is_told_so(
    encrypted_kafka: EncryptedKafka, authority: Authority
) -> None:
    without = KafkaAccess(encrypted_kafka.certificate, tls=True, ca_file=authority.certificate)
    await refused(without, "MADOGUCHI_KAFKA_CERTIFICATE_FILE")


async def test_tls_to_a_broker_that_has_none_is_told_by_its_setting(
    access: KafkaAccess, encrypted_kafka: EncryptedKafka
) -> None:
    await refused(replace(access, bootstrap=encrypted_kafka.plain), "MADOGUCHI_KAFKA_TLS")


async def test_a_broker_that_wants_tls_is_told_by_its_setting(access: KafkaAccess) -> None:
    await refused(KafkaAccess(access.bootstrap), "MADOGUCHI_KAFKA_TLS")


async def test_a_new_password_in_the_file_counts_for_the_next_client(
    made: Any, access: KafkaAccess, topic_prefix: str, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("mada-machigai")
    changing = replace(access, password_file=secret)
    before = changing.version()
    await made()
    publisher = Publisher(changing, 10, topic_prefix)
    letter = Record(ROUTING.name, b"acme|x", LETTER, ())
    with pytest.raises(TransientError, match="MADOGUCHI_KAFKA_PASSWORD"):
        await publisher.publish([letter])
    secret.write_text(PASSWORD)
    await publisher.publish([letter])
    await publisher.stop()
    assert changing.version() != before


async def refused(access: KafkaAccess, setting: str) -> str:
    """Assert that no topic is made and no record sent, and return what the log is told."""
    with pytest.raises(KafkaRefusedError, match=setting):
        await started(consumer := AIOKafkaConsumer(**access.options()), access)
    await consumer.stop()
    with pytest.raises(Exception, match=setting):
        await apply_topics(access, "nobody-", 1)
    publisher = Publisher(access, 10)
    with pytest.raises(TransientError, match=setting) as told:
        await publisher.publish([Record(ROUTING.name, b"acme|x", LETTER, ())])
    await publisher.stop()
    return str(told.value)


def unsecured_token() -> str:
    """Return a JWT without a signature, which is what a broker takes that knows no keys."""
    now = int(asyncio.get_running_loop().time())
    claims = {"sub": "madoguchi", "iat": now, "exp": now + 4_000_000_000}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return "".join(base64.urlsafe_b64encode(part).decode().rstrip("=") + "." for part in parts)
