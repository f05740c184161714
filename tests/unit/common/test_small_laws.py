"""Delivery states, dead letters, sizes and credentials: small rules that everything leans on."""

from datetime import UTC, datetime
from itertools import permutations

import msgspec
import pytest
from hypothesis import given, strategies as st

from common.core.adapters import ChannelAccount, Original, without_credentials
from common.core.dead_letters import Origin, dead_letter, orphan
from common.core.delivery import DeliveryStatus, later_status
from common.core.errors import PoisonError
from common.core.events import (
    Attachment,
    AttachmentState,
    Channel,
    Conversation,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.patience import pause_seconds
from common.core.sizes import MAX_EVENT_BYTES, fitting
from common.core.topics import ALL_TOPICS, CUSTOMERS, MESSAGES

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def message(**parts: object) -> Message:
    fields: dict[str, object] = {
        "message_id": "1",
        "kind": MessageKind.MESSAGE,
        "direction": Direction.INBOUND,
        "channel": Channel.EMAIL,
        "provider": "smtp",
        "account": "support",
        "sender": Party("email:taro@example.jp"),
        "conversation": Conversation("k"),
        "received_at": MOMENT,
    }
    return msgspec.convert(fields | parts, Message)


@given(st.lists(st.sampled_from(DeliveryStatus), min_size=1, max_size=5))
def test_a_status_is_the_same_in_whatever_order_and_however_often_it_is_heard(
    heard: list[DeliveryStatus],
) -> None:
    def folded(order: tuple[DeliveryStatus, ...]) -> DeliveryStatus | None:
        known: DeliveryStatus | None = None
        for status in (*order, *order):
            known = later_status(known, status)
        return known

    assert len({folded(order) for order in permutations(heard)}) == 1


def test_failed_is_final_and_read_is_more_than_delivered() -> None:
    assert later_status(DeliveryStatus.FAILED, DeliveryStatus.READ) is DeliveryStatus.FAILED
    assert later_status(DeliveryStatus.READ, DeliveryStatus.DELIVERED) is DeliveryStatus.READ


def test_a_dead_letter_keeps_the_record_byte_for_byte_and_says_why() -> None:
    origin = Origin("messages.v1", 3, 42, b"key", b"\xff\x00", (("ce_id", b"\xfe"),))
    letter = dead_letter(origin, PoisonError("bad-json", "見えない"), "router", MOMENT)
    assert (letter.key, letter.value) == (b"key", b"\xff\x00")
    assert letter.headers[0] == ("ce_id", b"\xfe")
    assert dict(letter.headers)["dl_reason"] == b"bad-json"
    assert dict(letter.headers)["dl_offset"] == b"42"


def test_a_dead_letter_without_key_or_value_is_empty() -> None:
    letter = dead_letter(
        Origin("t", 0, 0, None, None, ()), PoisonError("bad-json"), "router", MOMENT
    )
    assert (letter.key, letter.value) == (b"", b"")
    assert str(PoisonError("bad-json")) == "bad-json"


def test_a_request_whose_account_is_gone_becomes_a_dead_letter_that_can_be_read_again() -> None:
    original = Original(provider="line", account="old", received_at=MOMENT, body=b"{}")
    letter = orphan(original, "/ingest_social")
    assert msgspec.msgpack.decode(letter.value, type=Original) == original
    assert dict(letter.headers)["dl_reason"] == b"no-account"


def test_credentials_are_not_kept_with_an_original() -> None:
    headers = {"authorization": "Bearer x", "x-line-signature": "s"}
    original = Original(provider="p", account="a", received_at=MOMENT, body=b"", headers=headers)
    assert without_credentials(original).headers == {"x-line-signature": "s"}
    clean = without_credentials(original)
    assert without_credentials(clean) is clean


def test_a_small_message_is_left_as_it_is() -> None:
    small = message(text="こんにちは")
    assert fitting(small) is small


def test_html_goes_first_when_a_message_is_too_large() -> None:
    large = message(text="本文", html="<p>" + "あ" * MAX_EVENT_BYTES)
    assert fitting(large).text == "本文"
    assert fitting(large).html is None
    assert fitting(large).attributes["truncated"] == "html"


@given(st.integers(1, 3), st.booleans())
def test_whatever_is_too_large_fits_in_the_end(times: int, named: bool) -> None:  # noqa: FBT001
    attachment = Attachment(
        name="長" * 10_000, media_type="text/plain", state=AttachmentState.REFUSED
    )
    large = message(
        text="本" * (MAX_EVENT_BYTES * times),
        attributes={f"{n}": "x" * 10_000 for n in range(100)} if named else {},
    )
    large = msgspec.structs.replace(large, attachments=(attachment,) * 500)
    fitted = fitting(large)
    assert len(msgspec.json.encode(fitted)) <= MAX_EVENT_BYTES
    assert fitted.attributes["truncated"] == "text"


def test_topics_are_a_closed_list_with_settings() -> None:
    assert len({topic.name for topic in ALL_TOPICS}) == len(ALL_TOPICS)
    assert MESSAGES.config["cleanup.policy"] == "delete"
    assert CUSTOMERS.config["cleanup.policy"] == "compact"


def test_an_account_never_shows_its_secrets() -> None:
    account = ChannelAccount(tenant="acme", provider="line", account="main", secrets=("s3cret",))
    assert "s3cret" not in repr(account)
    with pytest.raises(AttributeError):
        account.tenant = "other"  # type: ignore[misc]


def test_a_pause_doubles_with_each_failure_in_a_row_up_to_the_longest() -> None:
    failures = (0, 1, 2, 3, 4, 5, 10_000)
    assert [pause_seconds(n, 30, 300) for n in failures] == [30, 30, 60, 120, 240, 300, 300]
