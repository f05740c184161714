"""Telegram's updates. One that failed would hold up its chat: what is odd is kept, never refused."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.drafting import Content, Drafting, Exchange, alone, labelled
from common.core.events import Channel, Direction, MessageKind, Party
from common.core.payloads import UnreadableError, flattened, shaped, text_at, value_at
from common.core.times import from_seconds
from ingest_social.core.telegram.contents import content
from ingest_social.core.telegram.shapes import Callback, Chat, Deleted, Message, Reaction, User


class Update(Struct, frozen=True):
    """What every update has; with the bot it is unique."""

    update_id: int


_WISHES = {"kicked": MessageKind.OPT_OUT, "member": MessageKind.OPT_IN}

Read = Callable[[Drafting, int, object], Iterator[Draft]]


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return what one update tells."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.TELEGRAM,
        signature="telegram-secret-token",
        stranger=scoped_contact(ContactKind.TELEGRAM, "unknown"),
        ourselves=scoped_contact(ContactKind.TELEGRAM, account.account),
    )
    return drafts.from_json(alone, partial(_drafts, drafts), _update_id)


def _drafts(drafts: Drafting, item: object) -> list[Draft]:
    update = shaped(item, Update).update_id
    name = next((name for name in _READERS if value_at(item, name) is not None), None)
    if name is None:
        raise UnreadableError("an update nobody documented")
    return list(_READERS[name](drafts, update, value_at(item, name)))


def _update_id(item: object) -> str | None:
    found = value_at(item, "update_id")
    return str(found) if isinstance(found, int) else None


def _message(drafts: Drafting, update: int, told: object) -> Iterator[Draft]:
    message = shaped(told, Message)
    said = replace(_said(message, told), message_id=_name(message.chat, message.message_id))
    yield drafts.message(str(update), _exchange(drafts, message), said)


def _edited(drafts: Drafting, update: int, told: object) -> Iterator[Draft]:
    message = shaped(told, Message)
    said = _said(message, told)
    kind = MessageKind.EDIT if said.kind is MessageKind.MESSAGE else said.kind
    said = replace(said, kind=kind, target=_name(message.chat, message.message_id))
    exchange = _exchange(drafts, message)
    edited_at = from_seconds(message.edit_date) or exchange.time
    yield drafts.message(str(update), replace(exchange, time=edited_at), said)


def _deleted(drafts: Drafting, update: int, told: object) -> Iterator[Draft]:
    deleted = shaped(told, Deleted)
    exchange = _exchange(drafts, Message(0, deleted.chat))
    for message_id in deleted.message_ids:
        target = _name(deleted.chat, message_id)
        content = Content(kind=MessageKind.UNSEND, target=target)
        yield drafts.message(f"{update}:{message_id}", exchange, content)


def _callback(drafts: Drafting, update: int, told: object) -> Iterator[Draft]:
    pressed = shaped(told, Callback)
    chat = pressed.message.chat if pressed.message else Chat(pressed.sender.id)
    under = _name(chat, pressed.message.message_id) if pressed.message else None
    content = Content(
        kind=MessageKind.POSTBACK,
        in_reply_to=under,
        attributes={"payload": pressed.data or ""},
    )
    yield drafts.message(str(update), _undated(drafts, chat, pressed.sender), content)


def _reaction(drafts: Drafting, update: int, told: object) -> Iterator[Draft]:
    reaction = shaped(told, Reaction)
    message = Message(
        reaction.message_id,
        reaction.chat,
        reaction.date,
        sender=reaction.user,
        sender_chat=reaction.actor_chat,
    )
    emojis = [one.emoji or "" for one in reaction.new_reaction]
    custom = [one.custom_emoji_id for one in reaction.new_reaction if one.custom_emoji_id]
    content = Content(
        kind=MessageKind.REACTION,
        target=_name(reaction.chat, reaction.message_id),
        text="".join(emojis) or None,
        attributes={
            "action": "react" if emojis else "unreact",
            **flattened(custom, "custom_emoji"),
        },
    )
    yield drafts.message(str(update), _exchange(drafts, message), content)


def _membership(drafts: Drafting, update: int, told: object) -> Iterator[Draft]:
    """Yield what became of us in a chat: in a private one, that its person blocks us or no longer."""
    private = text_at(told, "chat", "type") == "private"
    wish = _WISHES.get(text_at(told, "new_chat_member", "status") or "") if private else None
    yield from _notice("my_chat_member", drafts, update, told, kind=wish or MessageKind.SYSTEM)


def _notice(
    name: str,
    drafts: Drafting,
    update: int,
    told: object,
    kind: MessageKind = MessageKind.SYSTEM,
) -> Iterator[Draft]:
    content = Content(kind=kind, attributes={"event": name, **flattened(told)})
    sender = value_at(told, "from") or value_at(told, "user")
    if sender is None:
        yield drafts.anonymous(content, str(update))
        return
    user = shaped(sender, User)
    exchange = _undated(drafts, Chat(user.id), user)
    at = from_seconds(flattened(told).get("date"))
    yield drafts.message(str(update), replace(exchange, time=at), content)


def _said(message: Message, told: object) -> Content:
    replied = message.reply_to_message
    return labelled(
        replace(
            content(told), in_reply_to=_name(message.chat, replied.message_id) if replied else None
        ),
        {
            "media_group": message.media_group_id,
            "forwarded": "true" if value_at(told, "forward_origin") else None,
            "quote": text_at(told, "quote", "text"),
        },
    )


def _exchange(drafts: Drafting, message: Message) -> Exchange:
    """Return who speaks where. A private chat has its person's id, whoever writes in it."""
    chat, sender = message.chat, message.sender
    topic = message.direct_messages_topic
    within = message.message_thread_id or (topic.topic_id if topic else None)
    thread = f"/{within}" if within else ""
    outbound = chat.type == "private" and sender is not None and sender.id != chat.id
    return Exchange(
        customer=Party(_contact(chat.id)) if outbound else _customer(message),
        company=Party(drafts.ourselves),
        conversation=f"{drafts.ourselves}/{chat.id}{thread}",
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
        time=from_seconds(message.date),
    )


def _undated(drafts: Drafting, chat: Chat, user: User) -> Exchange:
    return replace(_exchange(drafts, Message(0, chat)), customer=_person(user))


def _customer(message: Message) -> Party:
    """Return the person, or the group or channel in whose name they write."""
    if message.sender_chat:
        return Party(_contact(message.sender_chat.id), message.sender_chat.title)
    return _person(message.sender) if message.sender else Party(_contact(message.chat.id))


def _person(user: User) -> Party:
    name = f"{user.first_name} {user.last_name}".strip()
    return Party(_contact(user.id), name or None, f"@{user.username}" if user.username else None)


def _contact(user: int) -> str:
    return scoped_contact(ContactKind.TELEGRAM, str(user))


def _name(chat: Chat, message_id: int) -> str:
    return f"{chat.id}:{message_id}"


_READERS: Mapping[str, Read] = {
    "message": _message,
    "channel_post": _message,
    "business_message": _message,
    "guest_message": _message,
    "edited_message": _edited,
    "edited_channel_post": _edited,
    "edited_business_message": _edited,
    "deleted_business_messages": _deleted,
    "callback_query": _callback,
    "message_reaction": _reaction,
    "my_chat_member": _membership,
    **{
        name: partial(_notice, name)
        for name in (
            "message_reaction_count",
            "business_connection",
            "inline_query",
            "chosen_inline_result",
            "shipping_query",
            "pre_checkout_query",
            "purchased_paid_media",
            "poll",
            "poll_answer",
            "chat_member",
            "chat_join_request",
            "chat_boost",
            "removed_chat_boost",
        )
    },
}
