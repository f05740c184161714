"""Bearer tokens for the local stack, signed with a key that only this machine has."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from local_stack.private_files import write_private

ISSUER = "https://local.madoguchi.example"
AUDIENCE = "madoguchi"
LIFETIME = timedelta(hours=12)
ALGORITHM = "ES256"


class SigningKey:
    """The key pair of a stack in `home`: the private half in `secrets/`, the public one in `jwks.json`."""

    def __init__(self, home: Path) -> None:
        self._private = home / "secrets" / "signing-key.json"
        self.jwks = home / "jwks.json"

    def ensure(self) -> ECKey:
        """Return the key, making it the first time."""
        if not self._private.exists():
            key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            write_private(self._private, json.dumps(key.as_dict(private=True)))
        key = ECKey.import_key(json.loads(self._private.read_text()))
        if not self.jwks.exists():
            self.jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}, indent=2))
        return key

    def token(self, *, tenant: str, scopes: Iterable[str], subject: str, now: datetime) -> str:
        """Return a JWT (RFC 7519) for `tenant` that lives twelve hours from `now`."""
        key = self.ensure()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "tenant": tenant,
            "scope": " ".join(scopes),
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key)
