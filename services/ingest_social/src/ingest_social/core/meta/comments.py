"""Instagram comments and mentions, and whatever else Meta says under `changes`."""

from datetime import datetime

from msgspec import Struct, field

from common.core.adapters import Draft
from common.core.contacts import ContactKind, scoped_contact
from common.core.drafting import Content, Drafting, Exchange, bracketed, labelled
from common.core.events import Direction, MessageKind, Party
from common.core.payloads import Id, flattened, shaped, text_at, value_at
from common.core.times import from_millis, from_seconds

_COMMENTS = ("comments", "live_comments")
_MENTION = "mentions"
_MILLIS_FROM = 100_000_000_000  # Meta writes an entry's time in seconds or in milliseconds


class Change(Struct, frozen=True):
    """A change of a page or account, with the time of its entry."""

    page: str
    told: object
    entry_time: int | None = None


class Author(Struct, frozen=True):
    """Who wrote a comment."""

    id: Id
    username: str | None = None


class Media(Struct, frozen=True):
    """What was commented."""

    id: str = ""


class Comment(Struct, frozen=True):
    """A public comment; `parent_id` where it answers another."""

    id: Id
    author: Author = field(name="from")
    text: str = ""
    media: Media = Media()
    parent_id: str | None = None


class Mention(Struct, frozen=True):
    """Where somebody named us: in a comment, else in the caption of the media."""

    media_id: Id
    comment_id: str | None = None


def change_draft(drafts: Drafting, change: Change) -> Draft:
    """Return a comment as a message; everything else is of kind `system`."""
    name = text_at(change.told, "field") or ""
    value = value_at(change.told, "value")
    if name in _COMMENTS:
        return _comment(drafts, change, shaped(value, Comment))
    if name == _MENTION:
        return _mention(drafts, change, shaped(value, Mention))
    told = {"event": name, **flattened(value)}
    return drafts.anonymous(Content(kind=MessageKind.SYSTEM, attributes=told))


def _comment(drafts: Drafting, change: Change, comment: Comment) -> Draft:
    ours = comment.author.id == change.page
    page = Party(scoped_contact(ContactKind.META, change.page, change.page))
    author = Party(
        scoped_contact(ContactKind.META, change.page, comment.author.id), comment.author.username
    )
    exchange = Exchange(
        customer=author,
        company=page,
        conversation=f"{author.contact}/media/{comment.media.id}",
        direction=Direction.OUTBOUND if ours else Direction.INBOUND,
        time=_moment(change.entry_time),
    )
    content = Content(
        text=comment.text,
        in_reply_to=comment.parent_id,
        attributes={"public": "true", "media_id": comment.media.id},
    )
    return drafts.message(comment.id, exchange, content)


def _mention(drafts: Drafting, change: Change, mention: Mention) -> Draft:
    """Return that somebody named us. Who, and in which words, has to be asked for, by whoever looks."""
    page = Party(scoped_contact(ContactKind.META, change.page, change.page))
    exchange = Exchange(
        customer=Party(drafts.stranger),
        company=page,
        conversation=f"{page.contact}/media/{mention.media_id}",
        time=_moment(change.entry_time),
    )
    content = labelled(
        Content(text=bracketed("メンション")),
        {"public": "true", "media_id": mention.media_id, "comment_id": mention.comment_id},
    )
    return drafts.message(f"mention:{mention.comment_id or mention.media_id}", exchange, content)


def _moment(time: int | None) -> datetime | None:
    return from_millis(time) if (time or 0) >= _MILLIS_FROM else from_seconds(time)
