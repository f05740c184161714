"""The local stack's tokens are accepted by the verifier that the services use."""

from pathlib import Path

import pytest

from common.edges.clock import system_clock
from common.edges.tokens import InvalidTokenError, TokenVerifier
from local_stack.tokens import AUDIENCE, ISSUER, LIFETIME, SigningKey


async def test_a_token_says_whose_it_is_and_what_it_may_do(tmp_path: Path) -> None:
    key = SigningKey(tmp_path)
    token = key.token(tenant="acme", scopes=["timeline:read"], subject="taro", now=system_clock())

    principal = await TokenVerifier(str(key.jwks), ISSUER, AUDIENCE).principal(token)

    assert (principal.tenant, principal.subject) == ("acme", "taro")
    assert principal.scopes == {"timeline:read"}


async def test_a_token_ends_after_its_lifetime(tmp_path: Path) -> None:
    key = SigningKey(tmp_path)
    token = key.token(tenant="acme", scopes=[], subject="taro", now=system_clock() - 2 * LIFETIME)

    with pytest.raises(InvalidTokenError):
        await TokenVerifier(str(key.jwks), ISSUER, AUDIENCE).principal(token)


async def test_another_stacks_key_is_not_trusted(tmp_path: Path) -> None:
    ours, theirs = SigningKey(tmp_path / "ours"), SigningKey(tmp_path / "theirs")
    ours.ensure()
    token = theirs.token(tenant="acme", scopes=[], subject="taro", now=system_clock())

    with pytest.raises(InvalidTokenError):
        await TokenVerifier(str(ours.jwks), ISSUER, AUDIENCE).principal(token)


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first, again = SigningKey(tmp_path).ensure(), SigningKey(tmp_path).ensure()

    private = tmp_path / "secrets" / "signing-key.json"
    assert first.kid == again.kid
    assert private.stat().st_mode & 0o777 == 0o600
    assert private.parent.stat().st_mode & 0o777 == 0o700
    assert '"d"' not in (tmp_path / "jwks.json").read_text()
