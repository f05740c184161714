"""Bounces, complaints, receipts and answers by machine, as they reach a mailbox."""

import pytest
from tests.samples.mail.reading import read

from common.core.events import MessageKind
from ingest_email.core.bounce_text import read_bounce_text, status_in
from ingest_email.core.conversation import conversation_key, signed_message_id
from ingest_email.core.report_fields import Delivery

RETURNED = "Message-ID: <sent@acme.example>\nReferences: <root@example.jp>\nTo: taro@example.jp\nSubject: 回答"


def report(kind: str, fields: str, returned: str = RETURNED, text: str = "...") -> bytes:
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.jp>\nTo: support@acme.example\n"
        "Subject: report\nMessage-ID: <report@mx.example.jp>\n"
        f"Content-Type: multipart/report; report-type={kind}; boundary=b\n\n"
        f"--b\n\n{text}\n--b\nContent-Type: message/{kind}\n\n{fields}\n"
        f"--b\nContent-Type: text/rfc822-headers\n\n{returned}\n--b--\n"
    ).encode()


def delivery_status(
    action: str = "failed", status: str = "5.1.1", diagnostic: str = "smtp; 550 5.1.1 User unknown"
) -> str:
    return (
        "Reporting-MTA: dns; mx.example.jp\n\n"
        f"Final-Recipient: rfc822; taro@example.jp\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: {diagnostic}\n"
    )


def test_a_bounce_is_about_whom_it_could_not_reach_and_what_it_returns() -> None:
    draft = read(report("delivery-status", delivery_status()))
    message = draft.message
    assert draft.contact == "email:taro@example.jp"
    assert (message.kind, message.target) == (MessageKind.BOUNCE, "<sent@acme.example>")
    assert message.conversation.key == conversation_key("<root@example.jp>")
    assert message.conversation.in_reply_to == "<sent@acme.example>"
    assert message.attributes["bounce_status"] == "5.1.1"
    assert message.attributes["bounce_recipient"] == "taro@example.jp"
    assert message.attributes["bounce_diagnostic"] == "smtp; 550 5.1.1 User unknown"


def test_a_bounce_of_an_answer_of_ours_is_in_its_conversation() -> None:
    key = conversation_key("<root@example.jp>")
    ours = signed_message_id(key, "m1", "acme.example", "old secret")
    message = read(report("delivery-status", delivery_status(), f"Message-ID: {ours}")).message
    assert message.conversation.key == key


@pytest.mark.parametrize(
    ("fields", "status", "action"),
    [
        (delivery_status("delayed", "4.4.1"), "4.4.1", "delayed"),
        (delivery_status("delayed", "5.4.1"), "4.0.0", "delayed"),
        (delivery_status(status="5.0.0", diagnostic="smtp; 550-5.2.2 full"), "5.2.2", "failed"),
        (delivery_status(status="5.0.0", diagnostic="smtp; 450 4.2.2 full"), "5.0.0", "failed"),
        (delivery_status(status="", diagnostic="smtp; 552 full"), "5.0.0", "failed"),
        (delivery_status(status="", diagnostic=""), "5.0.0", "failed"),
        (delivery_status(status="4.4.7 (expired)", diagnostic=""), "4.4.7", "failed"),
    ],
)
def test_the_status_is_the_most_exact_that_is_told(fields: str, status: str, action: str) -> None:
    labels = read(report("delivery-status", fields)).message.attributes
    assert (labels["bounce_status"], labels["bounce_action"]) == (status, action)


def test_of_several_recipients_those_that_failed_come_first() -> None:
    fields = (
        "Reporting-MTA: dns; x\n\n\nFinal-Recipient: rfc822; a@example.jp\nAction: delivered\n\n"
        "Original-Recipient: rfc822;b@example.jp\nFinal-Recipient: LOCAL;<>\nAction: failed\n"
    )
    draft = read(report("delivery-status", fields))
    assert draft.contact == "email:b@example.jp"
    assert draft.message.attributes["bounce_recipients"] == "b@example.jp, a@example.jp"


def test_a_notice_of_delivery_is_no_bounce() -> None:
    message = read(report("delivery-status", delivery_status("delivered", "2.0.0"))).message
    assert (message.kind, message.attributes["report"]) == (MessageKind.SYSTEM, "delivered")


def test_a_delivery_status_that_names_nobody_is_read_by_its_text() -> None:
    text = "Your mail could not be delivered.\n<jiro@example.jp>: 550 no such user\n"
    draft = read(report("delivery-status", "Reporting-MTA: dns; x", text=text))
    assert draft.contact == "email:jiro@example.jp"
    assert draft.message.kind is MessageKind.BOUNCE


def test_a_complaint_names_who_complained() -> None:
    fields = "Feedback-Type: abuse\nOriginal-Rcpt-To: <taro@example.jp>\n"
    draft = read(report("feedback-report", fields))
    assert (draft.message.kind, draft.contact) == (MessageKind.SYSTEM, "email:taro@example.jp")
    assert draft.message.attributes["report"] == "complaint"
    assert draft.message.attributes["complaint_type"] == "abuse"
    assert draft.message.target == "<sent@acme.example>"


def test_a_complaint_without_a_form_is_known_by_its_subject() -> None:
    mail = b"From: staff@mail.example\nSubject: complaint about message from 192.0.2.1\n\nx"
    assert read(mail).message.attributes["report"] == "complaint"


@pytest.mark.parametrize("original", ["Original-Message-ID: <sent@acme.example>\n", ""])
def test_a_receipt_tells_what_became_of_which_mail(original: str) -> None:
    fields = f"Final-Recipient: rfc822;a@x.jp\n{original}Disposition: manual-action/MDN-sent-manually; displayed\n"
    message = read(report("disposition-notification", fields)).message
    assert message.attributes["disposition"] == "displayed"
    assert (message.kind, message.target) == (MessageKind.SYSTEM, "<sent@acme.example>")


def text_bounce(text: str, headers: str = "", subject: str = "failure notice") -> bytes:
    head = "From: MAILER-DAEMON@mx.example.jp\nTo: support@acme.example\n"
    return f"{head}Subject: {subject}\nMessage-ID: <r@x>\n{headers}\n{text}\n".encode()


@pytest.mark.parametrize(
    ("text", "recipient", "status"),
    [
        (
            "<taro@example.jp>:\nSorry, no mailbox here by that name. (#5.1.1)\n",
            "taro@example.jp",
            "5.1.1",
        ),
        (
            "  taro@example.jp\n    SMTP error after RCPT TO:<taro@example.jp>:\n    550 unknown\n",
            "taro@example.jp",
            "5.0.0",
        ),
        ("Recipient: <taro@example.jp>\n<<< 452 4.2.2 full\n", "taro@example.jp", "4.2.2"),
        (
            "次のあて先へのメッセージはエラーのため送信できませんでした。\n宛先：taro@example.jp\n",
            "taro@example.jp",
            "5.0.0",
        ),
        ("Delivery to taro@example.jp has been delayed", "taro@example.jp", "4.0.0"),
        ("See taro@example.jp from 192.0.2.222 by v5.1.1.2", "taro@example.jp", "5.0.0"),
        ("Nobody is named here, only postmaster@example.jp", "", "5.0.0"),
        ("support@acme.example: mail to yourself", "support@acme.example", "5.0.0"),
    ],
)
def test_a_bounce_for_people_to_read(text: str, recipient: str, status: str) -> None:
    labels = read(text_bounce(text)).message.attributes
    assert (labels.get("bounce_recipient", ""), labels["bounce_status"]) == (recipient, status)


@pytest.mark.parametrize(
    ("copy", "target"),
    [
        (
            "--- Below this line is a copy of the message.\n\nMessage-ID: <sent@x>\nTo: taro@example.jp\n",
            "<sent@x>",
        ),
        ("Reports follow.\n\n  Message-Id: <sent@x>\n", "<sent@x>"),
        ("--- Below this line is a copy of the message.\n\nTo: taro@example.jp\n", None),
    ],
)
def test_the_mail_that_came_back_is_found_in_the_text(copy: str, target: str | None) -> None:
    assert read(text_bounce(f"I wasn't able to deliver.\n{copy}")).message.target == target


def test_whom_the_returned_mail_was_for_is_the_last_resort() -> None:
    text = "It failed.\n--- Enclosed is a copy of the message.\n\nMessage-ID: <s@x>\nTo: saburo@example.jp\n"
    assert read(text_bounce(text)).contact == "email:saburo@example.jp"


def test_exim_names_the_recipients_in_a_field() -> None:
    draft = read(text_bounce("It failed.", "X-Failed-Recipients: a@example.jp, b@example.jp\n"))
    assert draft.message.attributes["bounce_recipients"] == "a@example.jp, b@example.jp"


def test_a_part_that_lost_its_own_headers_is_the_returned_mail() -> None:
    mail = text_bounce("", "Content-Type: multipart/mixed; boundary=b\n") + (
        b"--b\n\ntaro@example.jp [User unknown]\n--b\nMessage-ID: <sent@x>\nTo: taro@example.jp\n\nbody\n--b--\n"
    )
    assert read(mail).message.target == "<sent@x>"


@pytest.mark.parametrize(
    "sender",
    [
        "From: postmaster@example.jp",
        "From: System Administrator <x@example.jp>",
        "From: <>",
        "From: a@example.jp\nReturn-Path: <>",
        "From: a@example.jp\nX-Failed-Recipients: b@example.jp",
    ],
)
def test_only_mail_systems_send_bounces(sender: str) -> None:
    mail = f"{sender}\nSubject: Undeliverable: Hello\n\nx".encode()
    envelope = {"mail_from": ""} if "<>" in sender and "Return" not in sender else {}
    assert read(mail, **envelope).message.kind is MessageKind.BOUNCE


@pytest.mark.parametrize(
    ("mail", "kind"),
    [
        (b"From: taro@example.jp\nSubject: Undeliverable parcel\n\nx", MessageKind.MESSAGE),
        (b"From: postmaster@example.jp\nSubject: Hello\n\nWe moved.", MessageKind.MESSAGE),
        (
            b"From: taro@example.jp\nSubject: Out of Office\n\nBack on Monday.",
            MessageKind.AUTO_REPLY,
        ),
        (
            "From: taro@example.jp\nSubject: 【自動返信】お問い合わせ\n\n受付しました".encode(),
            MessageKind.AUTO_REPLY,
        ),
    ],
)
def test_people_and_their_absence_notices_never_bounce(mail: bytes, kind: MessageKind) -> None:
    envelope = {"mail_from": ""} if kind is MessageKind.AUTO_REPLY else {}
    assert read(mail, **envelope).message.kind is kind


def test_an_absence_notice_speaks_of_the_mail_that_it_answers() -> None:
    mail = b"From: taro@example.jp\nAuto-Submitted: auto-replied\nIn-Reply-To: <sent@acme.example>\n\nx"
    assert read(mail).message.target == "<sent@acme.example>"


def test_a_status_is_no_address_and_no_version() -> None:
    assert status_in("host 5.1.1.9 [192.0.2.222] said: 550-5.7.26 no") == "5.7.26"
    assert status_in("nothing") == ""
    assert read_bounce_text("nothing", "", ()) == (Delivery(action="failed", status="5.0.0"),)
