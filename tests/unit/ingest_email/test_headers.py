from ingest_email.core.headers import read_headers
from ingest_email.core.limits import HEADER_BLOCK_BYTES, HEADER_BYTES, HEADERS


def test_fields_are_unfolded_and_the_topmost_comes_first() -> None:
    raw = b"Received: one\r\nSubject: a\r\n\tb\r\nreceived : two\r\n\r\nbody"
    headers, start = read_headers(raw, 0)
    assert headers.all("received") == (b"one", b"two")
    assert headers.get("subject") == b"a b"
    assert raw[start:] == b"body"
    assert headers.has("subject")
    assert not headers.has("cc")
    assert headers.get("cc") == b""


def test_lines_that_gateways_insert_are_skipped() -> None:
    raw = b" stray\nFrom nobody Mon Jan  1 00:00:00 2026\nSubject: a\nno field\n more\n\nbody"
    headers, _ = read_headers(raw, 0)
    assert headers.fields == (("subject", b"a more"),)


def test_a_text_without_any_field_is_all_body() -> None:
    headers, start = read_headers(b"hello\nworld\n\nmore", 0)
    assert (headers.fields, start) == ((), 0)


def test_an_empty_line_first_means_no_headers() -> None:
    assert read_headers(b"\r\nbody", 0)[1] == 2


def test_an_empty_line_with_blanks_ends_the_block_unless_the_header_goes_on() -> None:
    raw = b"Subject: a\r\n \r\nThe body\r\n"
    headers, start = read_headers(raw, 0)
    assert (headers.get("subject"), raw[start:]) == (b"a", b"The body\r\n")
    headers, _ = read_headers(b"Subject: a\n \n folded\nFrom: b\n\t\nTo: c\n \n\n", 0)
    assert headers.fields == (("subject", b"a  folded"), ("from", b"b"), ("to", b"c"))


def test_a_boundary_ends_a_header_block_that_lacks_its_empty_line() -> None:
    raw = b"A: 1\r\n--b\r\n"
    _, start = read_headers(raw, 0)
    assert raw[start:] == b"--b\r\n"


def test_what_is_over_a_limit_is_cut_and_named() -> None:
    headers, _ = read_headers(b"Subject: " + b"a" * 20_000 + b"\n\n", 0)
    assert (len(headers.get("subject")), headers.cut) == (HEADER_BYTES, ("header",))
    headers, _ = read_headers(b"A: 1\n" * (HEADERS + 1) + b"\n", 0)
    assert (len(headers.fields), headers.cut) == (HEADERS, ("headers",))
    headers, start = read_headers(b"A: 1\n" + b"B: 2222\n" * HEADER_BLOCK_BYTES, 0)
    assert headers.cut[-1] == "header-block"
    assert start >= HEADER_BLOCK_BYTES
