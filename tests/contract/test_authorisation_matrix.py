"""Scope × operation × tenant, whole: generated from what the services' OpenAPI documents declare.

An operation declares its scopes by the dependency that asks for them, so that this cannot drift:
whatever operation is added is tried here by itself.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from msgspec import Struct
from tests.contract.conftest import AGENT, CONTACT, SECONDS, Known, Surfaces

from common.edges.clock import system_clock
from local_stack.layout import SERVICES
from local_stack.tokens import LIFETIME, SigningKey

METHODS = ("get", "post", "put", "patch", "delete")
OPEN = ("/livez", "/readyz", "/metrics")  # for whoever watches the process
# What lets in whoever shows a signature: a provider's (test_http_surfaces), or ours, in a link.
SIGNED = ("/v1/webhooks/", "/v1/exports/{export_id}/download", "/v1/files/")
STREAM = "text/event-stream"
NOBODY = "nobody"
PLACEHOLDERS = {"uuid": "00000000-0000-0000-0000-000000000001", "date-time": "2026-11-24T00:00:00Z"}

Refused = Callable[[str], str | None]


class Operation(Struct, frozen=True):
    """An operation of a surface. `scopes`: any of them is enough; none: it is open."""

    base_url: str
    method: str
    path: str
    scopes: frozenset[str]
    parameters: tuple[dict[str, Any], ...]
    has_body: bool

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def reads(self) -> bool:
        return self.method == "get"

    def request(self, known: Known) -> tuple[str, dict[str, Any]]:
        """Return the address and the query: of what exists, unless it would be changed."""
        path, query = self.path, dict[str, Any]()
        for parameter in self.parameters:
            value = self._value(parameter, known)
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
            elif parameter["in"] == "query" and parameter.get("required"):
                query[parameter["name"]] = value
        return self.base_url + path, query

    def _value(self, parameter: Mapping[str, Any], known: Known) -> str:
        if self.reads and (names := known.get(parameter["name"])):
            return names[0]
        return PLACEHOLDERS.get(parameter["schema"].get("format", ""), NOBODY)


class Answer(Struct, frozen=True):
    """What came back; the body of a stream is not waited for."""

    status: int
    body: str
    challenge: str


@pytest.fixture(scope="module")
def operations(surfaces: Surfaces) -> list[Operation]:
    """All operations of all services."""
    found = []
    for base_url in surfaces.values():
        document = httpx.get(f"{base_url}/openapi.json").json()
        for path, methods in document["paths"].items():
            found += [
                Operation(
                    base_url,
                    method,
                    path,
                    frozenset(s for each in said.get("security", ()) for s in each["bearer"]),
                    tuple(said.get("parameters", ())),
                    "requestBody" in said,
                )
                for method, said in methods.items()
                if method in METHODS
            ]
    return found


@pytest.fixture(scope="module")
def guarded(operations: list[Operation]) -> list[Operation]:
    """Those that want a token."""
    return [one for one in operations if one.scopes]


@pytest.fixture(scope="module")
def scopes(guarded: list[Operation]) -> frozenset[str]:
    """Every scope that any operation wants."""
    return frozenset(scope for one in guarded for scope in one.scopes)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=SECONDS) as opened:
        yield opened


@pytest.fixture(scope="module")
def ask(client: httpx.Client, known: Known) -> Callable[[Operation, str | None], Answer]:
    """Send an operation's request with a token, or without one."""

    def ask(one: Operation, token: str | None) -> Answer:
        url, query = one.request(known)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body: dict[str, Any] | None = {} if one.has_body else None
        with client.stream(one.method, url, params=query, headers=headers, json=body) as answer:
            endless = answer.headers.get("content-type", "").startswith(STREAM)
            text = "" if endless else answer.read().decode()
            challenge = answer.headers.get("www-authenticate", "")
            return Answer(answer.status_code, text, challenge)

    return ask


@pytest.fixture(scope="module")
def token(signing_key: SigningKey) -> Callable[..., str]:
    def token(
        *scopes: str, tenant: str = "acme", subject: str = AGENT, age: timedelta = timedelta()
    ) -> str:
        now = system_clock() - age
        return signing_key.token(tenant=tenant, scopes=scopes, subject=subject, now=now)

    return token


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory, signing_key: SigningKey) -> str:
    """A token with every scope and our own key's name, signed by somebody else."""
    folder = Path(tmp_path_factory.mktemp("forger"))
    SigningKey(folder).ensure()
    private = folder / "secrets" / "signing-key.json"
    stolen = json.loads(private.read_text()) | {"kid": signing_key.ensure().kid}
    private.write_text(json.dumps(stolen))
    every = ("timeline:read", "routing:read", "routing:agent", "routing:supervise")
    return SigningKey(folder).token(tenant="acme", scopes=every, subject=AGENT, now=system_clock())


def test_what_is_open_is_only_what_is_meant_to_be(
    operations: list[Operation], surfaces: Surfaces
) -> None:
    assert set(surfaces) == set(SERVICES)
    without = {one.path for one in operations if not one.scopes}
    assert {path for path in without if not path.startswith(SIGNED)} == set(OPEN)


def test_a_link_without_its_signature_opens_nothing(
    operations: list[Operation], ask: Callable[..., Answer]
) -> None:
    for one in operations:
        if not one.scopes and one.path not in OPEN:
            assert ask(one, None).status in (401, 403, 404, 422), one.name


def test_the_matrix_is_not_empty(guarded: list[Operation], scopes: frozenset[str]) -> None:
    assert {"timeline:read", "routing:read", "routing:agent", "routing:supervise"} <= scopes
    assert len(guarded) > 30


def test_nobody_comes_in_without_a_good_token(
    guarded: list[Operation],
    scopes: frozenset[str],
    ask: Callable[..., Answer],
    token: Callable[..., str],
    forged: str,
) -> None:
    expired = token(*scopes, age=LIFETIME + timedelta(minutes=1))
    for bad in (None, forged, expired, "none"):
        for one in guarded:
            answer = ask(one, bad)
            assert (answer.status, answer.challenge) == (401, "Bearer"), one.name


def test_no_other_scope_opens_a_door(
    guarded: list[Operation],
    scopes: frozenset[str],
    ask: Callable[..., Answer],
    token: Callable[..., str],
) -> None:
    for scope in [*scopes, "", "timeline:*", "*"]:
        narrow = token(scope)
        for one in guarded:
            if scope not in one.scopes:
                assert ask(one, narrow).status == 403, f"{one.name} with {scope or 'no scope'}"


def test_the_right_scope_does(
    guarded: list[Operation], ask: Callable[..., Answer], token: Callable[..., str]
) -> None:
    for one in guarded:
        for scope in one.scopes:
            answer = ask(one, token(scope, subject=AGENT if one.reads else NOBODY))
            assert answer.status not in (401, 403), f"{one.name} with {scope}: {answer.body}"


def test_another_tenant_sees_nothing(
    guarded: list[Operation],
    known: Known,
    ask: Callable[..., Answer],
    token: Callable[..., str],
) -> None:
    """Neither by asking for what is not his, nor by asking for everything.

    Each operation has a tenant of its own, whose log knows of no other question.
    """
    secret = {CONTACT, *(known[name][0] for name in ("customer_id", "case_id", "offer_id"))}
    for number, one in enumerate(guarded):
        for scope in one.scopes:
            tenant = f"globex-{number}"
            stranger = token(scope, tenant=tenant, subject=AGENT if one.reads else NOBODY)
            answer = ask(one, stranger)
            assert not [told for told in secret if told in answer.body], one.name
            if one.reads and any(f"{{{name}}}" in one.path for name in ("customer_id", "case_id")):
                assert answer.status == 404, f"{one.name}: {answer.status}"
