"""What the headers and the envelope alone tell: all that is known of a mail that cannot be read."""

from common.core.adapters import ChannelAccount, Original
from common.core.events import Channel, Direction, Message, MessageKind
from ingest_email.core.addresses import read_addresses
from ingest_email.core.authenticity import read_authenticity
from ingest_email.core.automatic import automatic_labels
from ingest_email.core.cleaning import one_line
from ingest_email.core.conversation import read_conversation
from ingest_email.core.dates import sent_at
from ingest_email.core.envelope import Envelope, from_headers
from ingest_email.core.headers import Headers
from ingest_email.core.identifiers import message_id
from ingest_email.core.limits import ATTRIBUTE_CHARACTERS, SUBJECT_CHARACTERS
from ingest_email.core.people import addresses, recipients, sender
from ingest_email.core.words import decode_header

AUTHSERV_ID = "authserv_id"  # the account option that names our own gateway

_LABELLED = {
    "importance": "importance",
    "x-priority": "priority",
    "list-id": "list_id",
    "thread-topic": "thread_topic",
    "x-auto-response-suppress": "auto_response_suppress",
}


def read_heading(
    original: Original, account: ChannelAccount, headers: Headers, body: bytes, hint: str = ""
) -> Message:
    """Return the message without its body.

    `hint` is the charset that the mail's text declares, for headers that hold raw bytes.
    """
    envelope = from_headers(original.headers)
    to = recipients(headers, hint)
    own_id = message_id(headers, body)
    written_to = [party.address or "" for party in to]
    return Message(
        message_id=own_id,
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.EMAIL,
        provider=original.provider,
        account=original.account,
        sender=sender(headers, envelope, hint),
        recipients=to,
        conversation=read_conversation(
            headers, own_id, (*envelope.recipients, *written_to), account.secrets
        ),
        sent_at=sent_at(headers.get("date"), original.received_at),
        received_at=original.received_at,
        subject=one_line(decode_header(headers.get("subject"), hint), SUBJECT_CHARACTERS) or None,
        authenticity=read_authenticity(headers, account.options.get(AUTHSERV_ID)),
        team=account.team,
        attributes=_labels(headers, envelope, hint),
    )


def _labels(headers: Headers, envelope: Envelope, hint: str) -> dict[str, str]:
    named = {name: decode_header(headers.get(field), hint) for field, name in _LABELLED.items()}
    told = {
        **named,
        **automatic_labels(headers),
        "reply_to": addresses(read_addresses(headers.get("reply-to"), hint)),
        "envelope_from": "<>" if envelope.sender == "" else envelope.sender or "",
        "envelope_to": ", ".join(envelope.recipients),
        "truncated": " ".join(headers.cut),
    }
    cut = {name: one_line(text, ATTRIBUTE_CHARACTERS) for name, text in told.items()}
    return {name: text for name, text in cut.items() if text}
