import base64
import binascii

import pytest
from hypothesis import given, strategies as st

from ingest_email.core.transfer import decode_base64, decode_transfer


@given(st.binary())
def test_what_was_encoded_comes_back(content: bytes) -> None:
    assert decode_transfer(base64.encodebytes(content), "Base64") == content
    assert (
        decode_transfer(binascii.b2a_qp(content, istext=False), " quoted-printable ; x") == content
    )


@given(st.binary(max_size=400))
def test_a_uuencoded_file_comes_back(content: bytes) -> None:
    lines = [binascii.b2a_uu(content[start : start + 45]) for start in range(0, len(content), 45)]
    block = b"begin 644 file\n" + b"".join(lines) + b"`\nend\nignored"
    assert decode_transfer(block, "x-uuencode") == content


@given(st.binary(), st.sampled_from(["base64", "quoted-printable", "uuencode", "", "x-nonsense"]))
def test_no_body_is_too_odd(raw: bytes, encoding: str) -> None:
    decode_transfer(raw, encoding)


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (b"5bGx 55Sw!\r\n", "山田".encode()),
        (b"YQ", b"a"),
        (b"YWE", b"aa"),
        (b"YWFhY", b"aaa"),
        (b"YQ==\nYg==\n", b"ab"),
        (b"YQ==\n____\nA list's footer\n", b"a"),
        (b"YQ== later", b"a"),
        (b"YQ==\n" * 2_000, b"a" * 2_000),
    ],
)
def test_base64_as_it_occurs(raw: bytes, content: bytes) -> None:
    assert decode_base64(raw) == content


def test_prose_under_a_label_of_base64_stays_prose() -> None:
    prose = b"... this was never encoded, see? ..."
    assert decode_transfer(prose, "base64") == prose


def test_a_uuencoded_line_longer_than_it_says_is_read_as_long_as_it_says() -> None:
    line = binascii.b2a_uu(b"Cat").rstrip() + b"xyz"
    assert decode_transfer(b"begin 644 f\n" + line + b"\n\nend", "uue") == b"Cat"


def test_no_label_leaves_the_bytes_alone() -> None:
    assert decode_transfer(b"\xff=41", "8bit") == b"\xff=41"


def test_a_uuencoded_block_that_holds_nothing_is_kept_as_it_was_sent() -> None:
    assert decode_transfer(b"begin 644 x\n", "uue") == b"begin 644 x\n"
