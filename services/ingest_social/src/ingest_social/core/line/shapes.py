"""The parts of LINE's webhook objects that we use, named as in LINE's OpenAPI document `webhook.yml`."""

from typing import Any

from msgspec import Struct

from common.core.payloads import Id


class Callback(Struct, frozen=True):
    """One request: the bot it is for, and its events. No events: LINE checks our address."""

    events: list[Any]
    destination: str = "bot"


class Source(Struct, frozen=True, rename="camel"):
    """Where an event happened; in groups the user is named only where the app allows it."""

    type: str = ""
    user_id: str | None = None
    group_id: str | None = None
    room_id: str | None = None


class DeliveryContext(Struct, frozen=True, rename="camel"):
    """`is_redelivery` is all that differs when LINE delivers an event again."""

    is_redelivery: bool = False


class Event(Struct, frozen=True, rename="camel"):
    """What every event has. `timestamp` is in milliseconds; `standby`: somebody else answers."""

    type: str
    webhook_event_id: Id
    timestamp: int
    source: Source | None = None
    mode: str = "active"
    reply_token: str | None = None
    delivery_context: DeliveryContext = DeliveryContext()


class Mentionee(Struct, frozen=True, rename="camel"):
    """Somebody named in a text; `is_self` is our bot."""

    is_self: bool | None = None


class Mention(Struct, frozen=True):
    """Who is named in a text."""

    mentionees: list[Mentionee] = []


class Text(Struct, frozen=True, rename="camel"):
    """A text message."""

    id: Id
    text: str
    quote_token: str | None = None
    quoted_message_id: str | None = None
    mention: Mention = Mention()


class Sticker(Struct, frozen=True, rename="camel"):
    """A sticker; LINE tells up to 15 keywords of it, or the words its sender wrote on it."""

    id: Id
    package_id: str = ""
    sticker_id: str = ""
    keywords: list[str] = []
    text: str | None = None
    quote_token: str | None = None
    quoted_message_id: str | None = None


class ContentProvider(Struct, frozen=True, rename="camel"):
    """Who holds the bytes: LINE, or the URL given here."""

    original_content_url: str | None = None


class ImageSet(Struct, frozen=True):
    """Several images that were sent together."""

    id: str
    index: int | None = None
    total: int | None = None


class Media(Struct, frozen=True, rename="camel"):
    """An image, video, audio or file. `duration` is in milliseconds, `file_size` in bytes."""

    id: Id
    content_provider: ContentProvider = ContentProvider()
    file_name: str | None = None
    file_size: int | None = None
    duration: int | None = None
    image_set: ImageSet | None = None
    quote_token: str | None = None


class Location(Struct, frozen=True):
    """A place."""

    id: Id
    latitude: float
    longitude: float
    title: str | None = None
    address: str | None = None


class Unsend(Struct, frozen=True, rename="camel"):
    """The message that its sender took back."""

    message_id: Id


class Postback(Struct, frozen=True):
    """What a button said to us."""

    data: str
    params: dict[str, str] = {}
