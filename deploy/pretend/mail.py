"""Mails as a Japanese customer's program writes them, and real SMTP to deliver them."""

import smtplib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

CHARSET = "iso-2022-jp"
BOUNDARY = "----=_NextPart_Madoguchi"


@dataclass(frozen=True)
class Enclosure:
    """A file that goes along."""

    name: str
    media_type: str
    content: bytes


def japanese_mail(
    sender: str,
    sender_name: str,
    recipient: str,
    subject: str,
    text: str,
    message_id: str,
    moment: datetime,
    enclosures: Sequence[Enclosure] = (),
) -> bytes:
    """Return a mail in ISO-2022-JP with CRLF line ends."""
    headers = [
        f"From: {_word(sender_name)} <{sender}>",
        f"To: {recipient}",
        f"Subject: {_word(subject)}",
        f"Date: {format_datetime(moment)}",
        f"Message-ID: <{message_id}>",
        "MIME-Version: 1.0",
    ]
    body = _part(f"text/plain; charset={CHARSET}", "7bit", text.encode(CHARSET))
    if not enclosures:
        return "\r\n".join(headers).encode() + b"\r\n" + body
    headers.append(f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"')
    parts = [body, *(_enclosure(item) for item in enclosures)]
    delimiter = f"\r\n--{BOUNDARY}\r\n".encode()
    content = delimiter + delimiter.join(parts) + f"\r\n--{BOUNDARY}--\r\n".encode()
    return "\r\n".join(headers).encode() + b"\r\n" + content


def deliver(host: str, port: int, sender: str, recipient: str, mail: bytes) -> None:
    """Hand the mail over by SMTP. Raises smtplib.SMTPException or OSError unless answered 250."""
    with smtplib.SMTP(host, port, timeout=30) as smtp:
        smtp.sendmail(sender, [recipient], mail)


def _enclosure(item: Enclosure) -> bytes:
    kind = f'{item.media_type}; name="{_word(item.name)}"'
    disposition = f'Content-Disposition: attachment; filename="{_word(item.name)}"\r\n'
    encoded = b64encode(item.content)
    lines = b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    return disposition.encode() + _part(kind, "base64", lines)


def _part(kind: str, transfer: str, content: bytes) -> bytes:
    return (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n".encode() + content
    )


def _word(text: str) -> str:
    if text.isascii():
        return text
    return f"=?ISO-2022-JP?B?{b64encode(text.encode(CHARSET)).decode()}?="
