"""Amazon SES inbound through SNS ("Contents of notifications for Amazon SES email receiving").

The SNS action brings the mail along, up to 150 KB; choose Base64, since UTF-8 damages other
charsets. The S3 action brings only what the headers tell, and where the mail lies: an account that
names its bucket has it fetched (edges/stored_mail.py), any other gets the headers.
"""

from base64 import b64encode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.events import Authenticity
from common.core.payloads import Id, UnreadableError, json_value, shaped
from common.core.signatures import unbase64
from common.core.sns import NOTIFICATION, SUBSCRIPTION, envelope
from ingest_email.core.envelope import Envelope
from ingest_email.core.providers.composing import header_block
from ingest_email.core.providers.delivery import Delivery, drafts_of

# RFC 8601's words. GRAY: the domain says nothing that could be checked.
_RESULTS = {"PASS": "pass", "FAIL": "fail", "GRAY": "none", "PROCESSING_FAILED": "temperror"}


class Verdict(Struct, frozen=True):
    """What SES found: PASS, FAIL, GRAY, PROCESSING_FAILED or DISABLED."""

    status: str = ""


class Action(Struct, frozen=True, rename="camel"):
    """What the receipt rule did with the mail."""

    type: str = ""
    encoding: str = ""
    bucket_name: str = ""
    object_key: str = ""


class Receipt(Struct, frozen=True, rename="camel"):
    """How the mail was received."""

    recipients: tuple[str, ...] = ()
    action: Action = Action()
    spam_verdict: Verdict = Verdict()
    virus_verdict: Verdict = Verdict()
    spf_verdict: Verdict = Verdict()
    dkim_verdict: Verdict = Verdict()
    dmarc_verdict: Verdict = Verdict()


class Header(Struct, frozen=True):
    """A header field as it was written."""

    name: str
    value: str = ""


class Mail(Struct, frozen=True, rename="camel"):
    """The mail. `message_id` is SES's own, the same in every delivery and for all recipients."""

    message_id: Id
    source: str | None = None
    headers: tuple[Header, ...] = ()


class Received(Struct, frozen=True, rename="camel"):
    """A notification that mail was received."""

    mail: Mail
    receipt: Receipt = Receipt()
    content: str | None = None


class Place(Struct, frozen=True):
    """An object in S3."""

    bucket: str
    key: str


def place_of(original: Original) -> Place | None:
    """Return where the mail of a notification lies, or None where it came along or there is none."""
    try:
        received = _received(envelope(original.body).message)
    except UnreadableError:
        return None
    action = received.receipt.action
    if received.content or action.type.upper() != "S3" or not action.object_key:
        return None
    return Place(action.bucket_name, action.object_key)


def with_mail(original: Original, mail: bytes) -> Original:
    """Return a notification that `place_of` knows, with its mail, as the SNS action would send it.

    So it can be read again when the object is gone. SNS has not signed it like this.
    """
    outer = envelope(original.body)
    told = shaped(_told(outer.message), dict[str, object])
    receipt = shaped(told["receipt"], dict[str, object])
    action = shaped(receipt["action"], dict[str, object]) | {"encoding": "BASE64"}
    told |= {"content": b64encode(mail).decode(), "receipt": receipt | {"action": action}}
    message = msgspec.json.encode(told).decode()
    return replace(original, body=msgspec.json.encode(replace(outer, message=message)))


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the event of a received mail; what SNS says about its subscription is no mail."""
    if _is_about_subscription(original.body):
        return ()
    return drafts_of(_unwrap, "sns-rsa", original, account)


def _is_about_subscription(body: bytes) -> bool:
    try:
        return envelope(body).type == SUBSCRIPTION
    except UnreadableError:
        return False


def _unwrap(original: Original) -> Delivery:
    notification = envelope(original.body)
    if notification.type != NOTIFICATION:
        raise UnreadableError("not a notification")
    received = _received(notification.message)
    mail, receipt = received.mail, received.receipt
    mime, headers = _content(received), ((item.name, item.value) for item in mail.headers)
    return Delivery(
        mime=header_block(headers) if mime is None else mime,
        envelope=Envelope(sender=mail.source, recipients=receipt.recipients),
        authenticity=Authenticity(
            spf=_RESULTS.get(receipt.spf_verdict.status),
            dkim=_RESULTS.get(receipt.dkim_verdict.status),
            dmarc=_RESULTS.get(receipt.dmarc_verdict.status),
        ),
        name=mail.message_id,
        missing="the mail itself was not sent along" if mime is None else None,
        labels=_labels(receipt),
    )


def _received(message: str) -> Received:
    return shaped(_told(message), Received)


def _told(message: str) -> object:
    return json_value(message.encode("utf-8", "surrogatepass"))


def _content(received: Received) -> bytes | None:
    if not received.content:
        return None
    if received.receipt.action.encoding.upper() != "BASE64":
        return received.content.encode()
    content = unbase64("".join(received.content.split()))
    if content is None:
        raise UnreadableError("the mail is not the base64 that it claims to be")
    return content


def _labels(receipt: Receipt) -> dict[str, str]:
    action = receipt.action
    where = f"s3://{action.bucket_name}/{action.object_key}" if action.bucket_name else ""
    return {
        "spam": _RESULTS.get(receipt.spam_verdict.status, ""),
        "virus": _RESULTS.get(receipt.virus_verdict.status, ""),
        "stored_at": where,
    }
