"""Mastodon as an instance tells it: notifications, stream events, and webhooks of administration.

A body is one of: a notification or a list of them (`GET /api/v1/notifications`), an event of the
streaming API (`event` and `payload`), or a webhook (`event` and `object`).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.drafting import Content, Drafting, Exchange, labelled, media_name, remote
from common.core.events import Attachment, Channel, Direction, MessageKind, Party
from common.core.payloads import (
    Id,
    UnreadableError,
    flattened,
    json_value,
    shaped,
    text_at,
    value_at,
)
from common.core.times import from_iso
from ingest_social.core.mastodon.markup import plain, without_names
from ingest_social.core.mastodon.shapes import (
    Account,
    Conversation,
    Media,
    Notification,
    Status,
)

_MEDIA_TYPES = {"image": "image/*", "gifv": "video/mp4", "video": "video/*", "audio": "audio/*"}
_OPEN = frozenset(["public", "unlisted"])
_SAID = frozenset(["mention", "status", "quote"])
_EDITED = frozenset(["update", "quoted_update"])


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return everything in one body, in its order."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.MASTODON,
        signature="mastodon",
        stranger=scoped_contact(ContactKind.MASTODON, "unknown"),
        ourselves=scoped_contact(ContactKind.MASTODON, _our_handle(account)),
    )
    return drafts.from_json(_items, partial(_drafts, drafts), lambda item: text_at(item, "id"))


def _items(body: object) -> list[object]:
    return body if isinstance(body, list) else [body]


def _drafts(drafts: Drafting, item: object) -> Iterator[Draft]:
    event = text_at(item, "event")
    if event is None:
        yield _notification(drafts, item)
    elif event in _EVENTS:
        yield _EVENTS[event](drafts, _told(item))
    else:
        attributes = {"event": event, **flattened(_told(item))}
        yield drafts.anonymous(Content(kind=MessageKind.SYSTEM, attributes=attributes))


def _told(item: object) -> object:
    """Return what an event is about: an object, JSON within a text, or a bare id."""
    payload = text_at(item, "payload")
    if not payload or payload.isalnum():
        return payload or value_at(item, "object")
    return json_value(payload.encode("utf-8", "surrogatepass"))


def _notification(drafts: Drafting, told: object) -> Draft:
    noticed = shaped(told, Notification)
    if noticed.status and noticed.type in _SAID:
        return _said(drafts, noticed.status, event=noticed.type)
    if noticed.status and noticed.type in _EDITED:
        return _edit(drafts, noticed.status)
    person = _person(drafts, noticed.account)
    exchange = replace(_exchange(drafts, person), time=from_iso(noticed.created_at))
    if noticed.status and noticed.type == "favourite":
        content = Content(
            kind=MessageKind.REACTION,
            target=noticed.status.id,
            text="⭐",
            attributes={"action": "react"},
        )
    else:
        content = Content(kind=MessageKind.SYSTEM, attributes=_labels(noticed))
    return drafts.message(f"notification:{noticed.id}", exchange, content)


def _labels(noticed: Notification) -> dict[str, str]:
    about = {"status": noticed.status.id} if noticed.status else {}
    return {"event": noticed.type, **about}


def _created(drafts: Drafting, told: object) -> Draft:
    return _said(drafts, shaped(told, Status), event="status")


def _edited(drafts: Drafting, told: object) -> Draft:
    return _edit(drafts, shaped(told, Status))


def _deleted(drafts: Drafting, told: object) -> Draft:
    """Return that a status is gone; the stream tells its id and not whose it was."""
    status_id = shaped(told, Id)
    content = Content(kind=MessageKind.UNSEND, target=status_id)
    return drafts.anonymous(content, f"{status_id}:deleted")


def _direct(drafts: Drafting, told: object) -> Draft:
    last = shaped(told, Conversation).last_status
    if last is None:
        raise UnreadableError("a conversation without a word")
    return _said(drafts, last, event="conversation")


def _said(drafts: Drafting, status: Status, event: str) -> Draft:
    content = labelled(_content(status), {"event": event})
    return drafts.message(status.id, _status_exchange(drafts, status), content)


def _edit(drafts: Drafting, status: Status) -> Draft:
    exchange = _status_exchange(drafts, status)
    edited_at = from_iso(status.edited_at) or exchange.time
    content = replace(_content(status), kind=MessageKind.EDIT, target=status.id)
    name = f"{status.id}:edit:{status.edited_at or ''}"
    return drafts.message(name, replace(exchange, time=edited_at), content)


def _content(status: Status) -> Content:
    files = (_file(media, number) for number, media in enumerate(status.media_attachments, 1))
    text = plain(status.content)
    content = Content(
        subject=status.spoiler_text or None,
        text=text or None,
        text_reply=without_names(text) or None,
        language=status.language,
        attachments=tuple(files),
        in_reply_to=status.in_reply_to_id,
    )
    public = "true" if status.visibility in _OPEN else None
    seen = [media.description for media in status.media_attachments]
    told = {"visibility": status.visibility, "public": public}
    return labelled(content, {**flattened(seen, "description"), **told})


def _file(media: Media, number: int) -> Attachment:
    media_type = _MEDIA_TYPES.get(media.type, "application/octet-stream")
    return remote(media_name(media_type, number), media_type, media.url or media.remote_url)


def _status_exchange(drafts: Drafting, status: Status) -> Exchange:
    person = _person(drafts, status.account)
    ours = person.contact == drafts.ourselves
    return replace(
        _exchange(drafts, person),
        direction=Direction.OUTBOUND if ours else Direction.INBOUND,
        time=from_iso(status.created_at),
    )


def _exchange(drafts: Drafting, person: Party) -> Exchange:
    """Return the one exchange with a person: a status names no thread."""
    return Exchange(
        customer=person,
        company=Party(drafts.ourselves),
        conversation=f"{drafts.ourselves}/{person.contact}",
    )


def _person(drafts: Drafting, account: Account | None) -> Party:
    if account is None:
        return Party(drafts.stranger)
    handle = _full(account.acct, account.url.partition("://")[2].partition("/")[0])
    contact = scoped_contact(ContactKind.MASTODON, handle.lower())
    return Party(contact, account.display_name or None, f"@{handle}")


def _our_handle(account: ChannelAccount) -> str:
    """Return `user@instance`: the account's option `handle`, else its name."""
    return account.options.get("handle", account.account).removeprefix("@").lower()


def _full(acct: str, host: str) -> str:
    return acct if "@" in acct or not host else f"{acct}@{host}"


_EVENTS: Mapping[str, Callable[[Drafting, object], Draft]] = {
    "notification": _notification,
    "status.created": _created,
    "status.updated": _edited,
    "status.update": _edited,
    "delete": _deleted,
    "conversation": _direct,
}
