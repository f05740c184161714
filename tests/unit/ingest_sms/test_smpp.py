"""What message centres send, and what some of them send wrongly."""

import json
import struct

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.samples.golden import FOLDER, RECEIVED_AT, account_of, drafts, request

from common.core.adapters import ChannelAccount, Draft
from common.core.delivery import DeliveryStatus
from common.core.events import Message, MessageKind, MessageStatus
from ingest_sms.core.registry import ADAPTERS
from ingest_sms.core.smpp.alphabets import decoder, japanese, latin_1
from ingest_sms.core.smpp.gsm import gsm

VECTORS = json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))["smpp_deliver_sm"]
SOURCE, DESTINATION = b"\x01\x01819012345678\x00", b"\x01\x01815012345678\x00"


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def pdu(
    content: bytes = b"",
    *,
    esm_class: int = 0,
    data_coding: int = 0,
    tlvs: bytes = b"",
    source: bytes = SOURCE,
    sequence: int = 1,
) -> bytes:
    body = b"".join(
        (
            b"\x00",
            source,
            DESTINATION,
            bytes((esm_class, 0, 0)),
            b"\x00\x00",
            bytes((0, 0, data_coding, 0, len(content))),
            content,
            tlvs,
        )
    )
    return struct.pack(">IIII", 16 + len(body), 5, 0, sequence) + body


def data_sm(data_coding: int, tlvs: bytes) -> bytes:
    body = b"\x00" + SOURCE + DESTINATION + bytes((0, 0, data_coding)) + tlvs
    return struct.pack(">IIII", 16 + len(body), 0x103, 0, 1) + body


def message(*pdus: bytes) -> Message:
    (draft,) = drafts("sms", "smpp", b"".join(pdus))
    assert isinstance(draft.data, Message)
    return draft.data


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_what_other_implementations_read_is_read_alike(vector: dict[str, object]) -> None:
    pdus = vector["pdus"]
    assert isinstance(pdus, list)
    (draft,) = drafts("sms", "smpp", b"".join(bytes.fromhex(octets) for octets in pdus))
    if isinstance(draft.data, Message):
        assert draft.data.text == vector["text"]
    else:
        assert (draft.data.message_id, draft.data.status) == ("0123456789", "delivered")


def test_the_gsm_alphabet_has_its_own_order() -> None:
    assert gsm(bytes(range(0x10))) == "@£$¥èéùìòÇ\nØø\rÅå"
    assert gsm(b"\x5f\x60\x7f") == "§¿à"
    assert gsm(b"\x1b\x65\x1b\x14\x1b\x28\x1b\x1b\x1b\x41\x1b") == "€^{ A"


def test_an_octet_that_is_no_septet_shows_latin_1() -> None:
    assert message(pdu(b"Caf\xe9")).text == "Café"


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0x01, b"hi", "hi"),
        (0x05, "予約".encode("iso2022_jp"), "予約"),
        (0x05, "①髙".encode("cp932"), "①髙"),
        (0x05, b"\x1b$B-!M=Ls\x1b(B", "\ufffd予約"),
        (0x06, "Привет".encode("iso8859-5"), "Привет"),
        (0x07, "שלום".encode("iso8859-8"), "שלום"),
        (0x08, "配送🚚".encode("utf-16-be"), "配送🚚"),
        (0x08, "配".encode("utf-16-be") + b"\xd8", "配\ufffd"),
        (0x0E, "안녕".encode("euc_kr"), "안녕"),
        (0x11, b"hi", "hi"),
        (0x19, "配".encode("utf-16-be"), "配"),
        (0xC8, b"hi", "hi"),
        (0xE8, "配".encode("utf-16-be"), "配"),
        (0xF1, b"hi", "hi"),
    ],
)
def test_a_text_is_read_by_its_data_coding(data_coding: int, octets: bytes, text: str) -> None:
    assert message(pdu(octets, data_coding=data_coding)).text == text


@given(st.sampled_from(range(256)), st.binary(max_size=40))
def test_no_octets_break_an_alphabet(data_coding: int, octets: bytes) -> None:
    decode = decoder(data_coding)
    assert decode is None or isinstance(decode(octets), str)
    assert isinstance(japanese(octets), str)


def test_what_a_centre_means_by_its_default_alphabet_is_the_accounts_to_say() -> None:
    account = ChannelAccount(
        tenant="acme", provider="smpp", account="main", options={"default_alphabet": "latin-1"}
    )
    (draft,) = ADAPTERS["smpp"].parse(request("smpp", pdu(b"@")), account)
    assert isinstance(draft.data, Message)
    assert draft.data.text == "@"
    assert decoder(0, "latin-1") is latin_1


@pytest.mark.parametrize("data_coding", [0x02, 0x04, 0xF4, 0x55])
def test_binary_is_kept_as_it_is_and_shown_as_unsupported(data_coding: int) -> None:
    kept = message(pdu(b"\x06\x05", data_coding=data_coding))
    assert kept.kind is MessageKind.UNSUPPORTED
    assert kept.attributes == {"data_coding": f"0x{data_coding:02x}", "data": "0605"}


@pytest.mark.parametrize(
    ("elements", "octets", "text"),
    [
        ("250101", b"\x07\x1c\x40", "ıŞİ"),
        ("240101", b"\x1bs\x1bG\x1be", "şĞ€"),
        ("240102", b"Espa\x7da: \x1bo\x1b\x09", "España: óç"),
        ("250103240103", b"\x7b\x1b\x7b\x09\x1bAn\x24", "ããçÀnº"),
        ("240109", b"\x1ba\x1be", "a€"),
    ],
)
def test_a_national_alphabet_is_read_where_the_header_announces_it(
    elements: str, octets: bytes, text: str
) -> None:
    header = bytes.fromhex(elements)
    assert message(pdu(bytes((len(header),)) + header + octets, esm_class=0x40)).text == text


def test_a_text_in_an_alphabet_that_we_lack_is_kept_as_it_is_and_marked() -> None:
    kept = message(pdu(bytes.fromhex("03250106") + b"@A", esm_class=0x40))
    assert kept.kind is MessageKind.UNSUPPORTED
    assert kept.attributes == {"data_coding": "0x00", "data": "4041", "shift_language": "6"}


def test_a_telephone_may_choose_an_alphabet_for_each_part() -> None:
    first = pdu(bytes.fromhex("0500032a0201") + b"980", esm_class=0x40)
    assert message(first, part(2, "円です".encode("utf-16-be"), 2)).text == "980円です"


def part(number: int, octets: bytes, total: int = 3) -> bytes:
    header = bytes((5, 0, 3, 0x2A, total, number))
    return pdu(header + octets, esm_class=0x40, data_coding=8, sequence=number)


def test_a_character_may_be_cut_between_two_parts() -> None:
    octets = "はい🚚".encode("utf-16-be")
    joined = message(part(2, octets[6:], 2), part(1, octets[:6], 2))
    assert joined.text == "はい🚚"
    assert joined.attributes == {"parts": "2"}


def test_parts_that_never_came_are_named_and_the_rest_is_shown() -> None:
    first, third = "はい".encode("utf-16-be"), "です".encode("utf-16-be")
    joined = message(part(3, third), part(1, first), part(3, third))
    assert joined.text == "はい […] です"
    assert joined.attributes == {"parts": "3", "missing_parts": "2"}


@pytest.mark.parametrize(
    "header",
    [
        bytes((6, 0x04, 2, 0, 0, 0x25, 0)),
        bytes((5, 0x00, 3, 1, 0, 1)),
        bytes((5, 0x00, 3, 1, 2, 3)),
        bytes((4, 0x00, 2, 1, 1)),
        bytes((0,)),
    ],
)
def test_other_headers_and_places_that_cannot_be_are_not_shown(header: bytes) -> None:
    assert message(pdu(header + b"hi", esm_class=0x40)).text == "hi"


def test_a_header_that_is_longer_than_its_message_leaves_no_text() -> None:
    assert message(pdu(b"\x09hi", esm_class=0x40)).text == ""
    assert message(pdu(b"", esm_class=0x40)).text == ""


def test_data_sm_carries_its_text_as_payload() -> None:
    assert message(data_sm(0, tlv(0x0424, b"hi"))).text == "hi"


def test_a_national_number_belongs_to_the_accounts_region() -> None:
    assert (
        message(pdu(b"hi", source=b"\x02\x0109012345678\x00")).sender.contact == "tel:+819012345678"
    )


def status(*pdus: bytes) -> MessageStatus:
    (draft,) = drafts("sms", "smpp", b"".join(pdus))
    assert isinstance(draft.data, MessageStatus)
    return draft.data


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("ENROUTE", DeliveryStatus.SENT),
        ("DELIVRD", DeliveryStatus.DELIVERED),
        ("EXPIRED", DeliveryStatus.FAILED),
        ("DELETED", DeliveryStatus.FAILED),
        ("UNDELIV", DeliveryStatus.FAILED),
        ("ACCEPTD", DeliveryStatus.SENT),
        ("UNKNOWN", DeliveryStatus.QUEUED),
        ("REJECTD", DeliveryStatus.FAILED),
    ],
)
def test_a_receipt_is_read_from_its_text(word: str, wanted: DeliveryStatus) -> None:
    text = f"id:42 sub:001 dlvrd:001 submit date:2601150930 done date:2601150931 stat:{word} err:007 text:id:9"
    told = status(pdu(text.encode(), esm_class=0x04))
    assert (told.message_id, told.status) == ("42", wanted)
    assert told.error_code == ("007" if wanted is DeliveryStatus.FAILED else None)


def test_a_receipts_parameters_count_more_than_its_text() -> None:
    tlvs = tlv(0x001E, b"0A1B\x00") + tlv(0x0427, b"\x01")
    told = status(pdu(b"id:42 stat:DELIVRD", esm_class=0x20, tlvs=tlvs))
    assert (told.message_id, told.status) == ("0A1B", DeliveryStatus.SENT)


@pytest.mark.parametrize("text", [b"", b"stat:DELIVRD"])
def test_a_receipt_that_names_no_message_is_kept_as_unsupported(text: bytes) -> None:
    assert message(pdu(text, esm_class=0x04)).kind is MessageKind.UNSUPPORTED


@pytest.mark.parametrize("text", [b"id:42", b"id:42 stat:SOMETHING"])
def test_a_receipt_with_a_state_nobody_knows_is_a_note(text: bytes) -> None:
    note = message(pdu(text, esm_class=0x04))
    assert (note.kind, note.attributes["message"]) == (MessageKind.SYSTEM, "42")


@pytest.mark.parametrize(
    "stream",
    [
        b"\x00",
        struct.pack(">IIII", 4, 5, 0, 1),
        struct.pack(">IIII", 99, 5, 0, 1),
        struct.pack(">IIII", 16, 5, 0, 1),
        struct.pack(">IIII", 16, 0x15, 0, 1),
        pdu(b"hi")[:-1],
        struct.pack(">IIII", 19, 5, 0, 1) + b"\x00\x01\x01",
    ],
)
def test_bytes_that_are_no_pdu_are_kept_as_unsupported(stream: bytes) -> None:
    assert message(stream).kind is MessageKind.UNSUPPORTED


def test_a_pdu_that_comes_by_webhook_is_nobodys() -> None:
    assert not ADAPTERS["smpp"].authentic(request("smpp", pdu(b"hi")), account_of("smpp"))


def test_the_same_words_at_another_time_are_another_message() -> None:
    def draft(sequence: int, minute: int) -> Draft:
        original = request("smpp", pdu(b"hi", sequence=sequence))
        moment = RECEIVED_AT.replace(minute=minute)
        return ADAPTERS["smpp"].parse(replace(original, received_at=moment), account_of("smpp"))[0]

    assert draft(1, 1).provider_id == draft(2, 1).provider_id
    assert draft(1, 1).provider_id != draft(1, 2).provider_id
