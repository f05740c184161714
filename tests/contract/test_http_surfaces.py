"""Every HTTP surface answers whatever is asked, in time, and as its OpenAPI document says."""

import asyncio
import base64
import json
import secrets
import shutil
import string
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.errors import Unsatisfiable
from msgspec.msgpack import encode
from msgspec.structs import replace
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.samples.golden import ADAPTERS, FOLDER, samples
from tests.samples.hostile import SIGNATURES, broken
from tests.samples.signing import PUBLIC_URL, SIGNERS, secret_for, signed

from common.edges.clock import system_clock
from local_stack.database import execute
from local_stack.layout import ROOT, SERVICES
from local_stack.parallel import side_by_side
from local_stack.ports import LOOPBACK, free_port
from local_stack.services import ServiceProcess, run_tool
from local_stack.shared_servers import ROLE, SharedPostgres, SharedServers
from local_stack.tokens import SigningKey
from pretend.readers import ROUTED, TimelineReader
from timeline.core.cursor import NEWEST, write_cursor

SECONDS = 2  # no answer may take longer
EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PROVIDERS = sorted(name for adapters in ADAPTERS.values() for name in adapters if name != "smpp")
SAMPLES_OF = {name: part for part, adapters in ADAPTERS.items() for name in adapters}
SERVICE_OF = {
    name: {"mail-webhooks": "ingest_email", "sms": "ingest_sms", "social": "ingest_social"}[part]
    for name, part in SAMPLES_OF.items()
}
ACCOUNTS = "accounts:\n" + "".join(
    f"  - {{tenant: acme, provider: {name}, account: main, secrets: ['{secret_for(name)}'],"
    f" public_url: {PUBLIC_URL}/{name}/main}}\n"
    for name in PROVIDERS
)
LIMIT_BYTES = 2_000_000
WRONG = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"events": [{}]}',
    b'{"events": [{"type": "message", "message": {"type": "text", "text": "\\ud800\\u0000"}}]}',
    b'{"events": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    '{"events": [{"type": "未知", "timestamp": -1e400}]}'.encode(),
]
header_values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
hurried = settings(max_examples=EXAMPLES, database=None, deadline=None)

CONTACT = "line:main:U0123456789abcdef0123456789abcdef"
CURSORS = [
    write_cursor(NEWEST),
    write_cursor(replace(NEWEST, occurred_at=datetime.min.replace(tzinfo=UTC))),
    base64.urlsafe_b64encode(encode(["0001-01-01T00:00:00+23:59", 0, 0, 0])).decode(),
]

AGENT = "test"

Known = Mapping[str, list[str]]
Surfaces = Mapping[str, str]
Operation = APIOperation[Any, Any, Any, Any]


@pytest.fixture(scope="module")
def environment(
    servers: SharedServers, kafka_server: str, postgres_server: SharedPostgres
) -> Mapping[str, str]:
    folder = servers.scratch()
    key = SigningKey(folder)
    key.ensure()
    (folder / "accounts.yaml").write_text(ACCOUNTS)
    name = f"surfaces_{secrets.token_hex(4)}"  # each worker has its own
    execute(postgres_server.admin, [f"CREATE DATABASE {name} OWNER {ROLE}"])
    token = key.token(
        tenant="acme",
        scopes=["timeline:read", "routing:read", "routing:agent", "routing:supervise"],
        subject=AGENT,
        now=system_clock(),
    )
    return {
        "MADOGUCHI_KAFKA": kafka_server,
        "MADOGUCHI_DATABASE": postgres_server.url(name),
        "MADOGUCHI_TOPIC_PREFIX": f"{name}-",
        "MADOGUCHI_OBJECTS": str(folder / "objects"),
        "MADOGUCHI_JWKS": str(key.jwks),
        "MADOGUCHI_ACCOUNTS": str(folder / "accounts.yaml"),
        "MADOGUCHI_RULES": str(ROOT / "deploy" / "local" / "rules.yaml"),
        "MADOGUCHI_BODY_LIMIT_BYTES": str(LIMIT_BYTES),
        "MADOGUCHI_SMTP_PORT": str(free_port()),
        "TOKEN": token,
    }


@pytest.fixture(scope="module")
def surfaces(servers: SharedServers, environment: Mapping[str, str]) -> Iterator[Surfaces]:
    """Each service's base URL; all of them real processes."""
    run_tool([sys.executable, "-m", "common", "topics", "apply"], environment)
    folder = servers.scratch()
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        services = [ServiceProcess(name, free_port(), environment, folder) for name in SERVICES]
        side_by_side([service.migrate for service in services])
        for service in services:
            running.callback(service.kill)
            service.start()
        for service in services:
            service.wait_until_ready()
        yield {service.name: f"http://{LOOPBACK}:{service.port}" for service in services}


@pytest.fixture(scope="module")
def known(surfaces: Surfaces, environment: Mapping[str, str]) -> Known:
    """Names that exist, by parameter: those of somebody who wrote, so that there is more to read than 404."""
    sample = FOLDER / "social" / "line" / "text.json"
    original = signed("line", sample.read_bytes(), system_clock())
    url = webhook_of(surfaces, "line")
    assert httpx.post(url, content=original.body, headers=original.headers).status_code == 200
    customer, case = asyncio.run(_what_became_of_it(surfaces["timeline"], environment["TOKEN"]))
    return {
        "provider": PROVIDERS,
        "account": ["main"],
        "contact": [CONTACT],
        "customer_id": [customer],
        "case_id": [case],
        "before": CURSORS,
        "agent_id": [AGENT],
        "agent": [AGENT],
        "queue": ["technical"],
        "offer_id": [_offered(surfaces["router"], environment["TOKEN"], case)],
    }


def _offered(router: str, token: str, case: str) -> str:
    """Return the offer of the case to an agent who can do everything."""
    headers = {"authorization": f"Bearer {token}"}
    agent = f"{router}/v1/agents/{AGENT}"
    with httpx.Client(headers=headers, timeout=SECONDS) as client:
        queue = client.get(f"{router}/v1/cases/{case}").json()["queue"]
        skills = dict.fromkeys(("japanese", "english", "network", "billing", "public"), 5)
        profile = {"queues": [queue], "skills": skills}
        assert client.put(agent, json=profile).status_code == 200
        came = client.post(f"{agent}/presence", json={"presence": "online"})
        assert came.status_code == 200
        while not (offers := client.get(f"{agent}/offers").json()["offers"]):
            time.sleep(0.05)
        return str(offers[0]["offer_id"])


async def _what_became_of_it(timeline: str, token: str) -> tuple[str, str]:
    """Return the customer's id and the case's, once the message went through everything."""
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        reader = TimelineReader(client, timeline, token)
        while True:
            customer = await reader.customer(CONTACT)
            entries = await reader.entries(customer["id"]) if customer else []
            for entry in entries:
                if customer and entry["type"] == ROUTED:
                    return customer["id"], entry["data"]["case_id"]
            await asyncio.sleep(0.05)


def document(base_url: str, known: Known) -> dict[str, Any]:
    """Return a service's OpenAPI document, with names that exist among those to be tried."""
    found: dict[str, Any] = httpx.get(f"{base_url}/openapi.json").json()
    for path in found["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if names := known.get(parameter["name"]):
                    parameter["schema"] = {"anyOf": [{"enum": names}, {"type": "string"}]}
    return found


def operations(base_url: str, known: Known) -> list[Operation]:
    """Return what the document offers; a part of it that is no OpenAPI is an error."""
    found = []
    for result in openapi.from_dict(document(base_url, known)).get_all_operations():
        assert isinstance(result, Ok), result
        found.append(result.ok())
    return found


def holds(operation: Operation, base_url: str, headers: dict[str, str]) -> None:
    """Try the operation with fitting and with unfitting requests."""
    for mode in GenerationMode:

        @settings(
            max_examples=EXAMPLES,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def conforms(case: Case[Any]) -> None:
            answer = case.call(base_url=base_url, headers=headers, timeout=SECONDS)
            case.validate_response(answer, checks=CHECKS)

        # A request without parameters cannot be unfitting.
        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
            conforms()


@pytest.mark.parametrize("service", SERVICES)
def test_whatever_is_asked_is_answered_as_documented(
    surfaces: Surfaces, environment: Mapping[str, str], known: Known, service: str
) -> None:
    bearer = {"authorization": f"Bearer {environment['TOKEN']}"}
    for operation in operations(surfaces[service], known):
        holds(operation, surfaces[service], bearer)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One connection for many requests; an answer that takes too long is an error."""
    with httpx.Client(timeout=SECONDS) as opened:
        yield opened


def webhook_of(surfaces: Surfaces, provider: str) -> str:
    """Return the address of a provider's webhook."""
    return f"{surfaces[SERVICE_OF[provider]]}/v1/webhooks/{provider}/main"


def bodies_of(provider: str) -> st.SearchStrategy[bytes]:
    """Return what may stand in a request: nothing sensible, and what almost is."""
    paths = [path for path in samples(SAMPLES_OF[provider]) if path.parent.name == provider]
    fitting = [path.read_bytes() for path in paths]
    values = [json.loads(path.read_bytes()) for path in paths if path.suffix == ".json"]
    almost = [broken([value for value in values if value])] if any(values) else []
    return st.one_of(st.binary(max_size=500), st.sampled_from([*WRONG, *fitting]), *almost)


@pytest.mark.parametrize("service", ["router", "timeline"])
def test_who_shows_no_token_is_told_so_as_documented(
    surfaces: Surfaces, known: Known, service: str
) -> None:
    for operation in operations(surfaces[service], known):
        holds(operation, surfaces[service], {})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_whatever_a_stranger_sends_to_a_webhook_is_refused(
    surfaces: Surfaces, client: httpx.Client, provider: str
) -> None:
    @hurried
    @given(
        body=bodies_of(provider),
        named=st.dictionaries(st.sampled_from(SIGNATURES), header_values),
        query=st.text(string.printable.replace("#", ""), max_size=20),
        method=st.sampled_from(("POST", "GET")),
    )
    def refused(body: bytes, named: dict[str, str], query: str, method: str) -> None:
        url = f"{webhook_of(surfaces, provider)}?{quote(query, safe='=&%+')}"
        answer = client.request(method, url, content=body, headers=named)
        assert answer.status_code in (401, 403), answer.text

    refused()


@pytest.mark.parametrize("provider", sorted(SIGNERS))
def test_whatever_a_provider_signs_is_acknowledged(
    surfaces: Surfaces, client: httpx.Client, provider: str
) -> None:
    @hurried
    @given(body=bodies_of(provider))
    def acknowledged(body: bytes) -> None:
        original = signed(provider, body, system_clock())
        answer = client.post(
            f"{webhook_of(surfaces, provider)}?{original.url.partition('?')[2]}",
            content=original.body,
            headers=original.headers,
        )
        assert answer.status_code in (200, 204), answer.text

    acknowledged()


def test_a_body_over_the_limit_is_refused_before_it_is_read(
    surfaces: Surfaces, client: httpx.Client
) -> None:
    answer = client.post(webhook_of(surfaces, "line"), content=bytes(LIMIT_BYTES + 1))
    assert answer.status_code == 413
