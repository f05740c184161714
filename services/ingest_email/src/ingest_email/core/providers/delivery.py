"""What every mail service hands over: a mail, its envelope, and what it found out about them."""

from collections.abc import Callable, Mapping
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.events import Authenticity, Conversation, Message, MessageKind
from common.core.payloads import UnreadableError
from common.core.signatures import sha256_hex
from ingest_email.core.cleaning import one_line
from ingest_email.core.envelope import Envelope, to_headers
from ingest_email.core.limits import ATTRIBUTE_CHARACTERS
from ingest_email.core.message import parse as parse_mail


class Delivery(Struct, frozen=True, kw_only=True):
    """A mail as its provider delivered it.

    `name` is the provider's own name for the delivery, where it has one. `missing` says why `mime`
    is not the whole mail; `labels` become attributes.
    """

    mime: bytes
    envelope: Envelope
    authenticity: Authenticity
    name: str | None = None
    missing: str | None = None
    labels: Mapping[str, str] = {}


Unwrap = Callable[[Original], Delivery]


def drafts_of(
    unwrap: Unwrap, signature: str, original: Original, account: ChannelAccount
) -> tuple[Draft, ...]:
    """Return the event of the mail in a request; an `unsupported` one where there is no mail in it.

    `signature` says how the provider's requests are verified.
    """
    try:
        delivery = unwrap(original)
    except UnreadableError as error:
        delivery = Delivery(
            mime=b"",
            envelope=Envelope(),
            authenticity=Authenticity(),
            name=f"sha256:{sha256_hex(original.body)}",
            missing=str(error),
        )
    mail = replace(original, body=delivery.mime, headers=to_headers(delivery.envelope))
    return tuple(_delivered(draft, delivery, signature) for draft in parse_mail(mail, account))


def _delivered(draft: Draft, delivery: Delivery, signature: str) -> Draft:
    message = cast("Message", draft.data)  # a mail is never a status alone
    told = {**delivery.labels, "unreadable": delivery.missing or ""}
    labels = {name: one_line(text, ATTRIBUTE_CHARACTERS) for name, text in told.items() if text}
    message = replace(
        message,
        authenticity=_vouched(message.authenticity, delivery.authenticity, signature),
        attributes={**message.attributes, **labels},
    )
    if delivery.missing:
        message = replace(message, kind=MessageKind.UNSUPPORTED)
    if not delivery.mime and delivery.name:
        # No mail, no thread: two such requests are two conversations.
        message = replace(
            message, message_id=delivery.name, conversation=Conversation(delivery.name)
        )
    return replace(draft, data=message, provider_id=delivery.name or draft.provider_id)


def _vouched(read: Authenticity, told: Authenticity, signature: str) -> Authenticity:
    """Return the provider's results, and those of our own gateway where it told none."""
    return Authenticity(
        signature=signature,
        spf=told.spf or read.spf,
        dkim=told.dkim or read.dkim,
        dmarc=told.dmarc or read.dmarc,
    )
