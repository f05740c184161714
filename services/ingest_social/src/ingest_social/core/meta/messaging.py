"""Messenger and Instagram webhooks ("Webhook Events Reference", "Webhook Notification Examples").

Ids of people are unique within a page or professional account only, so that is part of the contact.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import UNSUPPORTED, Content, Drafting, Exchange, labelled
from common.core.events import Channel, Direction, MessageKind, Party
from common.core.payloads import (
    UnreadableError,
    flattened,
    items_at,
    shaped,
    text_at,
    value_at,
)
from common.core.times import from_millis
from ingest_social.core.meta.comments import Change, change_draft
from ingest_social.core.meta.messaging_contents import Edit, Message, Reaction, message_content

_NOTIFICATIONS = {
    "STOP_NOTIFICATIONS": MessageKind.OPT_OUT,
    "RESUME_NOTIFICATIONS": MessageKind.OPT_IN,
}


class Person(Struct, frozen=True):
    """Somebody on the page; `user_ref` before they have an id."""

    id: str | None = None
    user_ref: str | None = None


class Event(Struct, frozen=True):
    """What every event has. `timestamp` is in milliseconds."""

    sender: Person = Person()
    recipient: Person = Person()
    timestamp: int | None = None


class Item(Struct, frozen=True):
    """An event of a page; `standby`: another app answers there now."""

    page: str
    told: object
    standby: bool = False


class Scene(Struct, frozen=True):
    """One event and who speaks to whom in it."""

    drafts: Drafting
    item: Item
    exchange: Exchange

    def draft(self, provider_id: str, content: Content) -> Draft:
        """Return a message in this scene."""
        standby = {"standby": "true"} if self.item.standby else {}
        return self.drafts.message(provider_id, self.exchange, labelled(content, standby))

    def named(self, what: str) -> str:
        """Return an id for what has none: the same person does one such thing at a time."""
        time = self.exchange.time or self.drafts.original.received_at
        return f"{what}:{self.exchange.customer.contact}:{time.isoformat()}"


def parse(channel: Channel, original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return everything in one request, in its order."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=channel,
        signature="meta-hmac-sha256",
        stranger=scoped_contact(ContactKind.META, account.account, "unknown"),
        ourselves=scoped_contact(ContactKind.META, account.account, "page"),
    )
    return drafts.from_json(_items, partial(_drafts, drafts))


def _items(body: object) -> list[Item | Change]:
    """Return the events of all entries; Instagram may wrap all in a list."""
    bodies = body if isinstance(body, list) else [body]
    found = [item for told in bodies for entry in items_at(told, "entry") for item in _told(entry)]
    if not found:
        raise UnreadableError("a request that tells nothing")
    return found


def _told(entry: object) -> Iterator[Item | Change]:
    page, time = text_at(entry, "id") or "", value_at(entry, "time")
    if not any(items_at(entry, name) for name in ("messaging", "standby", "changes")):
        yield Item(page, None)  # kept, as something that nobody can read
    yield from (Item(page, told) for told in items_at(entry, "messaging"))
    yield from (Item(page, told, standby=True) for told in items_at(entry, "standby"))
    time = time if isinstance(time, int) else None
    yield from (Change(page, told, time) for told in items_at(entry, "changes"))


def _drafts(drafts: Drafting, item: Item | Change) -> list[Draft]:
    if isinstance(item, Change):
        return [change_draft(drafts, item)]
    scene = _scene(drafts, item)
    name = next((name for name in _READERS if value_at(item.told, name) is not None), None)
    try:
        return list(_READERS[name](scene, value_at(item.told, name))) if name else [_odd(scene)]
    except UnreadableError:
        return [_odd(scene)]


def _odd(scene: Scene) -> Draft:
    return scene.draft(scene.named("unsupported"), UNSUPPORTED)


def _scene(drafts: Drafting, item: Item) -> Scene:
    event = shaped(item.told, Event)
    echo = value_at(item.told, "message", "is_echo") is True
    them, us = event.sender, event.recipient
    if echo:
        them, us = us, them
    page = item.page or us.id or ""
    customer = scoped_contact(ContactKind.META, page, them.id or them.user_ref or "")
    exchange = Exchange(
        customer=Party(customer),
        company=Party(scoped_contact(ContactKind.META, page, page)),
        conversation=customer,
        direction=Direction.OUTBOUND if echo else Direction.INBOUND,
        time=from_millis(event.timestamp),
    )
    return Scene(drafts, item, exchange)


def _message(scene: Scene, told: object) -> Iterator[Draft]:
    message = shaped(told, Message)
    name = f"{message.mid}:deleted" if message.is_deleted else message.mid
    yield scene.draft(name, message_content(message, told))


def _edit(scene: Scene, told: object) -> Iterator[Draft]:
    edit = shaped(told, Edit)
    content = Content(kind=MessageKind.EDIT, text=edit.text, target=edit.mid)
    yield scene.draft(f"{edit.mid}:edit:{edit.num_edit}", content)


def _reaction(scene: Scene, told: object) -> Iterator[Draft]:
    reaction = shaped(told, Reaction)
    content = Content(
        kind=MessageKind.REACTION,
        target=reaction.mid,
        text=reaction.emoji or reaction.reaction,
        attributes={"action": reaction.action},
    )
    yield scene.draft(scene.named(f"{reaction.mid}:{reaction.action}"), content)


def _receipt(status: DeliveryStatus, scene: Scene, told: object) -> Iterator[Draft]:
    """Yield a status per message; a bare watermark names none and stays a note."""
    mids = [mid for mid in (text_at(told, "mid"), *items_at(told, "mids")) if isinstance(mid, str)]
    customer, time = scene.exchange.customer, scene.exchange.time
    for mid in mids:
        yield scene.drafts.status(mid, customer, status, heard=status, time=time)
    if not mids:
        yield from _notice(str(status), scene, told)


def _postback(scene: Scene, told: object) -> Iterator[Draft]:
    content = Content(
        kind=MessageKind.POSTBACK,
        text=text_at(told, "title"),
        attributes=flattened(told),
    )
    yield scene.draft(text_at(told, "mid") or scene.named("postback"), content)


def _opt_in(scene: Scene, told: object) -> Iterator[Draft]:
    wish = text_at(told, "notification_messages_status") or ""
    kind = _NOTIFICATIONS.get(wish, MessageKind.SYSTEM)
    attributes = {"event": "optin", **flattened(told)}
    yield scene.draft(scene.named("optin"), Content(kind=kind, attributes=attributes))


def _notice(name: str, scene: Scene, told: object) -> Iterator[Draft]:
    attributes = {"event": name, **flattened(told)}
    yield scene.draft(scene.named(name), Content(kind=MessageKind.SYSTEM, attributes=attributes))


_READERS: Mapping[str, Callable[[Scene, object], Iterator[Draft]]] = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _reaction,
    "read": partial(_receipt, DeliveryStatus.READ),
    "delivery": partial(_receipt, DeliveryStatus.DELIVERED),
    "postback": _postback,
    "optin": _opt_in,
    **{
        name: partial(_notice, name)
        for name in (
            "referral",
            "account_linking",
            "pass_thread_control",
            "take_thread_control",
            "request_thread_control",
            "app_roles",
            "policy_enforcement",
            "messaging_feedback",
        )
    },
}
