"""winmail.dat: a mail within a mail, as Outlook writes it ([MS-OXTNEF])."""

import pytest
from hypothesis import given, strategies as st
from tests.samples.mail import winmail as w

from ingest_email.core.mapi import Budget, Cursor, codepage_label, read_properties
from ingest_email.core.rtf import decompress_rtf
from ingest_email.core.tnef import read_tnef

SHIFT_JIS_NAME = "見積書（最終版）.xlsx"


def test_a_file_has_its_long_name_and_its_bytes() -> None:
    found = read_tnef(w.stream(w.file("御見積書①.pdf", b"%PDF-1")))
    assert [(file.name, file.content) for file in found.files] == [("御見積書①.pdf", b"%PDF-1")]
    assert found.is_whole


@pytest.mark.parametrize(
    "attributes",
    [
        {w.TITLE: SHIFT_JIS_NAME.encode("cp932") + b"\x00"},
        {w.TITLE: b"MITSUM~1.XLS\x00", w.TRANSPORT_NAME: SHIFT_JIS_NAME.encode("cp932")},
    ],
)
def test_a_name_that_is_not_unicode_is_in_the_codepage_of_the_stream(
    attributes: dict[int, bytes],
) -> None:
    (file,) = read_tnef(w.stream(w.file("", b"x", attributes=attributes))).files
    assert file.name == SHIFT_JIS_NAME


def test_the_codepage_may_be_a_property() -> None:
    name = w.sized(w.TEXT, 0x3704, "注文書.doc".encode("euc_jp") + b"\x00")
    told = w.attribute(w.MESSAGE_PROPERTIES, w.properties(w.integer(0x3FFD, 51932)))
    (file,) = read_tnef(w.stream(told, w.file("", b"x", extra=[name]), codepage=0)).files
    assert file.name == "注文書.doc"


def test_a_file_says_what_it_is_and_where_the_text_shows_it() -> None:
    extra = [w.sized(w.TEXT, 0x370E, b"image/png\x00"), w.sized(w.TEXT, 0x3712, b"logo@x\x00")]
    (file,) = read_tnef(w.stream(w.file("ロゴ.png", b"\x89PNG", extra=extra))).files
    assert (file.media_type, file.content_id) == ("image/png", "logo@x")


def test_a_body_is_a_property_or_an_old_attribute() -> None:
    text = w.sized(w.UNICODE, 0x1000, "お世話になっております。".encode("utf-16-le"))
    html = w.sized(w.BINARY, 0x1013, "<p>お世話</p>".encode("cp932"))
    told = w.properties(text, html, w.integer(0x3FDE, 932))
    new = read_tnef(w.stream(w.attribute(w.MESSAGE_PROPERTIES, told)))
    assert (new.text, new.html.decode(new.html_charset)) == (
        "お世話になっております。",
        "<p>お世話</p>",
    )
    old = read_tnef(
        w.stream(
            w.attribute(w.BODY, "お世話".encode("cp932") + b"\x00"),
            w.attribute(w.SUBJECT, "件名".encode("cp932") + b"\x00"),
            w.attribute(w.MESSAGE_CLASS, b"IPM.Note\x00"),
        )
    )
    assert (old.text, old.subject, old.message_class) == ("お世話", "件名", "IPM.Note")


def test_html_that_is_characters_is_utf_8() -> None:
    html = w.sized(w.UNICODE, 0x1013, "<p>髙</p>".encode("utf-16-le"))
    found = read_tnef(w.stream(w.attribute(w.MESSAGE_PROPERTIES, w.properties(html))))
    assert (found.html, found.html_charset) == ("<p>髙</p>".encode(), "utf-8")


def embedded(inner: bytes, depth: int = 1) -> bytes:
    """Return a stream that holds `inner` as an attached mail, `depth` times."""
    for _ in range(depth):
        held = w.sized(w.OBJECT, 0x3701, bytes(16) + inner)
        inner = w.stream(w.file("転送.msg", b"", extra=[w.integer(0x3705, 5), held]))
    return inner


def test_an_attached_mail_is_read_in_its_turn() -> None:
    inner = w.stream(w.attribute(w.SUBJECT, "元の件名".encode("cp932")), w.file("a.txt", b"x"))
    (file,) = read_tnef(embedded(inner)).files
    assert file.message
    assert (file.message.subject, file.message.files[0].name) == ("元の件名", "a.txt")


def test_mails_attached_to_mails_are_read_so_deep() -> None:
    found, depth = read_tnef(embedded(w.stream(), 20)), 0
    while found.files and found.files[0].message:
        found, depth = found.files[0].message, depth + 1
    assert depth == 5
    assert found.files[0].content.startswith(w.SIGNATURE)


def test_a_document_that_is_an_object_is_a_file() -> None:
    held = w.sized(w.OBJECT, 0x3701, bytes(16) + b"\xd0\xcf\x11\xe0")
    (file,) = read_tnef(w.stream(w.file("図.doc", b"old", extra=[held]))).files
    assert file.content == b"\xd0\xcf\x11\xe0"


def test_data_that_is_a_property_is_taken_as_it_is() -> None:
    held = w.sized(w.BINARY, 0x3701, b"%PDF-2")
    (file,) = read_tnef(w.stream(w.file("a.pdf", b"", extra=[held]))).files
    assert file.content == b"%PDF-2"


@pytest.mark.parametrize(
    "other",
    [
        w.number(0x0B, 2) + w.number(0x3001, 2) + w.number(1),
        w.number(0x40, 2) + w.number(0x0039, 2) + bytes(8),
        w.number(0x1003, 2) + w.number(0x6000, 2) + w.number(2) + bytes(8),
        w.sized(0x101F, 0x6001, "a".encode("utf-16-le"), b""),
        w.number(0x03, 2) + w.number(0x8001, 2) + bytes(16) + bytes(4) + bytes(4) + bytes(4),
        w.number(0x03, 2)
        + w.number(0x8002, 2)
        + bytes(16)
        + w.number(1)
        + w.number(6)
        + w.padded("キー1".encode("utf-16-le"))
        + bytes(4),
    ],
)
def test_properties_that_nobody_reads_are_passed_over(other: bytes) -> None:
    wanted = w.sized(w.UNICODE, 0x3707, "納品書.pdf".encode("utf-16-le"))
    found = read_properties(w.properties(other, wanted), Budget(100))
    assert found[0x3707].text(0) == "納品書.pdf"


def test_the_first_value_of_a_property_counts() -> None:
    told = w.properties(
        w.sized(w.TEXT, 0x3707, b"first", b"other"), w.sized(w.TEXT, 0x3707, b"second")
    )
    found = read_properties(told, Budget(100))
    assert (found[0x3707].text(0), found[0x3707].number()) == ("first", 0)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"no winmail.dat",
        w.stream(w.file("a.txt", b"x"))[:-1],
        w.stream() + b"\x01",
        w.stream(w.attribute(w.DATA, b"x")),
        w.stream(w.attribute(w.CODEPAGE, b"x")),
        w.stream(w.attribute(w.MESSAGE_PROPERTIES, b"\xff\xff\xff\xff")),
        w.stream(w.attribute(w.MESSAGE_PROPERTIES, w.properties(w.number(0x99) + w.number(0)))),
        w.stream(w.attribute(w.BODY, b"x", checksum=0)),
        w.stream(*[w.attribute(w.BEGIN_FILE, b"")] * 201),
        w.stream(*[w.attribute(w.BODY, b"")] * 20_001),
        w.stream(w.attribute(w.MESSAGE_PROPERTIES, w.properties(*[w.sized(w.TEXT, 1)] * 20_001))),
        embedded(w.stream(w.attribute(w.BODY, b"x", checksum=0))),
    ],
)
def test_what_is_damaged_or_too_much_says_so(damaged: bytes) -> None:
    assert not read_tnef(damaged).is_whole


def test_files_before_the_damage_are_there() -> None:
    found = read_tnef(w.stream(w.file("a.txt", b"whole"), w.file("b.txt", b"cut"))[:-60])
    assert (found.files[0].name, found.files[0].content) == ("a.txt", b"whole")


@pytest.mark.parametrize(
    ("codepage", "label"),
    [(0, ""), (932, "cp932"), (28591, "iso-8859-1"), (28605, "iso-8859-15"), (65001, "utf-8")],
)
def test_codepages_have_names(codepage: int, label: str) -> None:
    assert codepage_label(codepage) == label


@given(st.binary())
def test_any_bytes_are_some_stream(raw: bytes) -> None:
    read_tnef(w.SIGNATURE + raw)
    decompress_rtf(raw)


@given(st.data())
def test_a_stream_damaged_anywhere_is_still_read(data: st.DataObject) -> None:
    extra = [w.sized(w.OBJECT, 0x3701, bytes(16) + w.stream()), w.integer(0x3705, 5)]
    whole = bytearray(w.stream(w.file("御見積書①.pdf", b"%PDF-1", extra=extra)))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=10)):
        whole[position] = data.draw(st.integers(0, 255))
    read_tnef(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


def test_numbers_are_little_endian() -> None:
    cursor = Cursor(b"\x01\x02\x00\x03\x00\x00\x00")
    assert [cursor.number(1), cursor.number(2), cursor.number(4)] == [1, 2, 3]
    assert cursor.at_end


def compressed(tokens: bytes, size: int, kind: bytes = b"LZFu") -> bytes:
    return w.number(len(tokens) + 12) + w.number(size) + kind + bytes(4) + tokens


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (compressed(b"\x00abcdefgh", 8), b"abcdefgh"),
        (compressed(b"\x00abcdefgh\x00ij", 9), b"abcdefghi"),
        (compressed(b"\x01\x00\x04", 6), b"{\\rtf1"),  # from what the dictionary begins with
        (compressed(b"\x02x\x0c\xf4", 7), b"xxxxxxx"),  # a run that repeats itself
        (compressed(b"\x02x\x0d\x00", 99), b"x"),  # the end
        (compressed(b"\x02x\xff\xf0", 99), b"x"),  # a place that nothing was written to
        (compressed(b"\x01\x00", 99), b""),
        (compressed(b"{\\rtf1}..", 7, b"MELA"), b"{\\rtf1}"),
        (compressed(b"", 7, b"LZXX"), b""),
        (b"short", b""),
    ],
)
def test_rtf_is_expanded(raw: bytes, content: bytes) -> None:
    assert decompress_rtf(raw) == content


def test_the_rtf_of_a_mail_is_a_file_of_its_own() -> None:
    rtf = w.sized(w.BINARY, 0x1009, compressed(b"\x00{\\rtf1}", 7))
    found = read_tnef(w.stream(w.attribute(w.MESSAGE_PROPERTIES, w.properties(rtf))))
    assert found.rtf == b"{\\rtf1}"
