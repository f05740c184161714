"""Posts, as version 2 and as version 1.1 of the API write them."""

import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.drafting import Content, labelled, media_name, remote
from common.core.events import Attachment, MessageKind
from common.core.payloads import Id, flattened, items_at, shaped, text_at, value_at
from common.core.times import from_iso, from_millis
from ingest_social.core.x.items import Item

_ESCAPED = re.compile("&(lt|gt|amp);")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&"}
_MEDIA_TYPES = {"photo": "image/*", "video": "video/*", "animated_gif": "video/mp4"}


class Post(Struct, frozen=True):
    """A public post by `author`, answering a post of `answered`. `first` is its id before any edit."""

    id: str
    author: str
    author_name: str | None
    answered: str | None
    conversation: str
    first: str
    time: datetime | None
    content: Content


class _New(Struct, frozen=True):
    id: Id
    author_id: Id
    text: str = ""
    created_at: str | None = None
    conversation_id: str | None = None
    in_reply_to_tweet_id: str | None = None
    in_reply_to_user_id: str | None = None
    edit_history_tweet_ids: list[str] = []
    lang: str | None = None


class _Old(Struct, frozen=True):
    id_str: Id
    text: str = ""
    timestamp_ms: str | None = None
    in_reply_to_status_id_str: str | None = None
    in_reply_to_user_id_str: str | None = None
    lang: str | None = None


def post(item: Item) -> Post:
    """Return a post of either version. Raises UnreadableError."""
    return _old(item) if text_at(item.told, "id_str") else _new(item)


def unescaped(text: str) -> str:
    """Return the text as it was typed: X escapes three characters as HTML."""
    return _ESCAPED.sub(lambda match: _CHARACTERS[match[1]], text)


def file(number: int, kind: str | None, url: str | None) -> Attachment:
    """Return a photo or video that X holds."""
    media_type = _MEDIA_TYPES.get(kind or "", "application/octet-stream")
    return remote(media_name(media_type, number), media_type, url)


def _new(item: Item) -> Post:
    told = shaped(item.told, _New)
    keys = (key for key in items_at(item.told, "attachments", "media_keys") if isinstance(key, str))
    files = (
        file(number, text_at(item.media.get(key), "type"), _url(item.media.get(key)) or key)
        for number, key in enumerate(keys, 1)
    )
    first = next(iter(told.edit_history_tweet_ids), told.id)
    content = Content(
        text=unescaped(told.text),
        language=told.lang,
        attachments=tuple(files),
        in_reply_to=told.in_reply_to_tweet_id or _quoted(item.told),
    )
    return Post(
        id=told.id,
        author=told.author_id,
        author_name=item.people.get(told.author_id),
        answered=told.in_reply_to_user_id,
        conversation=told.conversation_id or told.in_reply_to_tweet_id or first,
        first=first,
        time=from_iso(told.created_at),
        content=_marked(item, content),
    )


def _old(item: Item) -> Post:
    told = shaped(item.told, _Old)
    whole = text_at(item.told, "extended_tweet", "full_text") or told.text
    files = (
        file(number, text_at(media, "type"), text_at(media, "media_url_https"))
        for number, media in enumerate(items_at(item.told, "extended_entities", "media"), 1)
    )
    content = Content(
        text=unescaped(whole),
        language=told.lang,
        attachments=tuple(files),
        in_reply_to=told.in_reply_to_status_id_str or text_at(item.told, "quoted_status_id_str"),
    )
    return Post(
        id=told.id_str,
        author=shaped(value_at(item.told, "user", "id_str"), Id),
        author_name=text_at(item.told, "user", "name"),
        answered=told.in_reply_to_user_id_str,
        conversation=told.in_reply_to_status_id_str or told.id_str,
        first=told.id_str,
        time=from_millis(told.timestamp_ms),
        content=_marked(item, content),
    )


def _marked(item: Item, content: Content) -> Content:
    """Say that it is public; a post repeated without a word of its own is no message."""
    reposted = text_at(item.told, "retweeted_status", "id_str") or _referenced(
        item.told, "retweeted"
    )
    kind = MessageKind.SYSTEM if reposted else content.kind
    links = [text_at(link, "expanded_url") for link in items_at(item.told, "entities", "urls")]
    marks = {"event": item.name, "public": "true", "reposted": reposted, **flattened(links, "link")}
    return labelled(replace(content, kind=kind), marks)


def _quoted(told: object) -> str | None:
    return _referenced(told, "quoted")


def _referenced(told: object, kind: str) -> str | None:
    found = (one for one in items_at(told, "referenced_tweets") if text_at(one, "type") == kind)
    return next((text_at(one, "id") for one in found), None)


def _url(media: object) -> str | None:
    return text_at(media, "url") or text_at(media, "preview_image_url")
