"""How parsers make drafts."""

from datetime import UTC, datetime

import pytest

from common.core.adapters import ChannelAccount, Draft, Original, Outcome
from common.core.delivery import DeliveryStatus
from common.core.drafting import Content, Drafting, Exchange, media_name, place_text
from common.core.events import Channel, Direction, Message, MessageKind, MessageStatus, Party
from common.core.payloads import UnreadableError
from common.core.webhooks import WebhookAdapter

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
EARLIER = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
CUSTOMER, COMPANY = Party("tel:+819012345678"), Party("tel:+815012345678")
DRAFTS = Drafting(
    original=Original(provider="p", account="main", received_at=NOW, body=b"body"),
    account=ChannelAccount(tenant="acme", provider="p", account="main"),
    channel=Channel.SMS,
    signature="test",
    stranger="sender:unknown",
    ourselves="sender:main",
)


def exchange(direction: Direction, time: datetime | None = None) -> Exchange:
    return Exchange(
        customer=CUSTOMER, company=COMPANY, conversation="c", direction=direction, time=time
    )


def test_a_message_belongs_to_the_customer_whoever_wrote_it() -> None:
    received = DRAFTS.message("1", exchange(Direction.INBOUND), Content(text="はい"))
    sent = DRAFTS.message("2", exchange(Direction.OUTBOUND), Content(message_id="m2"))
    assert isinstance(received.data, Message)
    assert isinstance(sent.data, Message)
    assert received.contact == sent.contact == CUSTOMER.contact
    assert (received.data.sender, received.data.recipients) == (CUSTOMER, (COMPANY,))
    assert (sent.data.sender, sent.data.recipients) == (COMPANY, (CUSTOMER,))
    assert (received.data.message_id, sent.data.message_id) == ("1", "m2")


def test_the_providers_time_counts_and_ours_only_where_there_is_none() -> None:
    assert DRAFTS.message("1", exchange(Direction.INBOUND, EARLIER), Content()).time == EARLIER
    assert DRAFTS.message("1", exchange(Direction.INBOUND), Content()).time == NOW
    told = DRAFTS.status("1", CUSTOMER, DeliveryStatus.SENT, heard="sent", time=EARLIER)
    untold = DRAFTS.status("1", CUSTOMER, DeliveryStatus.SENT, heard="sent")
    assert isinstance(told.data, MessageStatus)
    assert (told.time, told.data.occurred_at, untold.time) == (EARLIER, EARLIER, NOW)
    assert told.provider_id == "1:sent"


def test_a_status_in_a_word_nobody_documented_is_a_note_about_the_message() -> None:
    note = DRAFTS.status("1", CUSTOMER, None, heard="teleported", time=EARLIER)
    assert isinstance(note.data, Message)
    assert (note.provider_id, note.contact, note.time) == (
        "1:teleported",
        CUSTOMER.contact,
        EARLIER,
    )
    assert note.data.kind is MessageKind.SYSTEM
    assert note.data.attributes == {"event": "status", "status": "teleported", "message": "1"}


def test_one_odd_item_does_not_harm_its_neighbours() -> None:
    def read(item: object) -> list[Draft]:
        if item == "odd":
            raise UnreadableError
        return [DRAFTS.message(str(item), exchange(Direction.INBOUND), Content())]

    found = DRAFTS.each(["a", "odd", "b"], read)
    assert [draft.data.kind for draft in found if isinstance(draft.data, Message)] == [
        MessageKind.MESSAGE,
        MessageKind.UNSUPPORTED,
        MessageKind.MESSAGE,
    ]
    named = DRAFTS.each(["odd"], read, lambda _: "its id")
    assert named[0].provider_id == "its id"


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("image/jpeg", "image-1.jpg"),
        ("audio/OGG; codecs=opus", "audio-1.ogg"),
        ("application/pdf", "file-1.pdf"),
        ("image/*", "image-1"),
        ("", "file-1"),
    ],
)
def test_a_file_without_a_name_gets_one(media_type: str, name: str) -> None:
    assert media_name(media_type) == name


def test_a_place_is_told_as_people_read_it() -> None:
    assert (
        place_text("東京駅", None, latitude=35.6, longitude=139.7)
        == "[位置情報: 東京駅 (35.6, 139.7)]"
    )
    assert place_text(latitude=35.6, longitude=139.7) == "[位置情報: (35.6, 139.7)]"


def test_an_adapter_answers_as_most_providers_expect() -> None:
    adapter = WebhookAdapter(provider="p", authentic=lambda *_: True, parse=lambda *_: ())
    assert [adapter.answer(outcome).status for outcome in Outcome] == [200, 403, 503, 413]
    assert adapter.challenge(DRAFTS.original, DRAFTS.account) is None
    assert adapter.certificate(DRAFTS.original, DRAFTS.account) is None
    assert adapter.confirmation(DRAFTS.original, DRAFTS.account) is None
