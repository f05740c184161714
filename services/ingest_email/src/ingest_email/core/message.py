"""A mail becomes one event: everything that the other modules read, put together."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, File, Original
from common.core.events import Message, MessageKind
from common.core.language import language_of
from ingest_email.core.attachments import read_files
from ingest_email.core.bodies import choose_bodies
from ingest_email.core.cleaning import one_line
from ingest_email.core.content import Content, read_content
from ingest_email.core.conversation import read_conversation
from ingest_email.core.dates import event_time
from ingest_email.core.headers import read_headers
from ingest_email.core.heading import read_heading
from ingest_email.core.identifiers import body_digest
from ingest_email.core.invitations import Invitation, find_invitation
from ingest_email.core.limits import (
    ATTRIBUTE_CHARACTERS,
    MESSAGE_BYTES,
    LimitExceededError,
)
from ingest_email.core.people import contact_of
from ingest_email.core.quotes import reply_text
from ingest_email.core.reports import Report, read_report, target_of
from ingest_email.core.structure import structure_labels
from ingest_email.core.tree import Part, read_tree
from ingest_email.core.unwrapping import unwrap

Reader = Callable[[Original, ChannelAccount], Draft]


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the one event of a mail.

    `original.body` is the mail as it came, `original.headers` its envelope (core.envelope). Never
    raises on content: what cannot be read becomes `unsupported`, with what its headers tell and the
    reason in `attributes["unreadable"]`.
    """
    return (parse_with(read_mail, original, account),)


def parse_with(read: Reader, original: Original, account: ChannelAccount) -> Draft:
    """Return what `read` makes of a mail, or an `unsupported` event where it fails."""
    try:
        return read(original, account)
    except LimitExceededError as error:
        return _unreadable(original, account, error.limit)
    except Exception as error:  # noqa: BLE001 - a fault of ours must not bounce a customer's mail
        return _unreadable(original, account, type(error).__name__)


def read_mail(original: Original, account: ChannelAccount) -> Draft:
    """Return the event of a mail. Raises LimitExceededError."""
    if len(original.body) > MESSAGE_BYTES:
        raise LimitExceededError("size")
    root = read_tree(original.body)
    headers, start = read_headers(original.body, 0)
    body = original.body[start:]
    heading = read_heading(original, account, headers, body, _declared_charset(root))
    unwrapped = unwrap(choose_bodies(root))
    bodies = unwrapped.bodies
    invitation = find_invitation(bodies)
    content = _with_invitation(read_content(bodies), invitation)
    files = read_files((*bodies.attachments, *content.long))
    report = read_report(root, heading, headers, content.text)
    message = _reported(heading, report, account.secrets)
    labels = {**message.attributes, **unwrapped.labels, **structure_labels(root)}
    labels |= invitation.labels() if invitation else {}
    message = replace(message, attributes=labels, attachments=files.attachments, **_texts(content))
    contact = contact_of(report.about) or message.sender.contact
    return _draft(message, body, contact, files.contents)


def _reported(message: Message, report: Report, secrets: Sequence[str]) -> Message:
    """Return the message as the report that it is, in the conversation of the mail it speaks of."""
    target = target_of(report)
    conversation = message.conversation
    if target:
        conversation = replace(
            read_conversation(report.returned, target, (target,), secrets), in_reply_to=target
        )
    elif report.kind is not MessageKind.MESSAGE:
        target = conversation.in_reply_to
    labels = {name: one_line(text, ATTRIBUTE_CHARACTERS) for name, text in report.labels.items()}
    return replace(
        message,
        kind=report.kind,
        conversation=conversation,
        target=target,
        attributes={**message.attributes, **{name: text for name, text in labels.items() if text}},
    )


def _unreadable(original: Original, account: ChannelAccount, reason: str) -> Draft:
    headers, start = read_headers(original.body, 0)
    body = original.body[start:]
    heading = read_heading(original, account, headers, body)
    attributes = {**heading.attributes, "unreadable": reason}
    message = replace(heading, kind=MessageKind.UNSUPPORTED, attributes=attributes)
    return _draft(message, body, message.sender.contact)


def _draft(message: Message, body: bytes, contact: str, files: tuple[File, ...] = ()) -> Draft:
    return Draft(
        # Ids are chosen by senders and repeated by mistake: the body makes the difference.
        provider_id=f"{message.message_id} {body_digest(body)}",
        contact=contact,
        time=event_time(message.sent_at, message.received_at),
        data=message,
        files=files,
    )


def _with_invitation(content: Content, invitation: Invitation | None) -> Content:
    """Return the content; an invitation speaks for a mail that has no text."""
    if invitation is None or content.text.strip():
        return content
    return replace(content, text=invitation.text())


def _texts(content: Content) -> dict[str, str | None]:
    reply = reply_text(content.text)
    return {
        "text": content.text or None,
        "text_reply": reply if content.text else None,
        "html": content.html,
        "language": language_of(reply) or language_of(content.text),
    }


def _declared_charset(part: Part) -> str:
    """Return the charset of the first text, which raw bytes in headers are most likely in."""
    declared = part.content_type.get("charset")
    if declared or not part.children:
        return declared
    return next((found for child in part.children if (found := _declared_charset(child))), "")
