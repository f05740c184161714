"""Every surface tells its rate, errors and duration, and no label grows with what strangers ask."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.responses import Response, StreamingResponse

from common.edges.measuring import Measured
from common.edges.service import Health, health_routes

TRACE = "0af7651916cd43dd8448eb211c80319c"
STRANGERS = ("/v1/customers/090-1234-5678", "/wp-login.php", "/v1/things/%2e%2e/etc")


def counted(route: str, method: str, status: int) -> float:
    labels = {"route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("madoguchi_http_requests_total", labels) or 0


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    health = Health()
    health.needs("kafka", lambda: "away")
    health.mentions("rules", lambda: None)
    health_routes(app, health)

    @app.get("/v1/things/{thing}")
    async def thing(thing: UUID) -> str:
        return str(thing)

    @app.get("/v1/refused")
    async def refused() -> None:
        raise HTTPException(503)

    @app.get("/v1/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @app.get("/v1/live")
    async def live() -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    transport = httpx.ASGITransport(Measured(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_requests_are_counted_by_route_and_answer(client: httpx.AsyncClient) -> None:
    before = counted("/v1/things/{thing}", "GET", 200)
    await client.get(f"/v1/things/{UUID(int=7)}")
    assert counted("/v1/things/{thing}", "GET", 200) == before + 1
    for path, status in (("/v1/refused", 503), ("/v1/broken", 500), ("/v1/live", 200)):
        before = counted(path, "GET", status)
        await client.get(path)
        assert counted(path, "GET", status) == before + 1


async def test_what_no_route_knows_is_one_label(client: httpx.AsyncClient) -> None:
    for path in STRANGERS:
        await client.get(path)
    await client.request("PROPFIND", f"/v1/things/{UUID(int=7)}")
    shown = {
        value
        for metric in REGISTRY.collect()
        if metric.name.startswith("madoguchi_http")
        for sample in metric.samples
        for name, value in sample.labels.items()
        if name in ("route", "method")
    }
    assert "none" in shown
    assert "other" in shown
    assert not any(word in value for value in shown for word in ("090", "wp-", "etc", "PROPFIND"))
    assert str(UUID(int=7)) not in shown


async def test_looking_at_the_process_is_no_traffic(client: httpx.AsyncClient) -> None:
    before = counted("/metrics", "GET", 200)
    await client.get("/metrics")
    assert counted("/metrics", "GET", 200) == before == 0


async def test_what_is_missing_is_a_metric_too(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    assert 'madoguchi_check_missing{check="kafka"} 1.0' in text
    assert 'madoguchi_check_noted{check="rules"} 0.0' in text


async def test_who_asks_for_open_metrics_hears_examples(client: httpx.AsyncClient) -> None:
    asked = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await client.get(f"/v1/things/{UUID(int=7)}", headers=asked)
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = await client.get("/metrics", headers=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert {"trace_id": TRACE} in exemplars(answer.text)


def exemplars(text: str) -> list[dict[str, str]]:
    families: Any = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # so it is
    samples = [sample for family in families for sample in family.samples]
    return [dict(sample.exemplar.labels) for sample in samples if sample.exemplar]
