"""What a provider that we ask has to say since we asked last."""

from msgspec import Struct


class News(Struct, frozen=True):
    """Notifications as adapters read them, each a body of its own, oldest first.

    `position` is where to go on next time, once all of them are safe; `more` that there is more
    to ask for at once.
    """

    bodies: tuple[bytes, ...]
    position: str | None
    more: bool = False
