"""The whole service as a process, between a message centre and the bus: SIGKILL and SIGTERM."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiokafka import AIOKafkaConsumer

from local_stack.ports import free_port

TOPICS = ("messages.v1", "dead-letter.v1", "consents.v1")


@pytest.fixture
async def environment(
    sms_database: str,
    kafka_server: str,
    topic_prefix: str,
    make_topic: Callable[[str], Awaitable[str]],
    centre: Any,
    tmp_path: Path,
) -> Mapping[str, str]:
    for topic in TOPICS:
        await make_topic(topic)
    options = {"host": "127.0.0.1", "port": str(centre.port), "system_id": "madoguchi"}
    account = {"tenant": "acme", "provider": "smpp", "account": "main", "secrets": ["${PASSWORD}"]}
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text(yaml.safe_dump({"accounts": [{**account, "options": options}]}))
    return {
        "PASSWORD": "secret",
        "MADOGUCHI_KAFKA": kafka_server,
        "MADOGUCHI_TOPIC_PREFIX": topic_prefix,
        "MADOGUCHI_DATABASE": sms_database,
        "MADOGUCHI_ACCOUNTS": str(accounts),
        "MADOGUCHI_OBJECTS": str(tmp_path / "objects"),
        "MADOGUCHI_PORT": str(free_port()),
        "MADOGUCHI_PUBLISH_TIMEOUT_SECONDS": "10",
    }


@asynccontextmanager
async def served(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ingest_sms", "serve", env=dict(environment)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def consumer(kafka_server: str, topic_prefix: str, environment: Any) -> AsyncIterator[Any]:
    del environment  # which made the topic
    consumer = AIOKafkaConsumer(
        f"{topic_prefix}messages.v1", bootstrap_servers=kafka_server, auto_offset_reset="earliest"
    )
    await consumer.start()
    yield consumer
    await consumer.stop()


async def test_parts_survive_a_kill_and_a_drain_unbinds(
    environment: Mapping[str, str],
    centre: Any,
    consumer: Any,
    vectors: dict[str, list[bytes]],
    vector_texts: dict[str, str | None],
) -> None:
    name = next(name for name in vectors if "SAR" in name)
    first, second = vectors[name]
    async with served(environment) as process:
        assert await (await centre.session()).deliver(second) == 0
        process.kill()
    async with served(environment) as process:
        session = await centre.session()
        assert await session.deliver(first) == 0
        async with asyncio.timeout(30):
            record = await consumer.getone()
        assert json.loads(record.value)["text"] == vector_texts[name]
        async with httpx.AsyncClient() as client:
            address = f"http://127.0.0.1:{environment['MADOGUCHI_PORT']}"
            ready = (await client.get(f"{address}/readyz")).json()
            metrics = (await client.get(f"{address}/metrics")).text
        assert "smpp" not in ready["notes"]
        assert 'account_ready{account="main",provider="smpp",team=""} 1.0' in metrics
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
        assert session.unbound.is_set()
