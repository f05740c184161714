"""Only a token that our issuer signed for us, that lives, and that names a tenant opens a door."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from common.edges.clock import system_clock
from common.edges.tokens import InvalidTokenError, Principal, TokenVerifier, bearer

ISSUER, AUDIENCE = "https://id.acme.example", "madoguchi"
KEY = ECKey.generate_key("P-256", {"kid": "one"})


def claims(**changes: Any) -> dict[str, Any]:
    now = int(system_clock().timestamp())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": now + 60,
        "tenant": "acme",
        "sub": "agent-7",
        "scope": "timeline:read routing:read",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(key: ECKey = KEY, **changes: Any) -> str:
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims(**changes), key)


@pytest.fixture
def verifier(tmp_path: Path) -> TokenVerifier:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    return TokenVerifier(str(path), ISSUER, AUDIENCE)


async def test_a_good_token_says_who_asks(verifier: TokenVerifier) -> None:
    scopes = frozenset({"timeline:read", "routing:read"})
    ends = int(system_clock().timestamp()) + 60
    found = await verifier.principal(token(exp=ends))
    assert found == Principal("acme", "agent-7", scopes, ends)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "other"},
        {"exp": 1},
        {"exp": None},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": "*"},
        {"tenant": ["acme"]},
        {"scope": ["timeline:read"]},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(
    verifier: TokenVerifier, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidTokenError):
        await verifier.principal(token(**changes))


async def test_a_token_is_verified_once_until_it_expires(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    now = [system_clock()]
    verifier = TokenVerifier(str(path), ISSUER, AUDIENCE, lambda: now[0])
    good = token()
    first = await verifier.principal(good)
    assert await verifier.principal(good) is first
    now[0] += timedelta(seconds=61)
    assert await verifier.principal(good) is not first


async def test_a_token_that_somebody_else_signed_is_refused(verifier: TokenVerifier) -> None:
    other = ECKey.generate_key("P-256", {"kid": "one"})
    shared = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    forged = jwt.encode({"alg": "HS256", "kid": "one"}, claims(), shared)
    unsigned = "eyJhbGciOiJub25lIn0.e30."
    for bad in (token(other), forged, unsigned, "", "a.b.c", "窓口"):
        with pytest.raises(InvalidTokenError):
            await verifier.principal(bad)


async def test_the_api_answers_401_without_and_403_with_too_little(verifier: TokenVerifier) -> None:
    app = FastAPI()

    @app.get("/")
    async def who(
        principal: Annotated[Principal, Depends(bearer(verifier, "timeline:read"))],
    ) -> str:
        return principal.tenant

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        statuses = []
        for given in (None, "bad", token(scope="routing:read"), token()):
            headers = {"authorization": f"Bearer {given}"} if given else {}
            statuses.append((await client.get("/", headers=headers)).status_code)
    assert statuses == [401, 401, 403, 200]
