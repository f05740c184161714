"""Bearer tokens: who asks, for which tenant, and what they may do (RFC 7519, RFC 7517)."""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from common.edges.clock import Clock, system_clock

ALGORITHMS = ["ES256", "EdDSA", "RS256", "PS256"]  # asymmetric only: a service holds no signing key
FETCH_SECONDS = 5
KEYS_LIVE_SECONDS = 300
TOKENS_REMEMBERED = 10_000
ADMITTED = "admitted"  # what of a request's state is told who was let in, where somebody asks


class Principal(Struct, frozen=True):
    """Whoever holds the token, until `expires_at` (seconds of Unix time)."""

    tenant: str
    subject: str
    scopes: frozenset[str]
    expires_at: float


class InvalidTokenError(Exception):
    """The token is malformed, expired, not for us, or signed by nobody we trust."""


class TokenVerifier:
    """Verifies tokens against a JWKS from a path or an https URL, refreshed while it is used.

    A token that was good stays so until it expires or the keys are read again: to verify one takes
    a tenth of the time of a page.
    """

    def __init__(self, jwks: str, issuer: str, audience: str, clock: Clock = system_clock) -> None:
        self._jwks = jwks
        self._clock = clock
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            tenant={"essential": True},
        )
        self._keys: KeySet | None = None
        self._known: dict[str, Principal] = {}
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def principal(self, token: str) -> Principal:
        """Return who holds the token. Raises InvalidTokenError."""
        keys = await self._current_keys()
        known = self._known.get(token)
        if known is not None and known.expires_at > self._clock().timestamp():
            return known
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            self._claims.validate(decoded.claims)
            return self._remember(token, _principal(decoded.claims))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise InvalidTokenError(type(error).__name__) from error

    def _remember(self, token: str, principal: Principal) -> Principal:
        if len(self._known) >= TOKENS_REMEMBERED:
            self._known.clear()
        self._known[token] = principal
        return principal

    async def _current_keys(self) -> KeySet:
        now = asyncio.get_running_loop().time()
        async with self._reading:
            if self._keys is None or now - self._read_at > KEYS_LIVE_SECONDS:
                self._keys = KeySet.import_key_set(
                    json.loads(await asyncio.to_thread(_read, self._jwks))
                )
                self._read_at = now
                self._known.clear()
        return self._keys


Authenticate = Callable[..., Awaitable[Principal]]

_scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", scheme_name="bearer")


def bearer(verifier: TokenVerifier, *scopes: str) -> Authenticate:
    """Return a FastAPI dependency: 401 without a good token, 403 without any of `scopes`.

    The OpenAPI document of an app that was handed to `declare_scopes` tells them.
    """

    async def authenticated(
        request: Request,
        credentials: Annotated[
            HTTPAuthorizationCredentials | None, Security(_scheme, scopes=scopes)
        ],
    ) -> Principal:
        if credentials is None:
            raise _unauthorized("a bearer token is needed")
        return await admit(verifier, credentials.credentials, request, *scopes)

    return authenticated


async def admit(verifier: TokenVerifier, token: str, request: Request, *scopes: str) -> Principal:
    """Let in whoever holds the token. Raises HTTPException: 401, or 403 without any of `scopes`."""
    try:
        principal = await verifier.principal(token)
    except InvalidTokenError as error:
        raise _unauthorized("the token is not valid") from error
    if principal.scopes.isdisjoint(scopes):
        raise HTTPException(403, f"the token lacks the scope {' or '.join(scopes)}")
    if tell := getattr(request.state, ADMITTED, None):
        tell(principal)
    return principal


def declare_scopes(app: FastAPI) -> None:
    """Let the app's OpenAPI document say of each operation that any one of its scopes is enough.

    FastAPI gathers an operation's scopes from its dependencies into one requirement, which by
    OpenAPI would want them all.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for path in document["paths"].values():
            for operation in path.values():
                wanted = operation.get("security", ())
                operation["security"] = [
                    {name: [scope]}
                    for each in wanted
                    for name, scopes in each.items()
                    for scope in scopes
                ]
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _principal(claims: dict[str, Any]) -> Principal:
    tenant, scope = claims["tenant"], claims.get("scope", "")
    if not (isinstance(tenant, str) and tenant and tenant != "*" and isinstance(scope, str)):
        raise ValueError("tenant and scope are strings")
    scopes = frozenset(scope.split())
    return Principal(tenant, str(claims.get("sub", "")), scopes, float(claims["exp"]))


def _read(where: str) -> str:
    if not where.startswith("https://"):
        return Path(where).read_text("utf-8")
    with urllib.request.urlopen(where, timeout=FETCH_SECONDS) as answer:  # noqa: S310 - https, checked above
        body: bytes = answer.read(1_000_000)
        return body.decode()
