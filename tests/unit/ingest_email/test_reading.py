"""What is said of mail that the parser did not come back from."""

from datetime import UTC, datetime

from common.core.adapters import ChannelAccount, Original
from common.core.events import Message, MessageKind
from ingest_email.core.reading import read, unread

MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MAIL = (
    "From: =?utf-8?B?6Yi05pyo?= <hanako@example.jp>\r\nSubject: =?utf-8?B?6Kej57SE?=\r\n"
    "Message-ID: <a@example.jp>\r\n\r\n解約したい"
).encode()


def of(provider: str, body: bytes = MAIL) -> tuple[Original, ChannelAccount]:
    account = ChannelAccount(tenant="acme", provider=provider, account="support")
    return Original(provider=provider, account="support", received_at=MOMENT, body=body), account


def test_an_unread_mail_is_the_event_that_it_would_have_been_with_what_its_headers_tell() -> None:
    [whole], [unread_one] = read(*of("smtp")), unread(*of("smtp"), "time")
    assert (unread_one.provider_id, unread_one.contact) == (whole.provider_id, whole.contact)
    message = unread_one.data
    assert isinstance(message, Message)
    assert (message.kind, message.subject, message.text) == (MessageKind.UNSUPPORTED, "解約", None)
    assert message.attributes["unreadable"] == "time"


def test_an_unread_request_of_a_mail_service_is_kept_without_a_word_of_it() -> None:
    [draft] = unread(*of("postmark", b'{"TextBody": "..."}'), "crash")
    assert isinstance(draft.data, Message)
    assert draft.data.kind is MessageKind.UNSUPPORTED
    assert draft.data.attributes["unreadable"] == "crash"
