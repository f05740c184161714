"""Where a part of a long message belongs, and what its message becomes."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.samples.golden import FOLDER, RECEIVED_AT, account_of, request

from common.core.adapters import Original
from common.core.events import Message, MessageKind
from ingest_sms.core.joining import Place, Waiting, home
from ingest_sms.core.registry import ADAPTERS, JOINERS
from ingest_sms.core.smpp.parts import fingerprint, speaker

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
PLACE = Place("series", 2, 3, "b")
SMPP, VONAGE = JOINERS["smpp"], JOINERS["vonage-sms"]
VECTORS = {
    item["name"]: [bytes.fromhex(pdu) for pdu in item["pdus"]]
    for item in json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))["smpp_deliver_sm"]
}
FIELDS = {
    "msisdn": "819012345678",
    "to": "815012345678",
    "messageId": "0B1",
    "text": "荷物が",
    "concat-ref": "7",
    "concat-total": "3",
    "concat-part": "1",
}


def waiting(key: int = 1, joined_at: datetime | None = None, **there: str) -> Waiting:
    fingerprints = {int(number.removeprefix("n")): mark for number, mark in there.items()}
    return Waiting(key=key, total=3, begun_at=NOW, fingerprints=fingerprints, joined_at=joined_at)


def test_a_part_joins_the_message_that_lacks_it_or_has_it() -> None:
    assert home(PLACE, [waiting(n1="a")]) == waiting(n1="a")
    assert home(PLACE, [waiting(n2="b")]) == waiting(n2="b")


def test_a_part_that_contradicts_what_is_there_begins_another_message() -> None:
    assert home(PLACE, []) is None
    assert home(PLACE, [waiting(n2="other")]) is None
    assert home(replace(PLACE, total=4), [waiting(n1="a")]) is None
    assert home(PLACE, [waiting(n2="other"), waiting(key=2)]) == waiting(key=2)


def test_a_message_that_went_on_takes_only_what_it_has() -> None:
    joined = waiting(joined_at=NOW, n1="a", n2="b")
    assert home(PLACE, [joined]) == joined
    assert home(replace(PLACE, number=3), [joined]) is None


def test_a_message_is_whole_with_its_last_part() -> None:
    assert not waiting(n1="a", n2="b").whole
    assert waiting(n1="a", n2="b", n3="c").whole


@pytest.mark.parametrize("name", [name for name in VECTORS if "two parts" in name or "SAR" in name])
def test_smpps_parts_find_each_other(name: str) -> None:
    places = [SMPP.place(request("smpp", pdu)) for pdu in VECTORS[name]]
    assert all(places)
    assert len({place.series for place in places if place}) == 1
    assert {(place.number, place.total) for place in places if place} == {(1, 2), (2, 2)}


@pytest.mark.parametrize("name", [name for name in VECTORS if len(VECTORS[name]) == 1])
def test_what_is_whole_has_no_place(name: str) -> None:
    assert SMPP.place(request("smpp", VECTORS[name][0])) is None


def test_what_is_no_pdu_or_several_has_no_place() -> None:
    assert SMPP.place(request("smpp", b"\x00")) is None
    assert SMPP.place(request("smpp", b"".join(next(iter(VECTORS.values()))))) is None


def test_what_cannot_be_read_is_nobodys() -> None:
    assert speaker(next(iter(VECTORS.values()))[0]) == "819012345678"
    assert speaker(b"\x00") == speaker(b"") == ""


def test_a_joined_message_has_the_parts_as_they_came() -> None:
    later = replace(request("smpp", b"2"), received_at=NOW)
    joined = SMPP.join([request("smpp", b"1"), later])
    assert (joined.body, joined.received_at) == (b"12", RECEIVED_AT)


def test_the_sequence_number_is_no_part_of_what_makes_a_delivery_the_same() -> None:
    pdu = next(iter(VECTORS.values()))[0]
    again = pdu[:12] + b"\x00\x00\x00\x63" + pdu[16:]
    assert fingerprint(pdu) == fingerprint(again)
    assert fingerprint(pdu) != fingerprint(pdu + b"\x00")


def vonage(number: int, said: str, **other: str) -> Original:
    fields = {**FIELDS, "concat-part": str(number), "messageId": f"0B{number}", "text": said}
    return request("vonage-sms", urlencode(fields | other).encode())


def message(*originals: Original) -> Message:
    (draft,) = ADAPTERS["vonage-sms"].parse(VONAGE.join(originals), account_of("vonage-sms"))
    assert isinstance(draft.data, Message)
    return draft.data


def test_vonages_parts_find_each_other() -> None:
    place = VONAGE.place(vonage(2, "まだ"))
    assert place == Place("819012345678/815012345678/7", 2, 3, "0B2")


@pytest.mark.parametrize(
    "other",
    [
        {"concat-total": "1"},
        {"concat-part": "4"},
        {"concat-part": "0"},
        {"concat-total": "256"},
        {"concat-total": "三"},
        {"type": "binary"},
        {"status": "delivered"},
        {"messageId": ""},
    ],
)
def test_what_cannot_be_a_part_of_a_text_has_no_place(other: dict[str, str]) -> None:
    assert VONAGE.place(vonage(1, "荷物が", **other)) is None


def test_a_request_that_cannot_be_read_has_no_place() -> None:
    assert VONAGE.place(request("vonage-sms", b"{")) is None


@given(st.permutations([1, 2, 3]))
def test_vonages_message_is_the_same_text_in_any_order(order: list[int]) -> None:
    words = {1: "荷物が", 2: "まだ", 3: "です"}
    joined = message(*(vonage(number, words[number]) for number in order))
    assert joined.text == "荷物がまだです"
    assert joined.message_id == f"0B{order[0]}"
    assert joined.attributes == {"parts": "3", "parts_reference": "7"}


def test_parts_that_never_came_are_named() -> None:
    joined = message(vonage(3, "です"), vonage(1, "荷物が", keyword="荷物が"))
    assert joined.text == "荷物が […] です"
    assert joined.attributes["missing_parts"] == "2"
    assert joined.received_at == RECEIVED_AT


def test_a_word_that_stops_messages_counts_only_when_it_is_the_whole_message() -> None:
    assert message(vonage(1, "配信"), vonage(2, "停止"), vonage(3, "")).kind is MessageKind.OPT_OUT
    assert (
        message(vonage(1, "配信停止"), vonage(2, "の"), vonage(3, "方法")).kind
        is MessageKind.MESSAGE
    )
