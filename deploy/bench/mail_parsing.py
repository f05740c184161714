"""How many mails of each size one core reads, beside the standard library's parser that decodes their parts."""

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from random import Random
from time import process_time

from bench.figures import Figure
from bench.texts import text_of
from common.core.adapters import ChannelAccount, Original
from ingest_email.core.message import read_mail
from pretend.mail import Enclosure, japanese_mail

CPU_SECONDS = 2.0
MOMENT = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
SENDER, RECIPIENT = "hanako.suzuki@example.jp", "support@acme.example"
LIMIT = "the standard library's parser, decoding every part and nothing more"
ATTACHED_BYTES = 740_000  # 1 MB in base64


def measure() -> list[Figure]:
    """Read each mail again and again for two seconds of this process's time."""
    mails = {"2kb_text": text_mail(), "30kb_multipart": multipart(), "1mb_attachment": attachment()}
    return [
        Figure(
            f"mails_parsed_per_s_{name}", _rate(_ours, mail), "mails/s", _rate(_bare, mail), LIMIT
        )
        for name, mail in mails.items()
    ]


def text_mail() -> bytes:
    """Return 2 KB in ISO-2022-JP."""
    return _japanese(_lines(24))


def attachment() -> bytes:
    """Return 1 MB: a text and a file."""
    content = Random(1).randbytes(ATTACHED_BYTES)  # noqa: S311 - the same bytes each time, no secret
    return _japanese(_lines(24), Enclosure("障害記録.zip", "application/zip", content))


def multipart() -> bytes:
    """Return 30 KB: text and HTML in UTF-8, as a webmail program writes them."""
    mail = EmailMessage()
    mail["From"], mail["To"] = f"鈴木 花子 <{SENDER}>", RECIPIENT
    mail["Subject"], mail["Date"] = "インターネットにつながりません", MOMENT
    mail["Message-ID"] = "<bench.30kb@example.jp>"
    lines = _lines(105).split("\n")
    mail.set_content("\n".join(lines), cte="base64")
    rows = "\n".join(f'<div style="margin:0">{line}<br></div>' for line in lines)
    mail.add_alternative(f"<html><body>{rows}</body></html>", "html", cte="base64")
    return mail.as_bytes(policy=default.clone(linesep="\r\n"))


def _japanese(text: str, *enclosures: Enclosure) -> bytes:
    return japanese_mail(
        SENDER,
        "鈴木 花子",
        RECIPIENT,
        "インターネットにつながりません",
        text,
        "bench@example.jp",
        MOMENT,
        enclosures,
    )


def _lines(count: int) -> str:
    return "\n".join(map(text_of, range(count)))


def _ours(mail: bytes) -> None:
    account = ChannelAccount(tenant="acme", provider="smtp", account="support")
    read_mail(Original(provider="smtp", account="support", received_at=MOMENT, body=mail), account)


def _bare(mail: bytes) -> None:
    for part in message_from_bytes(mail).walk():
        part.get_payload(decode=True)


def _rate(read: Callable[[bytes], None], mail: bytes) -> float:
    """Return mails per second of processor time: what else runs on the machine does not count."""
    read(mail)
    gc.collect()
    done, began = 0, process_time()
    while process_time() - began < CPU_SECONDS:
        read(mail)
        done += 1
    return done / (process_time() - began)
