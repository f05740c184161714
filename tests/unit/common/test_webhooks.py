"""Every bad request gets the answer that its sender understands, and leaves nothing behind."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from common.edges.credentials import REFUSALS_IN_DOUBT
from common.edges.outbound import Outbound
from common.edges.service import Health, health_routes
from common.edges.webhooks import WebhookEdge, add_webhook_routes

PATH = "/v1/webhooks/plain/main"
SIGNED = {"x-sign": "trusted"}


def internet(asked: httpx.Request) -> httpx.Response:
    """Answer for a provider's host that has one page to call and nothing else."""
    return httpx.Response(200 if asked.url.path == "/confirm" else 404)


@pytest.fixture
async def client(desk: Any) -> AsyncIterator[httpx.AsyncClient]:
    await desk.drain()
    app = FastAPI()
    edge = WebhookEdge(
        {"plain": desk.adapter},
        desk.accounts,
        desk.intake,
        lambda: desk.original("").received_at,
        Outbound(httpx.MockTransport(internet)),
        limit_bytes=100,
    )
    add_webhook_routes(app, edge)
    health = Health()
    health.mentions("intake", desk.intake.complaint)
    health.mentions("accounts", edge.complaint)
    health.needs("startup", desk.intake.complaint_at_start)
    health_routes(app, health)
    app.state.health = health
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        client.app = app  # type: ignore[attr-defined]
        yield client


async def test_an_authentic_message_is_taken(client: httpx.AsyncClient, desk: Any) -> None:
    answer = await client.post(PATH, content="予約", headers=SIGNED)
    assert (answer.status_code, desk.texts()) == (200, ["予約"])


@pytest.mark.parametrize("headers", [{}, {"x-sign": "guessed"}])
async def test_a_wrong_signature_leaves_nothing(
    client: httpx.AsyncClient, desk: Any, headers: dict[str, str]
) -> None:
    answer = await client.post(PATH, content="予約", headers=headers)
    assert (answer.status_code, desk.texts()) == (403, [])


@pytest.mark.parametrize("path", ["/v1/webhooks/plain/other", "/v1/webhooks/unknown/main"])
async def test_an_unknown_account_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, headers=SIGNED)).status_code == 404


async def test_a_large_body_is_refused_whether_or_not_its_length_is_told(
    client: httpx.AsyncClient, desk: Any
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 10

    assert (await client.post(PATH, content=b"x" * 101, headers=SIGNED)).status_code == 413
    assert (await client.post(PATH, content=chunks(), headers=SIGNED)).status_code == 413
    assert desk.texts() == []


async def test_a_check_of_our_address_is_answered(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH + "?ping")).text == "pong"
    assert (await client.get(PATH)).status_code == 403  # some deliver by GET, but they sign too


async def test_when_nothing_can_be_stored_the_provider_is_told_to_try_again(
    client: httpx.AsyncClient, desk: Any
) -> None:
    desk.publisher.away = desk.inbox.away = True
    assert (await client.post(PATH, content="a", headers=SIGNED)).status_code == 503


async def test_health_says_what_is_missing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).text == "alive"
    assert (await client.get("/readyz")).json() == {"ready": True, "missing": {}, "notes": {}}
    health: Health = client.app.state.health  # type: ignore[attr-defined]
    health.draining = True
    health.needs("kafka", lambda: "away")
    health.dies_of("consumer", lambda: "stuck")
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["missing"] == {"shutdown": "draining", "kafka": "away"}
    assert (await client.get("/livez")).status_code == 503
    assert b"madoguchi_webhook_requests_total" in (await client.get("/metrics")).content


async def test_a_certificate_that_cannot_be_had_now_is_worth_another_try(
    client: httpx.AsyncClient, desk: Any
) -> None:
    headers = SIGNED | {"x-certificate": "https://sns.example/gone.pem"}
    assert (await client.post(PATH, content="予約", headers=headers)).status_code == 503
    assert desk.texts() == []


@pytest.mark.parametrize(("path", "status"), [("confirm", 200), ("refused", 503)])
async def test_what_asks_to_be_confirmed_is_kept_and_then_confirmed(
    client: httpx.AsyncClient, desk: Any, path: str, status: int
) -> None:
    headers = SIGNED | {"x-confirm": f"https://sns.example/{path}"}
    assert (await client.post(PATH, content="確認", headers=headers)).status_code == status
    assert desk.texts() == ["確認"]


async def test_nobody_makes_us_call_anything_without_a_signature(
    client: httpx.AsyncClient,
) -> None:
    headers = {"x-confirm": "https://sns.example/refused"}
    assert (await client.post(PATH, content="x", headers=headers)).status_code == 403


def shown(metrics: str) -> str:
    """Return the sample that says whether the account works."""
    sample = "madoguchi_account_ready{"
    return next(
        line for line in metrics.splitlines() if line.startswith(sample) and "plain" in line
    )


async def test_an_account_whose_provider_is_always_refused_is_in_doubt_until_it_is_not(
    client: httpx.AsyncClient,
) -> None:
    for _ in range(REFUSALS_IN_DOUBT - 1):
        await client.post(PATH, content="x")
    assert (await client.get("/readyz")).json()["notes"] == {}
    assert shown((await client.get("/metrics")).text).endswith(" 1.0")
    await client.post(PATH, content="x")
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["notes"]) == (
        200,
        {"accounts": "refused in a row, none accepted: plain/main (20)"},
    )
    assert shown((await client.get("/metrics")).text).endswith(" 0.0")
    await client.post(PATH, content="x", headers=SIGNED)
    assert (await client.get("/readyz")).json()["notes"] == {}
    assert shown((await client.get("/metrics")).text).endswith(" 1.0")
