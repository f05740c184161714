"""What happens to one message is one trace, whichever service does it, and its id is the event's."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

import ingest_social.wiring
import router.wiring
import timeline.wiring
from common.core.ids import event_id
from common.edges.accounts import load_accounts
from common.edges.clock import system_clock
from common.edges.ingest import MIGRATIONS
from common.edges.kafka import KafkaAccess
from common.edges.spans import Tracing
from common.edges.topics import apply_topics
from common.edges.tracing import use_tracing
from common.testing.working import working
from local_stack.layout import ROOT
from pretend.webhooks import line_text

ACCOUNTS = ROOT / "deploy" / "local" / "accounts.yaml"
SAID = "01K6ZKMA9S3T0V4W5X6Y7Z8A9B"
USER = "U4af4980629aa3c1c1b1a7b1f0a1b2c3d"
GROUP = "messaging.consumer.group.name"
TOPIC = "messaging.destination.name"


@pytest.fixture
def spans() -> Iterator[Callable[[], Sequence[ReadableSpan]]]:
    exporter = InMemorySpanExporter()
    use_tracing(Tracing("test", SimpleSpanProcessor(exporter)))
    yield exporter.get_finished_spans
    use_tracing(None)


@pytest.fixture
def settings(
    kafka_server: str, topic_prefix: str, make_database: Callable[[Path, str], str], tmp_path: Path
) -> dict[str, dict[str, Any]]:
    """What each service is told."""
    migrations = {
        ingest_social.wiring.SERVICE: MIGRATIONS,
        router.wiring.SERVICE: router.wiring.MIGRATIONS,
        timeline.wiring.SERVICE: timeline.wiring.MIGRATIONS,
    }
    told: dict[str, Any] = {
        "kafka": kafka_server,
        "topic_prefix": topic_prefix,
        "objects": str(tmp_path / "objects"),
        "accounts": ACCOUNTS,
        "rules": ROOT / "deploy" / "local" / "rules.yaml",
        "publish_timeout_seconds": 20,
    }
    return {
        service: told | {"database": make_database(scripts, service)}
        for service, scripts in migrations.items()
    }


async def test_webhook_router_outbox_and_timeline_are_one_trace(
    settings: dict[str, dict[str, Any]],
    spans: Callable[[], Sequence[ReadableSpan]],
    topic_prefix: str,
) -> None:
    await apply_topics(KafkaAccess(settings["router"]["kafka"]), topic_prefix, 1)
    wirings: tuple[Any, ...] = (ingest_social.wiring, router.wiring, timeline.wiring)
    ingest, *others = (
        wiring.build(wiring.Settings(**settings[wiring.SERVICE])) for wiring in wirings
    )
    async with AsyncExitStack() as running:
        await running.enter_async_context(working([ingest.intake, ingest.closing]))
        while ingest.intake.complaint():  # noqa: ASYNC110 - it looks into the inbox first
            await asyncio.sleep(0.05)
        for service in others:
            await running.enter_async_context(working(service.components))
        await say(ingest.app)
        while not is_whole(spans()):  # noqa: ASYNC110 - it comes over the bus
            await asyncio.sleep(0.05)
    event = event_id("line", f"{line().tenant}/{line().account}", SAID)
    of_event = [span for span in spans() if span.context and span.context.trace_id == event.int]
    assert {span.name for span in of_event} >= {
        "take in",
        "parse",
        "keep the original",
        "publish",
        "handle",
        "publish from the outbox",
    }
    [root] = [span for span in of_event if span.parent is None]
    assert root.name == "take in"
    assert root.context is not None
    assert all(
        span.parent.span_id == root.context.span_id for span in of_event if span.parent is not None
    )
    handled = {at(span) for span in of_event if span.name == "handle"}
    assert handled >= {
        ("router", "messages.v1"),
        ("timeline", "messages.v1"),
        ("timeline", "routing.v1"),
    }
    published = [span for span in of_event if span.name == "publish from the outbox"]
    assert {at(span)[1] for span in published} == {"routing.v1"}
    example = REGISTRY.get_sample_value("madoguchi_handled_seconds_count", HANDLED)
    assert example


HANDLED = {"group": "router", "topic": "messages.v1"}


def line() -> Any:
    return load_accounts(ACCOUNTS, {}).of_provider("line")[0]


async def say(app: Any) -> None:
    request = line_text(line(), USER, "回線が切れます。至急お願いします。", SAID, system_clock())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(request.path, content=request.body, headers=request.headers)
        assert answer.status_code == 200
        shown = await client.get(
            "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"}
        )
    event = event_id("line", f"{line().tenant}/{line().account}", SAID)
    assert f'# {{trace_id="{event.hex}"}}' in shown.text


def at(span: ReadableSpan) -> tuple[str, str]:
    said = span.attributes or {}
    return str(said.get(GROUP, "")), str(said.get(TOPIC, ""))


def is_whole(told: Sequence[ReadableSpan]) -> bool:
    types = [
        (span.attributes or {}).get("madoguchi.type")
        for span in told
        if span.name == "handle" and at(span)[0] == "timeline"
    ]
    return {"io.madoguchi.message.received", "io.madoguchi.case.routed"} <= set(types)
