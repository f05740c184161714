"""Mail that machines send about other mail: bounces, complaints, receipts, answers by machine."""

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from common.core.events import Message, MessageKind
from ingest_email.core.addresses import read_addresses
from ingest_email.core.automatic import is_responder
from ingest_email.core.bounce_text import (
    copied_headers,
    read_bounce_text,
    speaks_of_failure,
    speaks_of_mail,
    status_in,
)
from ingest_email.core.headers import Headers
from ingest_email.core.identifiers import identifiers
from ingest_email.core.report_fields import (
    DELIVERY_STATUS,
    DISPOSITION,
    FEEDBACK,
    Delivery,
    find_leaf,
    read_deliveries,
    read_fields,
    returned_headers,
    typed_address,
)
from ingest_email.core.tree import Part

_SYSTEM_ADDRESS = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|postmaster|mdaemon|imss|ndr)(?:[@+.\\]|$)"
    r"|(?:[^@]*[_-])?(?:smtp|mail[_-]service)[_-][^@]*@",
    re.IGNORECASE,
)
_SYSTEM_NAME = re.compile(
    r"mail(?:er)?[ .](?:delivery|deliver|daemon|administrator)|system administrator", re.IGNORECASE
)
_SYSTEM_PATH = re.compile(rb"\s*<mailer-daemon\b", re.IGNORECASE)
_COMPLAINT = re.compile(r"complaint about message from \d", re.IGNORECASE)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_DELIVERED = ("delivered", "relayed", "expanded")


class Report(Struct, frozen=True):
    """What a mail reports.

    `about` is the address it speaks of, where that is not its sender; `returned` the headers of
    the mail it speaks of, empty where it names none.
    """

    kind: MessageKind = MessageKind.MESSAGE
    labels: Mapping[str, str] = {}
    about: str = ""
    returned: Headers = Headers()


def read_report(root: Part, heading: Message, headers: Headers, text: str) -> Report:
    """Return what a mail reports, or a plain message.

    A bounce is one by its machine-readable part (RFC 3464), or where a mail system wrote in its own
    words that a mail did not arrive. Absence notices are never bounces.
    """
    returned = returned_headers(root)
    for media_types, read in _READERS:
        part = find_leaf(root, media_types)
        if part is not None and (report := read(part, returned or Headers())):
            return report
    about = returned or copied_headers(text)
    # The text last: asking for words of failure in every language is slow, and few mails get there.
    if (
        not is_responder(headers)
        and (_is_from_system(heading, headers) or _is_about_mail(heading, headers, about, text))
        and speaks_of_failure(heading.subject or "", text)
    ):
        return _text_bounce(heading, headers, text, about)
    if _COMPLAINT.match(heading.subject or ""):
        return Report(MessageKind.SYSTEM, {"report": "complaint"}, "", returned or Headers())
    if heading.attributes.get("automatic") == "auto-replied":
        return Report(MessageKind.AUTO_REPLY)
    return Report()


def target_of(report: Report) -> str | None:
    """Return the Message-ID of the mail that a report speaks of."""
    return next(iter(identifiers(report.returned.get("message-id"))), None)


def _delivery_status(part: Part, returned: Headers) -> Report | None:
    deliveries = read_deliveries(part)
    if not deliveries:
        return None
    first = deliveries[0]
    if first.action in _DELIVERED:
        labels = {"report": first.action, "delivered_to": first.recipient}
        return Report(MessageKind.SYSTEM, labels, first.recipient, returned)
    recipients = [delivery.recipient for delivery in deliveries if delivery.recipient]
    return _bounce(replace(first, status=_status(first)), recipients, returned)


def _feedback(part: Part, returned: Headers) -> Report:
    fields = read_fields(part)
    kind = fields.get("feedback-type").decode("latin-1").strip().lower()
    recipient = typed_address(fields.get("original-rcpt-to") or fields.get("removal-recipient"))
    labels = {"report": "complaint", "complaint_type": kind, "complaint_recipient": recipient}
    return Report(MessageKind.SYSTEM, labels, recipient, returned)


def _disposition(part: Part, returned: Headers) -> Report:
    fields = read_fields(part)
    disposition = fields.get("disposition").decode("latin-1").rpartition(";")[2]
    labels = {"report": "receipt", "disposition": disposition.partition("/")[0].strip().lower()}
    original = fields.get("original-message-id")
    about = Headers((("message-id", original),)) if original else returned
    return Report(MessageKind.SYSTEM, labels, "", about)


_READERS: tuple[tuple[tuple[str, ...], Callable[[Part, Headers], Report | None]], ...] = (
    (DELIVERY_STATUS, _delivery_status),
    (FEEDBACK, _feedback),
    (DISPOSITION, _disposition),
)


def _text_bounce(heading: Message, headers: Headers, text: str, returned: Headers) -> Report:
    ours = [party.address or "" for party in (*heading.recipients, heading.sender)]
    told = read_bounce_text(text, heading.subject or "", ours)
    failed = [found.address for found in read_addresses(headers.get("x-failed-recipients"))]
    named = [delivery.recipient for delivery in told if delivery.recipient]
    written_to = [found.address for found in read_addresses(returned.get("to"))]
    return _bounce(told[0], failed or named or written_to[:1], returned)


def _bounce(delivery: Delivery, recipients: Sequence[str], returned: Headers) -> Report:
    first = next(iter(recipients), "")
    labels = {
        "report": "bounce",
        "bounce_action": delivery.action,
        "bounce_status": delivery.status,
        "bounce_recipient": first,
        "bounce_recipients": ", ".join(recipients) if len(recipients) > 1 else "",
        "bounce_diagnostic": delivery.diagnostic,
    }
    return Report(MessageKind.BOUNCE, labels, first, returned)


def _status(delivery: Delivery) -> str:
    """Return the status code, the more exact one of the server that refused if there is one."""
    if delivery.action == "delayed":
        return delivery.status if delivery.status.startswith("4") else "4.0.0"
    exact = status_in(delivery.diagnostic)
    if not _STATUS.fullmatch(delivery.status):
        return exact or "5.0.0"
    is_vague = delivery.status.endswith(".0.0") and exact[:1] == delivery.status[:1]
    return exact if is_vague else delivery.status


def _is_from_system(heading: Message, headers: Headers) -> bool:
    sender = heading.sender
    return (
        headers.has("x-failed-recipients")
        or bool(_SYSTEM_ADDRESS.match(sender.address or sender.name or ""))
        or bool(_SYSTEM_NAME.search(f"{sender.name or ''} {sender.address or ''}"))
        or bool(_SYSTEM_PATH.match(headers.get("return-path")))
    )


def _is_about_mail(heading: Message, headers: Headers, about: Headers, text: str) -> bool:
    """Whether a mail that wants no answer is about another mail.

    A parcel service that missed its customer (不在通知) sends from the null path, too.
    """
    is_unanswerable = heading.attributes.get("envelope_from") == "<>" or (
        headers.get("return-path").strip() == b"<>"
    )
    return is_unanswerable and (bool(about.fields) or speaks_of_mail(heading.subject or "", text))
