"""X: posts that mention or answer us, and direct messages.

The same post may be told as a mention and as an answer, and once for each of our users: a post and
a direct message are named by their own ids, so that each counts once.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import Content, Drafting, Exchange
from common.core.events import Channel, Direction, MessageKind, Party
from common.core.payloads import (
    Id,
    UnreadableError,
    flattened,
    shaped,
    shaped_at,
    text_at,
    value_at,
)
from common.core.times import from_millis
from ingest_social.core.x.items import (
    MESSAGE,
    MESSAGE_READ,
    NOTICE,
    POST,
    POST_DELETED,
    Item,
    items,
)
from ingest_social.core.x.posts import file, post, unescaped

# End-to-end encrypted, or a message whose content did not come: somebody wrote, more is not known.
_UNREADABLE = frozenset(["chat.received", "chat.sent", "dm.received", "dm.sent"])


class Sent(Struct, frozen=True):
    """Who sent a direct message, and what it says."""

    sender_id: Id
    target: dict[str, object]
    message_data: dict[str, object]


class Direct(Struct, frozen=True):
    """A direct message. `created_timestamp` is in milliseconds."""

    id: Id
    message_create: Sent
    created_timestamp: str | None = None


class Read(Struct, frozen=True):
    """Somebody has read up to a message of ours."""

    sender_id: Id
    last_read_event_id: Id
    created_timestamp: str | None = None


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return everything in one request, in its order."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.X,
        signature="x-hmac-sha256",
        stranger=_contact("unknown"),
        ourselves=_contact(account.account),
    )
    return drafts.from_json(items, partial(_drafts, drafts), lambda item: item.event_id)


def _drafts(drafts: Drafting, item: Item) -> Iterator[Draft]:
    yield _READERS[item.kind](drafts, item)


def _post(drafts: Drafting, item: Item) -> Draft:
    found = post(item)
    outbound = found.author == item.ours
    customer = Party(_contact(found.author), found.author_name)
    if outbound and found.answered:
        customer = _party(item, found.answered)
    exchange = Exchange(
        customer=customer,
        company=_ourselves(drafts, item),
        conversation=f"{customer.contact}/post/{found.conversation}",
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
        time=found.time,
    )
    if found.first == found.id:
        return drafts.message(found.id, exchange, found.content)
    edit = replace(found.content, kind=MessageKind.EDIT, target=found.first)
    return drafts.message(found.id, exchange, edit)


def _deleted(drafts: Drafting, item: Item) -> Draft:
    """Return that a post is gone. The versions nest its ids differently."""
    told = value_at(item.told, "status") or item.told
    post_id = shaped(text_at(told, "id"), Id)
    author = shaped(text_at(told, "author_id") or text_at(told, "user_id"), Id)
    exchange = Exchange(
        customer=_party(item, author),
        company=_ourselves(drafts, item),
        conversation=f"{_contact(author)}/post/{post_id}",
        direction=Direction.OUTBOUND if author == item.ours else Direction.INBOUND,
        time=from_millis(text_at(item.told, "timestamp_ms")),
    )
    content = Content(kind=MessageKind.UNSEND, target=post_id, attributes={"public": "true"})
    return drafts.message(f"{post_id}:deleted", exchange, content)


def _message(drafts: Drafting, item: Item) -> Draft:
    direct = shaped(item.told, Direct)
    sent = direct.message_create
    outbound = sent.sender_id == item.ours
    them = shaped_at(sent.target, "recipient_id", Id) if outbound else sent.sender_id
    exchange = _direct(drafts, item, them, direct.created_timestamp)
    direction = Direction.OUTBOUND if outbound else Direction.INBOUND
    content = _content(sent.message_data)
    return drafts.message(direct.id, replace(exchange, direction=direction), content)


def _content(data: object) -> Content:
    media = value_at(data, "attachment", "media")
    url, answer = text_at(media, "media_url_https"), value_at(data, "quick_reply_response")
    return Content(
        kind=MessageKind.POSTBACK if answer else MessageKind.MESSAGE,
        text=unescaped(text_at(data, "text") or "") or None,
        attachments=(file(1, text_at(media, "type"), url),) if url else (),
        attributes=flattened(answer, "quick_reply"),
    )


def _read(drafts: Drafting, item: Item) -> Draft:
    read = shaped(item.told, Read)
    return drafts.status(
        read.last_read_event_id,
        _party(item, read.sender_id),
        DeliveryStatus.READ,
        heard="read",
        time=from_millis(read.created_timestamp),
    )


def _notice(drafts: Drafting, item: Item) -> Draft:
    if item.name in _UNREADABLE:
        raise UnreadableError("a message that we cannot read")
    told = {"event": item.name, **flattened(item.told)}
    return drafts.anonymous(Content(kind=MessageKind.SYSTEM, attributes=told), item.event_id)


def _direct(drafts: Drafting, item: Item, them: str, created: str | None) -> Exchange:
    customer, company = _party(item, them), _ourselves(drafts, item)
    return Exchange(
        customer=customer,
        company=company,
        conversation=f"{company.contact}/{customer.contact}",
        time=from_millis(created),
    )


def _party(item: Item, user: str) -> Party:
    return Party(_contact(user), item.people.get(user) or None)


def _ourselves(drafts: Drafting, item: Item) -> Party:
    return Party(_contact(item.ours)) if item.ours else Party(drafts.ourselves)


def _contact(user: str) -> str:
    return scoped_contact(ContactKind.X, user)


_READERS: Mapping[str, Callable[[Drafting, Item], Draft]] = {
    POST: _post,
    POST_DELETED: _deleted,
    MESSAGE: _message,
    MESSAGE_READ: _read,
    NOTICE: _notice,
}
