"""Every HTTP surface answers whatever is asked, in time, and as its OpenAPI document says."""

import base64
import hashlib
import hmac
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext, suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
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
from tests.samples.golden import ADAPTERS

from common.edges.clock import system_clock
from local_stack.database import execute
from local_stack.layout import ROOT, SERVICES
from local_stack.parallel import side_by_side
from local_stack.ports import LOOPBACK, free_port
from local_stack.services import ServiceProcess, run_tool
from local_stack.shared_servers import ROLE, SharedPostgres, SharedServers
from local_stack.tokens import SigningKey

SECONDS = 2  # no answer may take longer
EXAMPLES = 12
SECRET = "a-secret-of-these-tests"
LINE_PATH = "/v1/webhooks/line/main"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PROVIDERS = sorted(name for adapters in ADAPTERS.values() for name in adapters if name != "smpp")
ACCOUNTS = "accounts:\n" + "".join(
    f"  - {{tenant: acme, provider: {name}, account: main, secrets: [{SECRET}]}}\n"
    for name in PROVIDERS
)

Surfaces = Mapping[str, str]
Operation = APIOperation[Any, Any, Any, Any]


@pytest.fixture(scope="session")
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
        scopes=["timeline:read", "routing:read"],
        subject="test",
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
        "MADOGUCHI_SMTP_PORT": str(free_port()),
        "TOKEN": token,
    }


@pytest.fixture(scope="session")
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


def document(base_url: str) -> dict[str, Any]:
    """Return a service's OpenAPI document, with names that exist among those to be tried."""
    found: dict[str, Any] = httpx.get(f"{base_url}/openapi.json").json()
    known = {"provider": PROVIDERS, "account": ["main"]}
    for path in found["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if names := known.get(parameter["name"]):
                    parameter["schema"] = {"anyOf": [{"enum": names}, {"type": "string"}]}
    return found


def operations(base_url: str) -> list[Operation]:
    """Return what the document offers; a part of it that is no OpenAPI is an error."""
    found = []
    for result in openapi.from_dict(document(base_url)).get_all_operations():
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
    surfaces: Surfaces, environment: Mapping[str, str], service: str
) -> None:
    bearer = {"authorization": f"Bearer {environment['TOKEN']}"}
    for operation in operations(surfaces[service]):
        holds(operation, surfaces[service], bearer)


@pytest.mark.parametrize("service", ["router", "timeline"])
def test_who_shows_no_token_is_told_so_as_documented(surfaces: Surfaces, service: str) -> None:
    for operation in operations(surfaces[service]):
        holds(operation, surfaces[service], {})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"events": [{}]}',
        b'{"events": [{"type": "message", "message": {"type": "text", "text": "\\ud800\\u0000"}}]}',
        b'{"events": ' + b"[" * 3000 + b"]" * 3000 + b"}",
        '{"events": [{"type": "未知", "timestamp": -1e400}]}'.encode(),
    ],
)
def test_whatever_a_provider_signs_is_acknowledged(surfaces: Surfaces, body: bytes) -> None:
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    headers = {"x-line-signature": base64.b64encode(mac).decode()}
    url = surfaces["ingest_social"] + LINE_PATH
    assert httpx.post(url, content=body, headers=headers, timeout=SECONDS).status_code == 200
