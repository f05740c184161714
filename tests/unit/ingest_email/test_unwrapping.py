"""What a person sees of a mail that came with, or as, a winmail.dat."""

import pytest
from tests.samples.mail import winmail as w
from tests.samples.mail.reading import read

ESTIMATE = w.file("御見積書①.pdf", b"%PDF-1")
TEXT = w.attribute(
    w.MESSAGE_PROPERTIES,
    w.properties(w.sized(w.UNICODE, 0x1000, "見積りを送ります。".encode("utf-16-le"))),
)


def test_the_files_of_a_winmail_dat_stand_in_its_place() -> None:
    found = read(w.mail(w.stream(TEXT, ESTIMATE), text="本文です。"))
    message = found.message
    assert message.text == "本文です。"
    assert [(file.name, file.media_type) for file in message.attachments] == [
        ("御見積書①.pdf", "application/pdf")
    ]
    assert [file.content for file in found.files] == [b"%PDF-1"]
    assert message.attributes["tnef"] == "opened"


def test_its_body_is_read_where_the_mail_has_no_other() -> None:
    message = read(w.mail(w.stream(TEXT, ESTIMATE), text=" ")).message
    assert (message.text, message.language) == ("見積りを送ります。", "ja")


def test_a_mail_that_is_nothing_but_a_winmail_dat() -> None:
    head = b"From: taro@example.jp\nContent-Type: application/vnd.ms-tnef\n\n"
    message = read(head + w.stream(TEXT, ESTIMATE)).message
    assert message.text == "見積りを送ります。"
    assert [file.name for file in message.attachments] == ["御見積書①.pdf"]


def test_html_is_shown_as_html() -> None:
    html = w.sized(w.BINARY, 0x1013, "<p>髙橋です<script>x()</script></p>".encode("cp932"))
    told = w.properties(html, w.integer(0x3FDE, 932))
    message = read(w.mail(w.stream(w.attribute(w.MESSAGE_PROPERTIES, told)))).message
    assert (message.text, message.html) == ("髙橋です", "<p>髙橋です</p>")


def test_a_body_in_rtf_alone_is_a_file() -> None:
    rtf = w.number(19) + w.number(7) + b"MELA" + bytes(4) + b"{\\rtf1}"
    told = w.properties(w.sized(w.BINARY, 0x1009, rtf))
    message = read(w.mail(w.stream(w.attribute(w.MESSAGE_PROPERTIES, told)))).message
    assert [(file.name, file.media_type) for file in message.attachments] == [
        ("body.rtf", "application/rtf")
    ]


def test_a_picture_of_the_text_is_inline() -> None:
    extra = [w.sized(w.TEXT, 0x370E, b"image/png\x00"), w.sized(w.TEXT, 0x3712, b"logo@x\x00")]
    picture = w.file("ロゴ.png", b"\x89PNG\r\n\x1a\n", extra=extra)
    (file,) = read(w.mail(w.stream(picture), text="x")).message.attachments
    assert (file.content_id, file.inline) == ("logo@x", True)


def test_a_forwarded_mail_is_its_text_and_its_files() -> None:
    inner = w.stream(w.attribute(w.SUBJECT, "元の件名 1/2".encode("cp932")), TEXT, ESTIMATE)
    held = w.sized(w.OBJECT, 0x3701, bytes(16) + inner)
    outer = w.stream(w.file("転送", b"", extra=[w.integer(0x3705, 5), held]))
    found = read(w.mail(outer, text="転送します。"))
    assert [file.name for file in found.message.attachments] == [
        "元の件名 1／2.txt",
        "御見積書①.pdf",
    ]
    assert found.files[0].content.decode() == "見積りを送ります。"


@pytest.mark.parametrize("media_type", ["application/ms-tnef", "application/octet-stream"])
def test_a_damaged_winmail_dat_stays_beside_what_could_be_read(media_type: str) -> None:
    damaged = w.stream(ESTIMATE, w.file("b.txt", b"cut"))[:-60]
    found = read(w.mail(damaged, text="x", media_type=media_type)).message
    assert [file.name for file in found.attachments][:2] == ["winmail.dat", "御見積書①.pdf"]
    assert found.attributes["tnef"] == "damaged"


def test_a_stream_without_a_body_leaves_the_mail_without_text() -> None:
    message = read(w.mail(w.stream(ESTIMATE))).message
    assert (message.text, len(message.attachments)) == (None, 1)


def test_something_else_under_the_label_is_a_file_as_any_other() -> None:
    message = read(w.mail(b"no winmail", text="x")).message
    assert [file.name for file in message.attachments] == ["winmail.dat"]
    assert "tnef" not in message.attributes


@pytest.mark.parametrize(
    ("message_class", "method"),
    [
        (b"IPM.Microsoft Schedule.MtgReq\x00", "request"),
        (b"IPM.Schedule.Meeting.Resp.Pos\x00", "reply"),
        (b"IPM.Schedule.Meeting.Canceled\x00", "cancel"),
        (b"IPM.Note\x00", None),
    ],
)
def test_a_meeting_is_labelled(message_class: bytes, method: str | None) -> None:
    meeting = w.stream(w.attribute(w.MESSAGE_CLASS, message_class))
    assert read(w.mail(meeting, text="x")).message.attributes.get("calendar") == method


def test_only_so_many_are_opened() -> None:
    part = b"--b\nContent-Type: application/ms-tnef; name=winmail.dat\n\n" + w.stream(ESTIMATE)
    head = b"From: a@example.jp\nContent-Type: multipart/mixed; boundary=b\n\n"
    names = [file.name for file in read(head + (part + b"\n") * 12 + b"--b--").message.attachments]
    assert (names.count("御見積書①.pdf"), names.count("winmail.dat")) == (10, 2)
