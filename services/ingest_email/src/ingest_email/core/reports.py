"""Mail that machines send about other mail: bounces, complaints, receipts, and answers by machine."""

from collections.abc import Mapping

from msgspec import Struct

from common.core.events import Message, MessageKind
from ingest_email.core.headers import Headers
from ingest_email.core.tree import Part


class Report(Struct, frozen=True):
    """What a mail reports. `contact` is whom it is about, where that is not its sender; `target` the
    Message-ID of the mail it speaks of.
    """

    kind: MessageKind = MessageKind.MESSAGE
    labels: Mapping[str, str] = {}
    target: str | None = None
    contact: str | None = None


def read_report(root: Part, heading: Message, headers: Headers) -> Report:
    """Return what a mail reports, or a plain message."""
    if heading.attributes.get("automatic") == "auto-replied":
        return Report(MessageKind.AUTO_REPLY, target=heading.conversation.in_reply_to)
    return Report()
