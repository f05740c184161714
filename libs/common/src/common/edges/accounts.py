"""The accounts file: which numbers, pages, bots and mailboxes are ours, and their secrets.

    accounts:
      - tenant: acme
        provider: twilio
        account: main
        public_url: https://hooks.acme.example/v1/webhooks/twilio/main
        secrets: ["${MADOGUCHI_TWILIO_TOKEN}", "file:/run/secrets/twilio-previous"]
        team: 電話窓口

`${NAME}` is read from the environment, `${NAME:-text}` falls back to text, and a secret that
begins with `file:` is read from that file. Secrets are never logged.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import yaml

from common.core.adapters import ChannelAccount
from common.core.errors import MadoguchiError

# Beside its own errors PyYAML lets these through: bytes that are no UTF-8, a date such as 2026-13-45,
# `!!int ""`, `!!bool maybe`, `!!timestamp soon`, and a thousand opening brackets.
YAML_FAULTS = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
_REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")


class AccountsError(MadoguchiError):
    """The accounts file cannot be used; the message says where and why."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    accounts: list[ChannelAccount]


class Accounts:
    """Looks up accounts by name and by address."""

    def __init__(self, accounts: Iterable[ChannelAccount]) -> None:
        self._by_name = {(item.provider, item.account): item for item in accounts}
        self._by_address = {
            (item.provider, address.casefold()): item
            for item in self._by_name.values()
            for address in item.addresses
        }

    def find(self, provider: str, account: str) -> ChannelAccount | None:
        """Return the account of that name, as it stands in a webhook's address."""
        return self._by_name.get((provider, account))

    def by_address(self, provider: str, address: str) -> ChannelAccount | None:
        """Return the account that a mailbox or number belongs to; case does not matter."""
        return self._by_address.get((provider, address.casefold()))

    def of_provider(self, provider: str) -> list[ChannelAccount]:
        """Return every account of one provider."""
        return [item for (name, _), item in self._by_name.items() if name == provider]


def load_accounts(path: Path, environment: Mapping[str, str]) -> Accounts:
    """Read the accounts file. Raises AccountsError."""
    return Accounts([_with_secret_files(one) for one in read_accounts(path, environment)])


def read_accounts(path: Path, environment: Mapping[str, str]) -> list[ChannelAccount]:
    """Read the accounts file, but not the files of its secrets. Raises AccountsError."""
    try:
        parsed = yaml.safe_load(_REFERENCE.sub(_Resolve(environment), path.read_text("utf-8")))
        return msgspec.convert(parsed, _File).accounts
    except (OSError, msgspec.ValidationError, *YAML_FAULTS) as error:
        raise AccountsError(f"{path}: {error}") from error


def references(text: str) -> dict[str, bool]:
    """Return the names in the environment that an accounts file needs, and whether each may be missing."""
    found: dict[str, bool] = {}
    for match in _REFERENCE.finditer(text):
        name, fallback = match.groups()
        found[name] = found.get(name, True) and fallback is not None
    return found


class _Resolve:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(self, match: re.Match[str]) -> str:
        name, fallback = match.groups()
        value = self._environment.get(name, fallback)
        if value is None:
            raise AccountsError(f"the accounts file needs {name} in the environment")
        return value


def _with_secret_files(account: ChannelAccount) -> ChannelAccount:
    secrets = tuple(secret_text(secret) for secret in account.secrets)
    return msgspec.structs.replace(account, secrets=secrets)


def secret_text(secret: str) -> str:
    """Return a secret itself, from its file if it lies in one. Raises AccountsError."""
    if not secret.startswith("file:"):
        return secret
    try:
        return Path(secret.removeprefix("file:")).read_text("utf-8").strip()
    except (OSError, ValueError) as error:  # the latter: no name of a file, or no UTF-8 in it
        raise AccountsError(f"a secret's file cannot be read: {error}") from error
