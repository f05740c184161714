"""The parts of Telegram's objects that we use, named as in the Bot API."""

from msgspec import Struct, field


class User(Struct, frozen=True):
    """A person or a bot. Ids need more than 32 bits."""

    id: int
    first_name: str = ""
    last_name: str = ""
    username: str | None = None


class Chat(Struct, frozen=True):
    """A private chat has the id of its person; groups and channels have a title."""

    id: int
    type: str = "private"
    title: str | None = None


class Reply(Struct, frozen=True):
    """A message that is spoken of."""

    message_id: int


class Topic(Struct, frozen=True):
    """One person's part of a channel's direct messages."""

    topic_id: int


class Message(Struct, frozen=True):
    """What every message has. `message_id` is unique within its chat only; times are in seconds."""

    message_id: int
    chat: Chat
    date: int = 0
    edit_date: int | None = None
    sender: User | None = field(name="from", default=None)
    sender_chat: Chat | None = None
    message_thread_id: int | None = None
    direct_messages_topic: Topic | None = None
    reply_to_message: Reply | None = None
    media_group_id: str | None = None
    caption: str | None = None


class File(Struct, frozen=True):
    """A file, asked for by `getFile`."""

    file_id: str
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None


class Sticker(File, frozen=True):
    """A sticker stands for an emoji."""

    emoji: str | None = None


class Location(Struct, frozen=True):
    """A point, in degrees."""

    latitude: float
    longitude: float


class Venue(Struct, frozen=True):
    """A place with a name."""

    location: Location
    title: str = ""
    address: str = ""


class Contact(Struct, frozen=True):
    """A telephone number that somebody shared."""

    phone_number: str
    first_name: str = ""
    last_name: str = ""


class Callback(Struct, frozen=True):
    """A button that was pressed."""

    sender: User = field(name="from")
    data: str | None = None
    message: Message | None = None


class Emoji(Struct, frozen=True):
    """One reaction."""

    emoji: str | None = None
    custom_emoji_id: str | None = None


class Reaction(Struct, frozen=True):
    """The reactions of one person to a message, as they are now."""

    chat: Chat
    message_id: int
    date: int = 0
    user: User | None = None
    actor_chat: Chat | None = None
    new_reaction: list[Emoji] = []


class Deleted(Struct, frozen=True):
    """Messages that were deleted in a chat of a business account."""

    chat: Chat
    message_ids: list[int]
