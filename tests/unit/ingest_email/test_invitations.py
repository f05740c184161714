"""Invitations as calendars send them (RFC 5545, 5546)."""

import pytest
from hypothesis import given, strategies as st
from tests.samples.mail.reading import read

from ingest_email.core.invitations import read_invitation

REQUEST = """BEGIN:VCALENDAR
PRODID:-//Example//JA
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Tokyo Standard Time
BEGIN:STANDARD
DTSTART:16010101T000000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:0001@example.jp
SUMMARY;LANGUAGE=ja:導入の打ち合わせ\\, 第1回
DTSTART;TZID="Tokyo Standard Time":20260120T100000
DTEND;TZID="Tokyo Standard Time":20260120T113000
LOCATION:本社 3階\\n会議室A
ORGANIZER;CN="山田 太郎":mailto:taro@example.jp
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:support@acme.example
RRULE:FREQ=WEEKLY;COUNT=4
DESCRIPTION:お世話になっております。\\n資料をご確認ください。
BEGIN:VALARM
DESCRIPTION:REMINDER
SUMMARY:alarm
END:VALARM
END:VEVENT
BEGIN:VEVENT
SUMMARY:別の回
END:VEVENT
END:VCALENDAR
"""


def mail(part: bytes, head: str = "Content-Type: text/calendar; charset=utf-8") -> bytes:
    return b"From: taro@example.jp\n" + head.encode() + b"\n\n" + part


def folded(text: str, size: int = 20) -> bytes:
    """Return a calendar whose lines are folded by bytes, within characters, as RFC 5545 allows."""
    return b"\r\n".join(
        b"\r\n ".join(line[at : at + size] for at in range(0, len(line), size))
        for line in text.encode().split(b"\n")
    )


def test_an_invitation_without_a_text_says_what_when_where_and_who() -> None:
    message = read(mail(folded(REQUEST))).message
    assert message.text == (
        "[REQUEST] 導入の打ち合わせ, 第1回\n"
        "2026-01-20 10:00 – 11:30 (Tokyo Standard Time)\n"
        "RRULE FREQ=WEEKLY;COUNT=4\n"
        "本社 3階 会議室A\n"
        "山田 太郎 <taro@example.jp>\n\n"
        "お世話になっております。\n資料をご確認ください。"
    )
    assert message.attributes == {
        "calendar": "request",
        "calendar_uid": "0001@example.jp",
        "calendar_summary": "導入の打ち合わせ, 第1回",
        "calendar_when": "2026-01-20 10:00 – 11:30 (Tokyo Standard Time)",
    }
    assert [(file.name, file.media_type) for file in message.attachments] == [
        ("part-1.ics", "text/calendar")
    ]
    assert message.language == "ja"


def test_the_text_of_a_mail_is_kept_beside_its_invitation() -> None:
    mail_ = (
        "From: a@example.jp\nContent-Type: multipart/alternative; boundary=b\n\n"
        "--b\nContent-Type: text/plain; charset=utf-8\n\n会議のご案内\n"
        f"--b\nContent-Type: text/calendar; method=CANCEL; charset=utf-8\n\n{REQUEST}\n--b--\n"
    ).encode()
    message = read(mail_).message
    assert (message.text, message.attributes["calendar"]) == ("会議のご案内", "cancel")


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: application/ics; name=invite.ics",
        'Content-Type: application/octet-stream; name="予定.ics"\nContent-Disposition: attachment',
        "Content-Type: text/calendar; charset=shift_jis",
    ],
)
def test_an_attached_calendar_is_an_invitation_too(head: str) -> None:
    bom = b"\xef\xbb\xbf" if "octet-stream" in head else b""
    content = REQUEST.encode("shift_jis" if "shift_jis" in head else "utf-8")
    message = read(mail(bom + content, head)).message
    assert message.attributes["calendar_summary"] == "導入の打ち合わせ, 第1回"


def test_an_answer_says_who_answered_what() -> None:
    reply = REQUEST.replace("METHOD:REQUEST", "METHOD:REPLY").replace(
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:support@acme.example",
        "ATTENDEE;PARTSTAT=ACCEPTED;CN=佐藤 花子:MAILTO:hanako@example.jp\nATTENDEE:somebody",
    )
    found = read_invitation(reply)
    assert found.method == "reply"
    assert found.answers == ("ACCEPTED 佐藤 花子 <hanako@example.jp>", "somebody")


@pytest.mark.parametrize(
    ("times", "written"),
    [
        ("DTSTART:20260120T010000Z\nDTEND:20260120T020000Z", "2026-01-20 01:00 – 02:00 (UTC)"),
        ("DTSTART:20260120T100000\nDURATION:PT1H30M", "2026-01-20 10:00 – 11:30"),
        (
            "DTSTART;TZID=Asia/Tokyo:20260120T230000\nDTEND;TZID=Asia/Tokyo:20260121T010000",
            "2026-01-20 23:00 – 2026-01-21 01:00 (Asia/Tokyo)",
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:20260120T100000\nDTEND;TZID=Europe/Berlin:20260120T140000",
            "2026-01-20 10:00 (Asia/Tokyo) – 2026-01-20 14:00 (Europe/Berlin)",
        ),
        ("DTSTART;VALUE=DATE:20260120\nDTEND;VALUE=DATE:20260121", "2026-01-20"),
        ("DTSTART;VALUE=DATE:20260120\nDTEND;VALUE=DATE:20260123", "2026-01-20 – 2026-01-22"),
        ("DTSTART;VALUE=DATE:20260120\nDURATION:P2D", "2026-01-20 – 2026-01-21"),
        ("DTSTART;TZID=Asia/Tokyo:20260120T100000", "2026-01-20 10:00 (Asia/Tokyo)"),
        ("DTSTART:20260120T100000\nDTEND:nonsense", "2026-01-20 10:00"),
        ("DTSTART:20261399T100000", ""),
        ("DTSTART:tomorrow", ""),
        ("DTSTART:99991231T235959\nDURATION:P9999W", "9999-12-31 23:59"),
        ("DTSTART:00010101\nDTEND:00010101", "0001-01-01"),
    ],
)
def test_times_are_written_with_their_own_zone(times: str, written: str) -> None:
    found = read_invitation(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{times}\nEND:VEVENT")
    assert found.when == written


def test_an_empty_calendar_is_published() -> None:
    found = read_invitation("BEGIN:VCALENDAR\nnonsense\nEND:VCALENDAR\nEND:VCALENDAR\nSUMMARY:x")
    assert (found.method, found.text(), found.labels()) == (
        "publish",
        "[PUBLISH]",
        {"calendar": "publish"},
    )


def test_a_task_is_due() -> None:
    task = (
        "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:納品\nDTSTART:20260120T100000\nDUE:20260120T120000"
    )
    assert read_invitation(task).when == "2026-01-20 10:00 – 12:00"


@given(st.text() | st.lists(st.sampled_from([*REQUEST.split("\n"), "END:VEVENT"])).map("\n".join))
def test_any_text_is_some_calendar(text: str) -> None:
    read_invitation(text).text()


@given(st.text(st.sampled_from(';:="=,A\\n')))
def test_any_line_is_read(line: str) -> None:
    read_invitation(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{line}\nDTSTART{line}")
