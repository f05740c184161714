import pytest
from hypothesis import given, strategies as st

from ingest_email.core.limits import (
    DELIMITERS,
    DEPTH,
    FIELDS,
    HEADER_BLOCK_BYTES,
    PARTS,
    LimitExceededError,
)
from ingest_email.core.tree import Part, read_tree


def shape(part: Part) -> object:
    """Return the tree as nested lists of bodies."""
    return [shape(child) for child in part.children] if part.children else part.body


def test_a_mail_without_parts_is_its_body() -> None:
    root = read_tree(b"Subject: a\r\n\r\n--not a boundary\r\nbody\r\n")
    assert (shape(root), root.media_type) == (b"--not a boundary\r\nbody\r\n", "text/plain")


def test_parts_nest_and_preamble_and_epilogue_are_left_out() -> None:
    root = read_tree(
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n"
        b"--a\r\nContent-Type: multipart/alternative; boundary=ab\r\n\r\n"
        b"--ab\r\n\r\none\r\n--ab  \r\n\r\ntwo\r\n--ab--\r\nepilogue\r\n"
        b"--a\r\nContent-Type: image/png; name=x.png\r\n\r\nthree\r\n--a--\r\nepilogue\r\n--a\r\n\r\nno"
    )
    assert shape(root) == [[b"one", b"two"], b"three"]
    assert root.children[1].name == "x.png"


@pytest.mark.parametrize(
    ("mail", "parts"),
    [
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a\n\ntwo", [b"one", b"two"]),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a--", [b"one"]),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\none--a--\n", [b"one"]),
        (
            b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n--a\n\ntwo\n--a--",
            [b"", b"two"],
        ),
        (b"Content-Type: multipart/mixed; boundary=a\n--a\n\none\n--a--", [b"one"]),
        (
            b"Content-Type: multipart/mixed; boundary=a\n\n--a\nno header here\n--a--",
            [b"no header here"],
        ),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a--\n", b"--a--\n"),
        (b"Content-Type: multipart/mixed; boundary=a\n\njust text\n", b"just text\n"),
        (b"Content-Type: multipart/mixed\n\njust text\n", b"just text\n"),
        (
            b"Content-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\none\n--x--\n",
            [b"one"],
        ),
        (
            b"Content-Type: multipart/mixed; boundary=a\n\n--b\n\none\n--a-\n\ntwo\n",
            b"--b\n\none\n--a-\n\ntwo\n",
        ),
        (b"Content-Type: multipart/mixed; boundary=a--\n\n--a--\n\none\n--a----\n", [b"one"]),
    ],
    ids=[
        "no closing boundary",
        "no line end after the closing boundary",
        "no line end before the closing boundary",
        "a part of headers only",
        "no empty line before the first boundary",
        "a part without headers and empty line",
        "nothing but the closing boundary",
        "no boundary line",
        "no boundary declared",
        "an undeclared boundary in use",
        "lines that only resemble it",
        "a boundary that ends like a closing one",
    ],
)
def test_broken_multiparts_keep_what_they_hold(mail: bytes, parts: object) -> None:
    assert shape(read_tree(mail)) == parts


def test_inner_parts_end_where_the_outer_boundary_comes() -> None:
    root = read_tree(
        b"Content-Type: multipart/mixed; boundary=o\n\n--o\n"
        b"Content-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n"
    )
    assert shape(root) == [[b"one"], b"two"]


def test_of_two_media_types_a_multipart_is_believed_if_its_end_is_there() -> None:
    fields = b"Content-Type: multipart/mixed; boundary=a\nContent-Type: text/html\n"
    assert shape(read_tree(fields + b"\n--a\n\none\n--a--\n")) == [b"one"]
    assert read_tree(fields + b"\n<p>--a\n").media_type == "text/html"


def test_only_the_first_contradictions_are_looked_into() -> None:
    part = b"--o\nContent-Type: multipart/mixed; boundary=never\nContent-Type: image/png\n\nx\n"
    root = read_tree(b"Content-Type: multipart/mixed; boundary=o\n\n" + part * 21 + b"--o--\n")
    assert [child.media_type for child in root.children] == ["image/png"] * 20 + ["text/plain"]


def test_a_boundary_that_is_not_the_declared_one_is_found() -> None:
    inner = (
        b"Content-Type: multipart/mixed; boundary=other\n\n--%s\nContent-Type: text/plain\n\nx\n"
    )
    assert shape(read_tree(inner % b"used" + b"--used--\n")) == [b"x"]
    outer = b"Content-Type: multipart/mixed; boundary=used\n\n--used\n" + inner % b"used"
    assert shape(read_tree(outer + b"--used--\n")) == [b"", b"x"]


def test_parts_of_a_digest_are_mails() -> None:
    root = read_tree(
        b"Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\ny\n--a--\n"
    )
    assert root.children[0].media_type == "message/rfc822"


def test_a_media_type_that_is_none_means_text() -> None:
    assert read_tree(b"Content-Type: ; charset=utf-8\n\nx").media_type == "text/plain"
    root = read_tree(b"Content-Type: words; charset=utf-8\n\nx")
    assert (root.media_type, root.content_type.get("charset")) == ("text/plain", "utf-8")


def test_content_is_decoded_whole_or_as_far_as_wanted() -> None:
    part = read_tree(b"Content-Transfer-Encoding: base64\n\n5bGx55Sw\n")
    assert part.content() == "山田".encode()
    assert part.beginning(3) == "山".encode()


def nested(depth: int) -> bytes:
    opened = (f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return "".join(opened).encode() + b"\nx"


@pytest.mark.parametrize(
    ("mail", "limit"),
    [
        (b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\n" * (PARTS + 1), "parts"),
        (nested(DEPTH + 1), "depth"),
        (
            b"Content-Type: multipart/mixed; boundary=a\n\n"
            + (b"--a\n" + b"A: 1\n" * 1_000 + b"\n") * (FIELDS // 1_000),
            "fields",
        ),
        (b"A: b\n" * (HEADER_BLOCK_BYTES // 5 + 1), "header-block"),
        (
            b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--\n" * (DELIMITERS + 1),
            "delimiters",
        ),
    ],
)
def test_what_would_cost_too_much_is_refused_by_name(mail: bytes, limit: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        read_tree(mail)
    assert caught.value.limit == limit


def test_what_is_just_within_the_limits_is_read() -> None:
    read_tree(nested(DEPTH))
    parts = read_tree(b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\n" * (PARTS - 1))
    assert len(parts.children) == PARTS - 1


PIECES = [
    b"\n",
    b"\r\n",
    b"--",
    b"--a",
    b"--b",
    b"--a--",
    b"text",
    b"Content-Type: multipart/mixed; boundary=a",
    b"Content-Type: multipart/x; boundary=b",
]


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_no_structure_is_too_odd_and_no_byte_is_in_two_parts(mail: bytes) -> None:
    root = read_tree(mail)

    def size(part: Part) -> int:
        return len(part.body) + sum(size(child) for child in part.children)

    assert size(root) <= len(mail)
