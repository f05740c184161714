"""The local Kafka and PostgreSQL are real servers, and lose nothing when they crash."""

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from local_stack.kafka import KafkaServer
from local_stack.postgres import PostgresServer
from local_stack.shared_servers import TopicMaker

LETTER = "お世話になっております。窓口の件です。".encode()


async def publish(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value, key=b"acme")


async def read_first(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def create_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def test_what_the_broker_acknowledged_survives_a_crash_and_a_restart(
    own_kafka: KafkaServer,
) -> None:
    await create_topic(own_kafka.bootstrap, "letters")
    await publish(own_kafka.bootstrap, "letters", LETTER)

    own_kafka.kill()
    own_kafka.start()
    await publish(own_kafka.bootstrap, "letters", b"after the crash")
    own_kafka.restart()

    assert await read_first(own_kafka.bootstrap, "letters", 2) == [LETTER, b"after the crash"]


async def test_what_the_database_committed_survives_a_crash_and_a_restart(
    own_postgres: PostgresServer,
) -> None:
    connection = await asyncpg.connect(own_postgres.address.url())
    await connection.execute("CREATE TABLE letters (body text)")
    await connection.execute("INSERT INTO letters VALUES ($1)", LETTER.decode())

    own_postgres.kill()
    own_postgres.start()
    own_postgres.restart()

    connection = await asyncpg.connect(own_postgres.address.url())
    assert await connection.fetchval("SELECT body FROM letters") == LETTER.decode()
    await connection.close()


async def test_a_test_has_a_broker_and_a_topic(kafka_server: str, make_topic: TopicMaker) -> None:
    topic = await make_topic("letters", partitions=3)

    await publish(kafka_server, topic, LETTER)

    assert await read_first(kafka_server, topic, 1) == [LETTER]


async def test_a_test_has_an_empty_database_where_it_is_nobody_special(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)

    role = await connection.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
        " WHERE rolname = current_user"
    )
    await connection.execute("CREATE SCHEMA router")
    await connection.close()

    assert set(role.values()) == {False}
