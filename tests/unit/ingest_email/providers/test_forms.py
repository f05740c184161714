"""A form's values are the bytes that were sent; what is no whole form is refused."""

import contextlib
import string
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given, strategies as st

from common.core.payloads import UnreadableError
from ingest_email.core.providers.forms import (
    ESCAPES,
    FIELDS,
    PART_HEADER_BYTES,
    Field,
    form_values,
    last_values,
    single_values,
    text_of,
)

names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=20)
fields = st.lists(st.tuples(names, st.binary(max_size=200)), min_size=1, max_size=5)


def multipart(values: list[Field], boundary: bytes = b"xYzZY") -> bytes:
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (boundary, name.encode(), value)
        for name, value in values
    ]
    return b"".join(parts) + b"--" + boundary + b"--\r\n"


def urlencoded(values: list[Field]) -> bytes:
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in values).encode()


@given(values=fields.filter(lambda found: not any(b"xYzZY" in value for _, value in found)))
def test_both_kinds_of_form_give_back_the_bytes_that_went_in(values: list[Field]) -> None:
    assert form_values(multipart(values)) == values
    assert form_values(urlencoded(values)) == values
    assert last_values(multipart(values)) == dict(values)


@given(body=st.binary() | st.binary().map(lambda rest: b"--a\r\n" + rest))
def test_anything_is_a_form_or_unreadable(body: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        assert isinstance(form_values(body), list)


def test_plus_signs_are_spaces_and_empty_pairs_are_nothing() -> None:
    assert form_values(b"&subject=a+b&&body=%82%A0%zz&flag") == [
        ("subject", b"a b"),
        ("body", b"\x82\xa0%zz"),
        ("flag", b""),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"--",
        b"--a\r\n",
        b"--a\r\n\r\nno name\r\n--a--",
        b"--a\r\nContent-Type: text/plain\r\n\r\nno name\r\n--a--",
        b"--a\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--a--",
        b'--a\r\nContent-Disposition: form-data; name="x"\r\n\r\ncut off\r\n--a',
        b'--a\r\nContent-Disposition: form-data; name="x"\r\n\r\nv\r\n--abc\r\n\r\n--a--',
        b"--a\r\nX: " + b"x" * PART_HEADER_BYTES + b'\r\nContent-Disposition: form-data; name="x"'
        b"\r\n\r\nv\r\n--a--",
        multipart([("x", b"")] * (FIELDS + 1)),
        b"&".join([b"x="] * (FIELDS + 1)),
        b"x=" + b"%" * (ESCAPES + 1),
    ],
    ids=range(11),
)
def test_what_is_no_whole_form_or_too_much_of_one_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        form_values(body)


def test_where_each_field_comes_once_a_second_one_is_refused() -> None:
    twice = multipart([("envelope", b"{}"), ("email", b"a"), ("envelope", b'{"from":"b"}')])
    with pytest.raises(UnreadableError, match="twice"):
        single_values(twice)


def test_a_providers_own_text_can_be_stored_whatever_it_is() -> None:
    assert text_of("窓口\x00".encode() + b"\xff") == "窓口\ufffd"
