"""Every HTTP surface answers whatever is asked, in time, and as its OpenAPI document says."""

import json
import string
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
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
from tests.contract.conftest import (
    LIMIT_BYTES,
    PROVIDERS,
    SAMPLES_OF,
    SECONDS,
    Known,
    Surfaces,
    webhook_of,
)
from tests.samples.golden import samples
from tests.samples.hostile import SIGNATURES, broken
from tests.samples.signing import SIGNERS, signed

from common.edges.clock import system_clock
from local_stack.layout import SERVICES

EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
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
Operation = APIOperation[Any, Any, Any, Any]
header_values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
hurried = settings(max_examples=EXAMPLES, database=None, deadline=None)


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
        found += [] if _never_ends(result.ok()) else [result.ok()]
    return found


def _never_ends(operation: Operation) -> bool:
    answered = operation.definition.raw["responses"].get("200", {}).get("content", {})
    return list(answered) == ["text/event-stream"]


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
