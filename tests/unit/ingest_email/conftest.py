"""A mail from its pieces, and what becomes of it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from common.core.adapters import ChannelAccount, Draft, Original
from ingest_email.core.message import parse

RECEIVED_AT = datetime(2026, 1, 15, 0, 30, tzinfo=UTC)
ACCOUNT = ChannelAccount(
    tenant="acme",
    provider="smtp",
    account="support",
    secrets=("new secret", "old secret"),
    team="お客様サポート",
    options={"authserv_id": "mx.acme.example"},
)

Read = Callable[..., Draft]


@pytest.fixture
def account() -> ChannelAccount:
    return ACCOUNT


@pytest.fixture
def read() -> Read:
    """Return what a mail becomes; `headers` are the SMTP envelope."""

    def read_mail(mail: bytes, **headers: str) -> Draft:
        envelope = {name.replace("_", "-"): value for name, value in headers.items()}
        original = Original(
            provider="smtp",
            account="support",
            received_at=RECEIVED_AT,
            body=mail,
            headers=envelope,
        )
        (draft,) = parse(original, ACCOUNT)
        return draft

    return read_mail
