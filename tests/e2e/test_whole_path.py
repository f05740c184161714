"""One customer on three channels becomes one history, and every bad request gets its answer."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from common.core.cloudevents import Record
from common.core.topics import MESSAGES
from common.edges.accounts import load_accounts
from common.edges.clock import system_clock
from common.edges.metrics import LIST
from demo import story
from demo.__main__ import demonstrate
from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.stack import Stack
from pretend.bus import publish
from pretend.readers import ANSWERED, RECEIVED, RESOLVED, ROUTED, TimelineReader
from pretend.webhooks import WebhookRequest, line_text, twilio_sms

APIS = ("router", "timeline")
# A telephone number, an address, a user of LINE, an id.
SOMEBODY = re.compile(r"\d{8}|@|U[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10) as client:
        yield client


def url(stack: Stack, service: str) -> str:
    return f"http://{LOOPBACK}:{stack.ports.services[service]}"


def token(stack: Stack, tenant: str = "acme", *scopes: str) -> dict[str, str]:
    granted = scopes or ("timeline:read", "routing:read")
    jwt = stack.key.token(tenant=tenant, scopes=granted, subject="test", now=system_clock())
    return {"authorization": f"Bearer {jwt}"}


LINE_CONTACT = next(contact for contact in story.CONTACTS if contact.startswith("line:"))


async def timeline(
    stack: Stack, client: httpx.AsyncClient, contact: str = story.CONTACTS[0]
) -> tuple[Any, list[Any]]:
    bearer = token(stack)["authorization"].removeprefix("Bearer ")
    reader = TimelineReader(client, url(stack, "timeline"), bearer)
    while (customer := await reader.customer(contact)) is None:  # noqa: ASYNC110 - it comes over the bus
        await asyncio.sleep(0.1)
    return customer, await reader.entries(customer["id"])


class Line:
    """LINE's and Twilio's accounts of the local stack."""

    def __init__(self) -> None:
        accounts = load_accounts(ROOT / "deploy" / "local" / "accounts.yaml", {})
        self.line = accounts.of_provider("line")[0]
        self.twilio = accounts.of_provider("twilio")[0]


async def post(client: httpx.AsyncClient, base: str, request: WebhookRequest) -> httpx.Response:
    return await client.post(base + request.path, content=request.body, headers=request.headers)


async def say_by_line(stack: Stack, client: httpx.AsyncClient, text: str) -> None:
    """A LINE message of its own event id, acknowledged."""
    moment = system_clock()
    event = f"01SAID{moment:%Y%m%d%H%M%S%f}"
    request = line_text(Line().line, story.LINE_USER, text, event, moment)
    assert (await post(client, url(stack, "ingest_social"), request)).status_code == 200


async def texts_of_line(stack: Stack, client: httpx.AsyncClient) -> list[str]:
    _, entries = await timeline(stack, client, LINE_CONTACT)
    return [entry["data"].get("text") for entry in entries if entry["type"] == RECEIVED]


async def test_mail_sms_line_and_crm_become_one_customer_with_explained_decisions(
    stack: Stack, client: httpx.AsyncClient
) -> None:
    await demonstrate(stack, Report(io.StringIO()))
    customer, entries = await timeline(stack, client)
    assert {contact["contact"] for contact in customer["contacts"]} == set(story.CONTACTS)
    assert customer["name"] == "鈴木 花子"
    messages = [entry for entry in entries if entry["type"] == RECEIVED]
    assert {entry["channel"] for entry in messages} == {"email", "sms", "line"}
    moments = [datetime.fromisoformat(entry["occurred_at"]) for entry in entries]
    assert moments == sorted(moments)
    [mail] = [entry for entry in messages if entry["channel"] == "email"][:1]
    assert mail["data"]["subject"] == story.MAIL_SUBJECT
    assert mail["attachments"][0]["name"] == "ルーターのログ.txt"
    decisions = [entry["data"]["decision"] for entry in entries if entry["type"] == ROUTED]
    assert {decision["message_event"] for decision in decisions} == {m["id"] for m in messages}
    for decision in decisions:
        assert decision["contract"] == "K-2026-0077"
        assert {part["name"] for part in decision["priority_parts"]} >= {"plan", "tier"}
        assert decision["skills"]
    told = {entry["type"] for entry in entries}
    assert {"io.madoguchi.offer.accepted", ANSWERED, RESOLVED} <= told
    case = decisions[0]["case_id"]
    headers = token(stack)
    shown = await client.get(f"{url(stack, 'router')}/v1/cases/{case}/decision", headers=headers)
    assert shown.json()["case_id"] == case
    queues = await client.get(f"{url(stack, 'router')}/v1/queues", headers=headers)
    assert {"queue", "waiting"} <= set(queues.json()[0])


async def test_a_delivery_that_is_repeated_counts_once(
    stack: Stack, client: httpx.AsyncClient
) -> None:
    moment = system_clock()
    request = line_text(
        Line().line, story.LINE_USER, "もう一度", "01REPEATED0000000000000000", moment
    )
    for _ in range(3):
        assert (await post(client, url(stack, "ingest_social"), request)).status_code == 200
    await say_by_line(stack, client, "最後")
    while "最後" not in (texts := await texts_of_line(stack, client)):
        pass
    assert texts.count("もう一度") == 1


async def test_a_wrong_signature_an_unknown_account_and_a_large_body_are_refused(
    stack: Stack, client: httpx.AsyncClient
) -> None:
    request = twilio_sms(Line().twilio, "+819011112222", "偽物", "SM" + "9" * 32)
    forged = WebhookRequest(
        request.path, {**request.headers, "x-twilio-signature": "AAAA"}, request.body
    )
    unknown = WebhookRequest("/v1/webhooks/twilio/none", request.headers, request.body)
    large = WebhookRequest(request.path, request.headers, b"x" * 2_000_001)
    statuses = [
        (await post(client, url(stack, "ingest_sms"), bad)).status_code
        for bad in (forged, unknown, large)
    ]
    assert statuses == [403, 404, 413]
    missing = await client.get(
        f"{url(stack, 'timeline')}/v1/customers",
        params={"contact": "tel:+819011112222"},
        headers=token(stack),
    )
    assert missing.status_code == 404


@pytest.mark.parametrize("service", APIS)
async def test_who_may_not_see_sees_nothing(
    stack: Stack, client: httpx.AsyncClient, service: str
) -> None:
    paths = {"router": "/v1/queues", "timeline": "/v1/customers?contact=tel:%2B819012345678"}
    address = url(stack, service) + paths[service]
    without = await client.get(address)
    forged = await client.get(address, headers={"authorization": "Bearer e30.e30.e30"})
    too_little = await client.get(address, headers=token(stack, "acme", "nothing:read"))
    assert [without.status_code, forged.status_code, too_little.status_code] == [401, 401, 403]


async def test_another_tenant_finds_nobody(stack: Stack, client: httpx.AsyncClient) -> None:
    await say_by_line(stack, client, "誰かいますか")
    customer, _ = await timeline(stack, client, LINE_CONTACT)
    base = url(stack, "timeline")
    stranger = token(stack, "other")
    for path in (f"/v1/customers/{customer['id']}", f"/v1/customers/{customer['id']}/timeline"):
        assert (await client.get(base + path, headers=stranger)).status_code == 404
    query = {"contact": LINE_CONTACT}
    found = await client.get(f"{base}/v1/customers", params=query, headers=stranger)
    assert found.status_code == 404


async def test_poison_on_the_bus_stops_nothing(stack: Stack, client: httpx.AsyncClient) -> None:
    bootstrap = f"{LOOPBACK}:{stack.ports.kafka}"
    await publish(bootstrap, Record(MESSAGES.name, b"acme|x", b"\xff\x00 no event", ()))
    text = f"毒のあと {system_clock():%H%M%S%f}"
    await say_by_line(stack, client, text)
    while text not in await texts_of_line(stack, client):
        pass
    metrics = (await client.get(f"{url(stack, 'router')}/metrics")).text
    assert 'madoguchi_dead_letters_total{reason="bad-envelope",topic="messages.v1"}' in metrics


@pytest.mark.parametrize("service", ["ingest_email", "ingest_sms", "ingest_social", *APIS])
async def test_metrics_are_those_of_the_list_and_name_nobody(
    stack: Stack, client: httpx.AsyncClient, service: str
) -> None:
    base = url(stack, service)
    for path in ("/v1/customers/090-1234-5678", "/wp-login.php"):
        await client.get(base + path)
    templates = {*(await client.get(f"{base}/openapi.json")).json()["paths"], "none"}
    text = (await client.get(f"{base}/metrics")).text
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    ours = [sample for sample in samples if sample.name.startswith("madoguchi_")]
    assert {sample.name for sample in ours} <= LIST.series()
    assert {sample.name.split("_")[0] for sample in samples} == {"madoguchi", "process", "python"}
    for sample in ours:
        if "route" in sample.labels:
            assert sample.labels["route"] in templates
        assert not any(map(SOMEBODY.search, sample.labels.values())), sample


async def test_every_service_says_that_it_is_ready(stack: Stack, client: httpx.AsyncClient) -> None:
    for service in stack.ports.services:
        answer = await client.get(f"{url(stack, service)}/readyz")
        assert answer.json()["missing"] == {}, service


async def test_the_apis_describe_themselves_with_examples(
    stack: Stack, client: httpx.AsyncClient
) -> None:
    for service, paths in {
        "router": {"/v1/queues", "/v1/cases/{case_id}", "/v1/cases/{case_id}/decision"},
        "timeline": {"/v1/customers", "/v1/customers/{customer_id}/timeline"},
        "ingest_sms": {"/v1/webhooks/{provider}/{account}"},
    }.items():
        document = (await client.get(f"{url(stack, service)}/openapi.json")).json()
        assert paths <= set(document["paths"])
