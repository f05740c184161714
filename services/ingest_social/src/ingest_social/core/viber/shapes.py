"""The parts of Viber's callbacks that we use, named as in its documentation."""

from msgspec import Struct

from common.core.payloads import Id


class User(Struct, frozen=True):
    """Somebody. The id is the bot's own for them: another bot knows the same person by another."""

    id: Id
    name: str | None = None
    language: str | None = None  # of their telephone
    country: str | None = None


class Callback(Struct, frozen=True):
    """What every callback has. `timestamp` is in milliseconds; `message_token` needs 64 bits.

    Who it is about is called `sender`, `user` or `user_id`, as the event has it.
    """

    event: str
    message_token: int
    timestamp: int | None = None
    sender: User | None = None
    user: User | None = None
    user_id: str | None = None
    chat_id: str | int | None = None
    desc: str | None = None
    context: str | None = None
    subscribed: bool | None = None


class Text(Struct, frozen=True):
    """A text."""

    text: str


class File(Struct, frozen=True):
    """A picture, video or file at a URL that expires; sizes in bytes, `duration` in seconds."""

    media: str | None = None
    text: str | None = None
    file_name: str | None = None
    file_size: int | None = None
    size: int | None = None
    duration: int | None = None


class Sticker(Struct, frozen=True):
    """A sticker; its picture is not always told."""

    sticker_id: int
    media: str | None = None


class Link(Struct, frozen=True):
    """A URL, and the words around it."""

    media: str
    text: str = ""


class Person(Struct, frozen=True):
    """Somebody's telephone number."""

    phone_number: str = ""
    name: str = ""


class Place(Struct, frozen=True):
    """A point, in degrees."""

    lat: float
    lon: float
