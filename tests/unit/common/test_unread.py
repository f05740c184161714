"""What stands for an original that was not read."""

from datetime import UTC, datetime

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.delivery import DeliveryStatus
from common.core.events import Channel, MessageStatus, Party
from common.core.unread import marked_unread, set_aside
from common.testing.parsers import parse

MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ACCOUNT = ChannelAccount(tenant="acme", provider="plain", account="main")


def test_no_word_of_an_original_that_is_set_aside_reaches_its_parser() -> None:
    original = Original(provider="plain", account="main", received_at=MOMENT, body=b"fail")
    [draft] = set_aside(parse, original, ACCOUNT, "time")
    assert draft.time == MOMENT


def test_a_status_is_never_marked() -> None:
    status = MessageStatus(
        message_id="1",
        status=DeliveryStatus.SENT,
        channel=Channel.SMS,
        provider="plain",
        account="main",
        recipient=Party("tel:+819012345678"),
        occurred_at=MOMENT,
    )
    draft = Draft(provider_id="1", contact="tel:+819012345678", time=MOMENT, data=status)
    assert marked_unread(draft, "time") == draft
