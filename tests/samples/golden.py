"""Captured-shape requests and the drafts that they must become.

A sample is the body of one request; beside `name.json` (or `.form`) lies `name.expected.json`.
After a wanted change: `python -m tests.samples.golden`, then read the difference.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from common.core.adapters import Adapter, ChannelAccount, Draft, Original
from ingest_email.core.providers.registry import ADAPTERS as MAIL
from ingest_sms.core.registry import ADAPTERS as SMS
from ingest_social.core.registry import ADAPTERS as SOCIAL

FOLDER = Path(__file__).parent
ADAPTERS: Mapping[str, Mapping[str, Adapter]] = {
    "mail-webhooks": MAIL,
    "sms": SMS,
    "social": SOCIAL,
}
RECEIVED_AT = datetime(2026, 1, 15, 9, 30, 5, tzinfo=UTC)


def samples(service: str) -> list[Path]:
    """Return the requests of all providers of a service."""
    found = (FOLDER / service).glob("*/*")
    return sorted(path for path in found if not path.name.endswith(".expected.json"))


def account_of(provider: str) -> ChannelAccount:
    """Return an account of the sample tenant."""
    return ChannelAccount(tenant="acme", provider=provider, account="main", team="窓口")


def request(provider: str, body: bytes) -> Original:
    """Return a request as it would reach the provider's adapter."""
    return Original(provider=provider, account="main", received_at=RECEIVED_AT, body=body)


def drafts(service: str, provider: str, body: bytes) -> tuple[Draft, ...]:
    """Return what the provider's adapter makes of a body."""
    adapter = ADAPTERS[service][provider]
    return adapter.parse(request(provider, body), account_of(provider))


def readable(found: tuple[Draft, ...]) -> object:
    """Return drafts as the JSON value that the expectation files hold."""
    return json.loads(msgspec.json.encode(found))


def expected(sample: Path) -> Path:
    """Return where the expectation of a sample lies."""
    return sample.with_suffix(".expected.json")


def main() -> None:
    """Write every expectation anew."""
    for service in ADAPTERS:
        for sample in samples(service):
            found = readable(drafts(service, sample.parent.name, sample.read_bytes()))
            text = json.dumps(found, ensure_ascii=False, indent=1)
            expected(sample).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
