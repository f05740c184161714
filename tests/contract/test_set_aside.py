"""Whatever the provider: an original that cannot be read in time becomes one message that says so."""

from datetime import UTC, datetime

import pytest

from common.core.adapters import ChannelAccount, Original, Parse
from common.core.events import Message, MessageKind
from common.core.unread import set_aside
from ingest_email.core.reading import read as read_mail
from ingest_sms.core import registry as sms
from ingest_social.core import registry as social

MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PROVIDERS = [
    *((name, sms.parse) for name in sms.ADAPTERS),
    *((name, social.parse) for name in social.ADAPTERS),
    *((name, read_mail) for name in ("smtp", "sendgrid", "mailgun", "postmark", "ses")),
]


@pytest.mark.parametrize(("provider", "parse"), PROVIDERS)
def test_an_original_that_is_set_aside_is_one_message_named_by_its_bytes(
    provider: str, parse: Parse
) -> None:
    account = ChannelAccount(tenant="acme", provider=provider, account="main")

    def told(body: bytes) -> tuple[str, Message]:
        original = Original(provider=provider, account="main", received_at=MOMENT, body=body)
        [draft] = set_aside(parse, original, account, "time")
        assert isinstance(draft.data, Message)
        return draft.provider_id, draft.data

    (name, message), (other, _) = told(b"a" * 100_000), told(b"b" * 100_000)
    assert name != other
    assert (message.kind, message.attributes["unreadable"]) == (MessageKind.UNSUPPORTED, "time")
    assert (message.text, message.received_at) == (None, MOMENT)
