"""How Telegram proves itself."""

import pytest
from msgspec.structs import replace
from tests.samples.golden import account_of, request

from ingest_social.core.registry import ADAPTERS

TELEGRAM = ADAPTERS["telegram"]
ACCOUNT = replace(account_of("telegram"), secrets=("new-secret", "old-secret"))
HEADER = "x-telegram-bot-api-secret-token"


@pytest.mark.parametrize("secret", ["new-secret", "old-secret"])
def test_an_update_with_a_secret_of_ours_is_accepted(secret: str) -> None:
    assert TELEGRAM.authentic(
        replace(request("telegram", b"{}"), headers={HEADER: secret}), ACCOUNT
    )


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {HEADER: "guess"}, {HEADER: "Old-secret"}])
def test_an_update_without_one_is_refused(headers: dict[str, str]) -> None:
    assert not TELEGRAM.authentic(replace(request("telegram", b"{}"), headers=headers), ACCOUNT)
