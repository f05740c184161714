"""Bearer tokens: who asks, for which tenant, and what they may do (RFC 7519, RFC 7517)."""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

ALGORITHMS = ["ES256", "EdDSA", "RS256", "PS256"]  # asymmetric only: a service holds no signing key
FETCH_SECONDS = 5
KEYS_LIVE_SECONDS = 300


class Principal(Struct, frozen=True):
    """Whoever holds the token."""

    tenant: str
    subject: str
    scopes: frozenset[str]


class InvalidTokenError(Exception):
    """The token is malformed, expired, not for us, or signed by nobody we trust."""


class TokenVerifier:
    """Verifies tokens against a JWKS from a path or an https URL, refreshed while it is used."""

    def __init__(self, jwks: str, issuer: str, audience: str) -> None:
        self._jwks = jwks
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            tenant={"essential": True},
        )
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def principal(self, token: str) -> Principal:
        """Return who holds the token. Raises InvalidTokenError."""
        try:
            decoded = jwt.decode(token, await self._current_keys(), algorithms=ALGORITHMS)
            self._claims.validate(decoded.claims)
            return _principal(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise InvalidTokenError(type(error).__name__) from error

    async def _current_keys(self) -> KeySet:
        now = asyncio.get_running_loop().time()
        async with self._reading:
            if self._keys is None or now - self._read_at > KEYS_LIVE_SECONDS:
                self._keys = KeySet.import_key_set(
                    json.loads(await asyncio.to_thread(_read, self._jwks))
                )
                self._read_at = now
        return self._keys


Authenticate = Callable[..., Awaitable[Principal]]


def bearer(verifier: TokenVerifier, *scopes: str) -> Authenticate:
    """Return a FastAPI dependency: 401 without a good token, 403 without any of `scopes`."""
    named = " or ".join(f"`{scope}`" for scope in scopes)
    scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description=f"scope {named}")

    async def authenticated(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)],
    ) -> Principal:
        if credentials is None:
            raise _unauthorized("a bearer token is needed")
        try:
            principal = await verifier.principal(credentials.credentials)
        except InvalidTokenError as error:
            raise _unauthorized("the token is not valid") from error
        if principal.scopes.isdisjoint(scopes):
            raise HTTPException(403, f"the token lacks the scope {' or '.join(scopes)}")
        return principal

    return authenticated


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _principal(claims: dict[str, Any]) -> Principal:
    tenant, scope = claims["tenant"], claims.get("scope", "")
    if not (isinstance(tenant, str) and tenant and tenant != "*" and isinstance(scope, str)):
        raise ValueError("tenant and scope are strings")
    return Principal(tenant, str(claims.get("sub", "")), frozenset(scope.split()))


def _read(where: str) -> str:
    if not where.startswith("https://"):
        return Path(where).read_text("utf-8")
    with urllib.request.urlopen(where, timeout=FETCH_SECONDS) as answer:  # noqa: S310 - https, checked above
        body: bytes = answer.read(1_000_000)
        return body.decode()
