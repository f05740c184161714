"""A stranger's file is served as a download that no browser runs, draws or takes for another name."""

from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given, strategies as st

from timeline.core.serving import (
    LONGEST_NAME,
    UNKNOWN,
    NoSuchRangeError,
    Span,
    asked_part,
    disposition,
    is_picture,
    served_type,
)


@pytest.mark.parametrize(
    ("declared", "served"),
    [
        ("image/jpeg", "image/jpeg"),
        ("Image/PNG; name=x", "image/png"),
        ("application/pdf", "application/pdf"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",) * 2,
        ("text/plain; charset=iso-2022-jp", "text/plain"),
        ("audio/amr", "audio/amr"),
        ("text/html", UNKNOWN),
        ("image/svg+xml", UNKNOWN),
        ("application/xhtml+xml", UNKNOWN),
        ("text/xml", UNKNOWN),
        ("application/javascript", UNKNOWN),
        ("application/vnd.mozilla.xul+xml", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_nothing_is_served_as_what_a_browser_acts_on(declared: str, served: str) -> None:
    assert served_type(declared) == served


def test_a_picture_within_a_mail_is_one_of_pixels() -> None:
    assert is_picture("image/png")
    assert not is_picture("image/svg+xml")
    assert not is_picture("application/pdf")


@pytest.mark.parametrize(
    ("name", "plain", "shown"),
    [
        ("領収書 2026.pdf", "___ 2026.pdf", "領収書 2026.pdf"),
        ("ｶﾞｽ.jpg", "___.jpg", "ｶﾞｽ.jpg"),
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\temp\\見積.xlsx", "__.xlsx", "見積.xlsx"),
        ('a"; filename=b.exe', "a filename_b.exe", "a filename=b.exe"),
        ("gpj.\u202eexe", "gpj.exe", "gpj.exe"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie x_1", "aSet-Cookie x=1"),
        (" .. ", "file", "file"),
        ("", "file", "file"),
    ],
)
def test_a_name_in_any_language_arrives_and_breaks_nothing(
    name: str, plain: str, shown: str
) -> None:
    header = disposition(name)
    first, _, second = header.partition("; filename*=UTF-8''")
    assert first == f'attachment; filename="{plain}"'
    assert unquote(second) == shown


@given(st.text(max_size=500))
def test_no_name_is_too_odd_for_a_header(name: str) -> None:
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    read = Message()
    read["content-disposition"] = header
    assert read.get_content_disposition() == "attachment"
    assert 0 < len(unquote(header.rpartition("''")[2])) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-9", Span(0, 10)),
        ("bytes=90-", Span(90, 10)),
        ("bytes=90-1000", Span(90, 10)),
        ("bytes=-10", Span(90, 10)),
        ("bytes=-1000", Span(0, 100)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=1-2", None),
        ("bytes=x-y", None),
    ],
)
def test_one_range_is_served_and_what_is_none_is_passed_over(
    header: str | None, part: Span | None
) -> None:
    assert asked_part(header, 100) == part


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_a_range_beyond_the_end_is_told_so(header: str, size: int) -> None:
    with pytest.raises(NoSuchRangeError):
        asked_part(header, size)
