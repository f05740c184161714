"""The operator's command line beside a real Kafka and a real Postgres."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from common.edges.kafka import KafkaAccess
from common.edges.topics import apply_topics
from common.ops.__main__ import app

Ops = Callable[..., Awaitable[Result]]


@pytest.fixture
def surroundings(kafka_server: str, topic_prefix: str, migrated_url: str) -> dict[str, str]:
    """What the command line is told by its environment."""
    return {
        "MADOGUCHI_KAFKA": kafka_server,
        "MADOGUCHI_TOPIC_PREFIX": topic_prefix,
        "MADOGUCHI_DATABASE": migrated_url,
    }


@pytest.fixture
def quietness() -> Iterator[None]:
    """Give back the logs that the command line keeps off its output."""
    yield
    structlog.reset_defaults()
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)


@pytest.fixture
def ops(surroundings: dict[str, str], quietness: None) -> Ops:
    """Run `python -m common.ops …`, as another process would."""
    del quietness

    async def run(*words: str, **told: str) -> Result:
        runner = CliRunner()
        environment = surroundings | told
        return await asyncio.to_thread(lambda: runner.invoke(app, words, env=environment))

    return run


@pytest.fixture
def ops_json(ops: Ops) -> Callable[..., Awaitable[Any]]:
    """Run it with --json and return what it prints."""

    async def run(*words: str, status: int = 0, **told: str) -> Any:
        result = await ops(*words, "--json", **told)
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
async def whole_bus(kafka_server: str, topic_prefix: str) -> None:
    """Every topic, under this test's prefix."""
    await apply_topics(KafkaAccess(kafka_server), topic_prefix, 1)
