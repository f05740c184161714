"""LINE's webhook requests ("Receive messages (webhook)"): many events in one, at least once each."""

from functools import partial

from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, InvalidContactError, scoped_contact
from common.core.drafting import Content, Drafting, Exchange, labelled
from common.core.events import Channel, Party
from common.core.payloads import UnreadableError, json_value, shaped, text_at
from common.core.times import from_millis
from ingest_social.core.line.contents import content
from ingest_social.core.line.shapes import Callback, Event, Source


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return one message per event, in the request's order; none when LINE checks our address."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.LINE,
        signature="line-hmac-sha256",
        stranger=_contact(account, "unknown"),
        ourselves=_contact(account, "bot"),
    )
    try:
        callback = shaped(json_value(original.body), Callback)
        drafts = replace(drafts, ourselves=_contact(account, callback.destination))
    except (UnreadableError, InvalidContactError):
        return (drafts.unsupported(),)
    return drafts.each(callback.events, partial(_drafts, drafts), _event_id)


def _drafts(drafts: Drafting, item: object) -> tuple[Draft]:
    event = shaped(item, Event)
    said = _framed(content(event.type, item), event)
    return (drafts.message(event.webhook_event_id, _exchange(drafts, event), said),)


def _framed(said: Content, event: Event) -> Content:
    """Add what matters to whoever answers; a redelivery must differ in nothing else."""
    return labelled(
        said,
        {
            "redelivery": "true" if event.delivery_context.is_redelivery else "",
            "mode": event.mode if event.mode != "active" else "",
            "reply_token": event.reply_token,
        },
    )


def _exchange(drafts: Drafting, event: Event) -> Exchange:
    source = event.source or Source()
    chat = source.group_id or source.room_id or source.user_id
    person = source.user_id or chat
    company = Party(drafts.ourselves)
    customer = Party(_contact(drafts.account, person)) if person else company
    conversation = _contact(drafts.account, chat) if chat else drafts.ourselves
    return Exchange(
        customer=customer,
        company=company,
        conversation=conversation,
        time=from_millis(event.timestamp),
    )


def _contact(account: ChannelAccount, who: str) -> str:
    return scoped_contact(ContactKind.LINE, account.account, who)


def _event_id(item: object) -> str | None:
    return text_at(item, "webhookEventId")
