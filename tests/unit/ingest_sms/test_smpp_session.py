"""What a bound session says and hears besides messages."""

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.adapters import ChannelAccount
from ingest_sms.core.smpp.session import (
    BindOptions,
    Header,
    SmppOptionsError,
    Status,
    answer,
    bind_options,
    bind_transceiver,
    explained,
    header,
    pdu,
    refusal,
)

ACCOUNT = ChannelAccount(
    tenant="acme",
    provider="smpp",
    account="main",
    secrets=("new", "former"),
    options={"host": "smsc.example.jp", "port": "2775", "system_id": "madoguchi"},
)
UINT = st.integers(0, 0xFFFF_FFFF)


@given(UINT, UINT, UINT, st.binary(max_size=300))
def test_a_header_reads_back_as_it_was_written(
    command: int, status: int, sequence: int, body: bytes
) -> None:
    written = pdu(command, sequence, status, body)
    assert header(written[:16]) == Header(16 + len(body), command, status, sequence)
    assert len(written) == 16 + len(body)


@pytest.mark.parametrize(
    ("length", "in_step"), [(15, False), (16, True), (0x1_1000, True), (0x1_1001, False)]
)
def test_a_length_that_cannot_be_shows_that_the_stream_is_out_of_step(
    length: int, *, in_step: bool
) -> None:
    assert Header(length, 5, 0, 1).in_step is in_step


def test_a_request_and_its_response_are_told_apart() -> None:
    assert not Header(16, 0x15, 0, 1).is_response
    assert Header(16, 0x8000_0015, 0, 1).is_response


def test_a_messages_response_has_an_empty_id_and_others_have_nothing() -> None:
    assert answer(Header(99, 5, 0, 7), Status.OK) == pdu(0x8000_0005, 7, 0, b"\x00")
    assert answer(Header(99, 0x103, 0, 7), Status.TRY_AGAIN) == pdu(0x8000_0103, 7, 0x64, b"\x00")
    assert answer(Header(16, 0x15, 0, 7), Status.OK) == pdu(0x8000_0015, 7)
    assert refusal(Header(16, 4, 0, 7), Status.INVALID_COMMAND) == pdu(0x8000_0000, 7, 3)


def test_a_bind_says_who_we_are_and_that_we_speak_version_3_4() -> None:
    request = bind_transceiver(bind_options(ACCOUNT), "new", 1)
    assert request[16:] == b"madoguchi\x00new\x00\x00\x34\x00\x00\x00"


def test_a_status_is_explained_where_we_know_it() -> None:
    assert explained(0x0E) == "0x0e invalid password"
    assert explained(0x400) == "0x400"


def test_an_accounts_options_have_defaults() -> None:
    assert bind_options(ACCOUNT) == BindOptions(
        host="smsc.example.jp", port=2775, system_id="madoguchi", passwords=("new", "former")
    )


def test_an_accounts_options_are_its_to_say() -> None:
    told = {
        "system_type": "SMS",
        "tls": "true",
        "enquire_link_seconds": "10",
        "redelivery_seconds": "60",
    }
    options = bind_options(replace(ACCOUNT, options={**ACCOUNT.options, **told}))
    assert (options.system_type, options.tls) == ("SMS", True)
    assert (options.enquire_link_seconds, options.redelivery_seconds) == (10.0, 60.0)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"host": ""}, "smpp/main needs host"),
        ({"host": "", "port": ""}, "smpp/main needs host, port"),
        ({"port": "SMPP"}, "smpp/main: invalid literal"),
        ({"system_id": "窓口"}, "smpp/main: names and passwords are ASCII"),
        ({"system_type": "a\x00b"}, "smpp/main: names and passwords are ASCII"),
    ],
)
def test_options_that_cannot_be_used_are_named(told: dict[str, str], complaint: str) -> None:
    with pytest.raises(SmppOptionsError, match=complaint):
        bind_options(replace(ACCOUNT, options={**ACCOUNT.options, **told}))


def test_a_bind_without_a_password_is_none() -> None:
    with pytest.raises(SmppOptionsError, match="smpp/main needs secrets"):
        bind_options(replace(ACCOUNT, secrets=()))
