"""Viber's callbacks ("Viber REST Bot API", Callbacks): one event each.

Viber has no channel of its own on the bus: it is `app`, and `provider` tells.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import Content, Drafting, Exchange, alone, labelled, named
from common.core.events import Channel, MessageKind, Party
from common.core.payloads import UnreadableError, shaped, text_at, value_at
from common.core.times import from_millis
from ingest_social.core.viber.contents import content
from ingest_social.core.viber.shapes import Callback, User

_STATUSES = {
    "delivered": DeliveryStatus.DELIVERED,
    "seen": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
}
_CHECK = "webhook"  # sent when our address is set: it wants a 200 and tells nothing

Read = Callable[[Drafting, Callback, object], Draft]


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the one event of a callback; none when Viber checks our address."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.APP,
        signature="viber-hmac-sha256",
        stranger=_contact(account, "unknown"),
        ourselves=_contact(account, "bot"),
    )
    return drafts.from_json(alone, partial(_drafts, drafts), _name)


def _drafts(drafts: Drafting, item: object) -> Iterator[Draft]:
    told = shaped(item, Callback)
    read = _READERS.get(told.event)
    if read is not None:
        yield read(drafts, told, item)
    elif told.event != _CHECK:
        raise UnreadableError("an event nobody documented")


def _name(item: object) -> str | None:
    """Return what names the callback; a status has the token of the message that it is about."""
    token, event = value_at(item, "message_token"), text_at(item, "event")
    return named(str(token), event if event in _STATUSES else None) if token else None


def _message(drafts: Drafting, told: Callback, item: object) -> Draft:
    return drafts.message(
        str(told.message_token), _exchange(drafts, told), content(value_at(item, "message"))
    )


def _status(drafts: Drafting, told: Callback, _item: object) -> Draft:
    return drafts.status(
        str(told.message_token),
        _exchange(drafts, told).customer,
        _STATUSES[told.event],
        heard=told.event,
        time=from_millis(told.timestamp),
        error_code=told.desc,
    )


def _event(kind: MessageKind, drafts: Drafting, told: Callback, _item: object) -> Draft:
    subscribed = None if told.subscribed is None else str(told.subscribed).lower()
    attributes = {"event": told.event, "context": told.context, "subscribed": subscribed}
    said = labelled(Content(kind=kind), attributes)
    return drafts.message(str(told.message_token), _exchange(drafts, told), said)


def _exchange(drafts: Drafting, told: Callback) -> Exchange:
    person = told.sender or told.user or User(told.user_id or "")
    customer = Party(_contact(drafts.account, person.id), person.name)
    chat = told.chat_id or customer.contact
    return Exchange(
        customer=customer,
        company=Party(drafts.ourselves),
        conversation=f"{drafts.ourselves}/{chat}",
        time=from_millis(told.timestamp),
    )


def _contact(account: ChannelAccount, who: str) -> str:
    return scoped_contact(ContactKind.APP, account.provider, account.account, who)


_READERS: Mapping[str, Read] = {
    "message": _message,
    "subscribed": partial(_event, MessageKind.OPT_IN),
    "unsubscribed": partial(_event, MessageKind.OPT_OUT),
    "conversation_started": partial(_event, MessageKind.SYSTEM),
    **dict.fromkeys(_STATUSES, _status),
}
