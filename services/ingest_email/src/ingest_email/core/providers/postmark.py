"""Postmark inbound ("Inbound webhook"). Nothing is signed: the address holds user and password.

With "Include raw email content in JSON payload" the mail is there as it came; without it the mail
is written anew from its pieces, which Postmark has decoded.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from common.core.adapters import Answer, ChannelAccount, Draft, Original, Outcome
from common.core.events import Authenticity
from common.core.payloads import Id, json_value, shaped
from common.core.signatures import basic_credentials, unbase64, verified
from common.core.webhooks import ANSWERS
from ingest_email.core.envelope import Envelope
from ingest_email.core.providers.composing import Body, compose, quotable
from ingest_email.core.providers.delivery import Delivery, drafts_of

# 403 is the one status after which Postmark gives up. It repeats all others for ten hours: time
# enough to mend a password that is wrong on our side.
POSTMARK_ANSWERS: Mapping[Outcome, Answer] = MappingProxyType(
    {**ANSWERS, Outcome.UNAUTHENTIC: Answer(401), Outcome.TOO_LARGE: Answer(403)}
)

_RETURN_PATH = "return-path"


class Header(Struct, frozen=True, rename="pascal"):
    """A header field, decoded."""

    name: str
    value: str = ""


class Attachment(Struct, frozen=True, rename="pascal"):
    """A file in base64; the console's test request calls the content `Data`."""

    name: str = ""
    content: str = ""
    data: str = ""
    content_type: str = ""
    content_id: str | None = field(name="ContentID", default=None)


class Inbound(Struct, frozen=True, rename="pascal"):
    """What Postmark posts. `message_id` is Postmark's own, the same in every delivery."""

    message_id: Id = field(name="MessageID")
    raw_email: str | None = None
    from_: str = field(name="From", default="")
    from_name: str = ""
    to: str = ""
    cc: str = ""
    reply_to: str = ""
    subject: str = ""
    date: str = ""
    original_recipient: str = ""
    text_body: str | None = None
    html_body: str | None = None
    headers: tuple[Header, ...] = ()
    attachments: tuple[Attachment, ...] = ()


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether the request comes with the `user:password` that one of the secrets is."""
    return verified(account.secrets, original.headers.get("authorization"), basic_credentials)


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the event of a delivered mail, named by Postmark's id."""
    return drafts_of(_unwrap, "basic", original, account)


def _unwrap(original: Original) -> Delivery:
    inbound = shaped(json_value(original.body), Inbound)
    returned = (item.value for item in inbound.headers if item.name.lower() == _RETURN_PATH)
    sender = next(returned, None)
    return Delivery(
        mime=inbound.raw_email.encode() if inbound.raw_email else _composed(inbound),
        envelope=Envelope(
            sender=None if sender is None else sender.strip().strip("<>"),
            recipients=(inbound.original_recipient,) if inbound.original_recipient else (),
        ),
        authenticity=Authenticity(),
        name=inbound.message_id,
    )


def _composed(inbound: Inbound) -> bytes:
    own = {
        "From": _author(inbound),
        "To": inbound.to,
        "Cc": inbound.cc,
        "Reply-To": inbound.reply_to,
        "Subject": inbound.subject,
        "Date": inbound.date,
    }
    written = [(name, value) for name, value in own.items() if value]
    written += [(item.name, item.value) for item in inbound.headers if item.name not in own]
    bodies = (("text/plain", inbound.text_body), ("text/html", inbound.html_body))
    texts = [Body(kind, text.encode(), "utf-8") for kind, text in bodies if text]
    return compose(written, texts, [_file(item) for item in inbound.attachments])


def _author(inbound: Inbound) -> str:
    """Return the author with the name that Postmark tells apart from the address."""
    if not inbound.from_name or "<" in inbound.from_:
        return inbound.from_
    return f'"{quotable(inbound.from_name)}" <{inbound.from_}>'


def _file(item: Attachment) -> Body:
    content = unbase64("".join((item.content or item.data).split())) or b""
    content_id = (item.content_id or "").strip("<>")
    return Body(item.content_type, content, name=item.name or "file", content_id=content_id)
