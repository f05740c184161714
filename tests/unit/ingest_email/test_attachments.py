from hashlib import sha256

import pytest
from hypothesis import given, strategies as st

from common.core.events import AttachmentState
from ingest_email.core.attachments import read_files, safe_name
from ingest_email.core.sniffing import media_type, sniff
from ingest_email.core.structure import structure_labels
from ingest_email.core.tree import read_tree


def leaf(headers: str, content: bytes = b"content") -> bytes:
    return headers.encode() + b"\n\n" + content


def test_a_file_has_its_name_size_digest_and_bytes() -> None:
    part = read_tree(
        leaf("Content-Type: application/pdf; name*=utf-8''%E8%A6%8B%E7%A9%8D.pdf", b"%PDF-1")
    )
    files = read_files((part,))
    (attachment,), (file,) = files.attachments, files.contents
    assert (attachment.name, attachment.media_type, attachment.size) == (
        "見積.pdf",
        "application/pdf",
        6,
    )
    assert attachment.sha256 == file.sha256 == sha256(b"%PDF-1").hexdigest()
    assert attachment.state is AttachmentState.STORED
    assert attachment.location is None
    assert file.content == b"%PDF-1"


@pytest.mark.parametrize(
    ("headers", "content_id", "inline"),
    [
        ("Content-Type: image/png\nContent-ID: <logo@x>", "logo@x", True),
        ("Content-Type: image/png", None, False),
        ("Content-Type: image/png\nContent-Disposition: inline", None, True),
        ("Content-Type: image/png\nContent-ID: <a>\nContent-Disposition: attachment", "a", False),
        ("Content-Type: application/pdf\nContent-ID: <a>", "a", False),
    ],
)
def test_a_picture_with_an_id_is_part_of_the_text(
    headers: str,
    content_id: str | None,
    inline: bool,  # noqa: FBT001 - a column of the table
) -> None:
    (attachment,) = read_files((read_tree(leaf(headers)),)).attachments
    assert (attachment.content_id, attachment.inline) == (content_id, inline)


@pytest.mark.parametrize(
    ("headers", "content", "name"),
    [
        (
            "Content-Type: message/rfc822",
            b"Subject: =?utf-8?b?6KaL56mN?= 1/2\n\nx",
            "見積 1／2.eml",
        ),
        ("Content-Type: message/rfc822", b"From: a@b\n\nx", "part-1.eml"),
        ("Content-Type: message/rfc822; name=kept.msg", b"Subject: a\n\nx", "kept.msg"),
        ("Content-Type: text/calendar; method=REQUEST", b"BEGIN:VCALENDAR", "part-1.ics"),
        ("Content-Type: application/x-unknown", b"x", "part-1"),
    ],
)
def test_a_file_without_a_name_gets_one_that_tells_what_it_is(
    headers: str, content: bytes, name: str
) -> None:
    (attachment,) = read_files((read_tree(leaf(headers, content)),)).attachments
    assert attachment.name == name


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\taro\\領収書.pdf", "領収書.pdf"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ('a<b>:"c"|d?*.txt', "abcd.txt"),
        (" .hidden. ", "hidden"),
        ("a\x00b\nc.txt", "a␀b c.txt"),
        ("..", ""),
        ("あ" * 100 + ".pdf", "あ" * 65 + ".pdf"),
        ("あ" * 100, "あ" * 66),
        ("あ" * 100 + "." + "x" * 60, "あ" * 66),
    ],
)
def test_a_name_is_safe_to_write_down(given_name: str, name: str) -> None:
    assert safe_name(given_name) == name


@given(st.text())
def test_no_name_is_too_odd(name: str) -> None:
    safe = safe_name(name)
    assert len(safe.encode()) <= 200
    assert safe == safe_name(safe)
    assert not set(safe) & set("/\\\x00\n\u202e")


@pytest.mark.parametrize(
    ("declared", "content", "kind"),
    [
        ("application/octet-stream", b"\x89PNG\r\n\x1a\n...", "image/png"),
        ("image/jpeg", b"\x00\x00\x00\x18ftypheic", "image/heic"),
        ("application/vnd.openxmlformats", b"PK\x03\x04", "application/vnd.openxmlformats"),
        ("image/png", b"PK\x03\x04", "application/zip"),
        ("application/vnd.ms-excel", b"MZ", "application/vnd.microsoft.portable-executable"),
        ("text/csv", b"a,b", "text/csv"),
        ("", b"a,b", "application/octet-stream"),
    ],
)
def test_the_first_bytes_win_over_the_label(declared: str, content: bytes, kind: str) -> None:
    assert media_type(declared, content) == kind


def test_bytes_that_show_nothing_are_nothing() -> None:
    assert sniff(b"") is None


@pytest.mark.parametrize(
    ("mail", "labels"),
    [
        ("Content-Type: application/pkcs7-mime; smime-type=enveloped-data", {"encrypted": "smime"}),
        ("Content-Type: application/pkcs7-mime; smime-type=signed-data", {}),
        ("Content-Type: application/pgp-encrypted", {"encrypted": "pgp"}),
        ("Content-Type: text/plain", {}),
    ],
)
def test_closed_mail_is_labelled(mail: str, labels: dict[str, str]) -> None:
    assert structure_labels(read_tree(leaf(mail))) == labels
