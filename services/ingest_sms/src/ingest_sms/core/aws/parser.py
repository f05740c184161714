"""AWS two-way SMS ("Example of a two-way SMS message payload for Amazon SNS topics").

The payload holds no time: SNS's own is used. AWS promises no order.
"""

from functools import partial

from msgspec import Struct

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.drafting import Content, Drafting, alone, labelled
from common.core.events import MessageKind
from common.core.keywords import keyword_kind
from common.core.payloads import Id, json_value, shaped, text_at
from common.core.sns import NOTIFICATION, Envelope, confirmation_url
from common.core.times import from_iso
from ingest_sms.core.texting import company_party, drafting, exchange, international, number_party


class Incoming(Struct, frozen=True, rename="camel"):
    """A text message to one of our numbers."""

    origination_number: str
    inbound_message_id: Id
    destination_number: str = ""
    message_body: str = ""
    message_keyword: str | None = None
    previous_published_message_id: str | None = None


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message of one notification; what SNS says about itself is of kind `system`."""
    drafts = drafting(original, account, "sns-rsa")
    return drafts.from_json(alone, partial(_drafts, drafts), _message_id)


def _drafts(drafts: Drafting, item: object) -> tuple[Draft]:
    envelope = shaped(item, Envelope)
    read = _message if envelope.type == NOTIFICATION else _service
    return (read(drafts, envelope),)


def _message(drafts: Drafting, envelope: Envelope) -> Draft:
    sms = shaped(json_value(envelope.message.encode("utf-8", "surrogatepass")), Incoming)
    customer = number_party(international(sms.origination_number), drafts.account)
    company = company_party(sms.destination_number, drafts.account)
    content = Content(
        kind=keyword_kind(sms.message_body),
        text=sms.message_body,
        in_reply_to=sms.previous_published_message_id,
    )
    return drafts.message(
        sms.inbound_message_id,
        exchange(customer, company, from_iso(envelope.timestamp)),
        labelled(content, {"keyword": sms.message_keyword}),
    )


def _service(drafts: Drafting, envelope: Envelope) -> Draft:
    told = {"event": envelope.type, "topic": envelope.topic_arn}
    content = labelled(
        Content(kind=MessageKind.SYSTEM), {**told, "confirm_url": confirmation_url(envelope)}
    )
    return drafts.anonymous(content, envelope.message_id)


def _message_id(item: object) -> str | None:
    return text_at(item, "MessageId")
