"""Bounces in words alone, and mail that only looks like one."""

import pytest
from tests.samples.mail.reading import read

from common.core.events import Message, MessageKind


def mail(sender: str, subject: str, text: str, *fields: str) -> Message:
    head = (f"From: {sender}", "To: support@acme.example", f"Subject: {subject}", *fields)
    return read("\n".join((*head, "Message-ID: <n@mx.example.jp>", "", text)).encode()).message


@pytest.mark.parametrize(
    ("text", "recipients"),
    [
        ("did not reach the following recipient(s):\n\ntaro@example.jp on Thu, 15 Jan", ["taro"]),
        ("did not reach the following recipient(s):\n\nc=US;a= ;p=Acme;dda:SMTP=taro@example.jp; on Thu", ["taro"]),
        ("could not be delivered. The message, addressed to 'taro@example.jp',\nfailed", ["taro"]),
        (
            "the following address(es).\n\n<taro@example.jp>:\nfull.\n\n<hanako@example.jp>:\nfull.\n\n<taro@example.jp>:\nagain.",
            ["taro", "hanako"],
        ),
        ("下記の宛先に配信できませんでした。\n宛先：taro@example.jp", ["taro"]),
    ],
)  # fmt: skip
def test_every_recipient_that_a_notice_lists_is_named_once(
    text: str, recipients: list[str]
) -> None:
    labels = mail("MAILER-DAEMON@mx.example.jp", "failure notice", text).attributes
    found = labels.get("bounce_recipients") or labels["bounce_recipient"]
    assert found == ", ".join(f"{name}@example.jp" for name in recipients)


@pytest.mark.parametrize(
    "sender",
    [
        "IMSS@gateway.example.jp",
        "ndr@mx.example.jp",
        "Mail_Guard_for_SMTP_Gateways@example.jp",
        "E500_SMTP_Mail_Service@example.jp",
        '"System Administrator"@mx.example.jp',
        "Postmaster\\@mx.example.jp@example.jp",
    ],
)
def test_a_gateway_is_a_mail_system_by_its_name(sender: str) -> None:
    text = "Could not deliver message to the following recipient(s):\n\n<taro@example.jp>"
    assert mail(sender, "Delivery Failure", text).kind is MessageKind.BOUNCE


def test_the_path_back_to_a_mail_system_tells_it_where_the_sender_does_not() -> None:
    path = "Return-Path: <MAILER-DAEMON@mx.example.jp>"
    text = "A message could not be delivered to:\ntaro@example.jp"
    assert mail("it@example.jp", "宛先不明", text, path).kind is MessageKind.BOUNCE


@pytest.mark.parametrize(
    ("subject", "text", "status"),
    [
        ("Mail Delivery Warning", "Delivery to taro@example.jp has been postponed: mailbox full", "4.0.0"),
        ("Delivery failure", "taro@example.jp\nDelivery attempts will continue to be made", "4.0.0"),
        ("Warning: taro@example.jp - User unknown!", "taro@example.jp - no such user here.", "5.0.0"),
        ("failure notice", "taro@example.jp: Call Customer Support at 480-624-2500.", "5.0.0"),
        ("Undeliverable: News 2.0.12", "taro@example.jp on Thu, 15 Jan", "5.0.0"),
    ],
)  # fmt: skip
def test_what_is_still_tried_is_told_from_what_is_given_up(
    subject: str, text: str, status: str
) -> None:
    message = mail("MAILER-DAEMON@mx.example.jp", subject, text)
    assert (message.kind, message.attributes["bounce_status"]) == (MessageKind.BOUNCE, status)


NULL_PATH = "Return-Path: <>"


@pytest.mark.parametrize(
    ("subject", "text", "fields", "kind"),
    [
        ("自動返信: 夏季休業のお知らせ", "メールは転送されず、担当者に届きませんでした。", (NULL_PATH,), "auto_reply"),
        ("不在のお知らせ", "不在のため、ご連絡が送信できませんでした。550 5.1.1", (NULL_PATH,), "auto_reply"),
        ("Out of Office", "Mail sent to me was not delivered to my phone. 5.1.1", (NULL_PATH,), "auto_reply"),
        ("Re: 見積", "メールは届きませんでした。", (NULL_PATH, "X-Autoreply: yes"), "auto_reply"),
        ("Re: 見積", "could not be delivered", (NULL_PATH, "Precedence: auto_reply"), "auto_reply"),
        ("お届けのご連絡", "ご不在のためお届けできませんでした。\ninfo@parcel.example.jp", (NULL_PATH,), "message"),
        ("送信エラー", "フォームから送信できません。500 と表示されます。", (), "message"),
        ("Delivery failure", "My parcel could not be delivered. Where is it?", (), "message"),
        ("Undeliverable parcel", "お届けできません", (), "message"),
        ("今月のお知らせ", "配信できません、と出たときは…", ("List-Unsubscribe: <mailto:u@example.jp>",), "message"),
    ],
)  # fmt: skip
def test_absence_parcels_newsletters_and_complaints_about_errors_are_no_bounces(
    subject: str, text: str, fields: tuple[str, ...], kind: str
) -> None:
    assert mail("taro@example.jp", subject, text, *fields).kind.value == kind


@pytest.mark.parametrize("text", ["550 5.1.1 unknown", "Message-ID: <sent@acme.example>"])
def test_a_mail_without_a_way_back_is_a_bounce_where_it_speaks_of_mail(text: str) -> None:
    notice = f"Your message could not be delivered.\n{text}"
    kind = mail("it@example.jp", "Returned mail", notice, NULL_PATH).kind
    assert kind is MessageKind.BOUNCE


def test_the_recipient_is_whom_we_wrote_to_and_not_an_alias_behind_it() -> None:
    report = (
        "From: MAILER-DAEMON@mx.example.jp\nMessage-ID: <r@mx.example.jp>\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.jp\n\n"
        "Original-Recipient: rfc822;taro@example.jp\nFinal-Recipient: rfc822;t-7@ms-daemon\n"
        "Action: failed\nStatus: 5.2.2\n--b--\n"
    )
    assert read(report.encode()).message.attributes["bounce_recipient"] == "taro@example.jp"
