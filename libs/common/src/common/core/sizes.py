"""An event must fit into one Kafka record; what is cut here stays whole in the kept original."""

import msgspec
from msgspec.structs import replace

from common.core.events import Message

MAX_EVENT_BYTES = 900_000  # under a broker's usual limit of 1 MiB, headers and key included
SHORT_TEXT = 50_000
SHORT_NAME = 500
MAX_ATTACHMENTS = 200
MAX_ATTRIBUTES = 50


def fitting(message: Message) -> Message:
    """Return the message, cut in steps until its JSON fits, each step named in `truncated`."""
    if _fits(message):
        return message
    message = _marked(replace(message, html=None), "html")
    if _fits(message):
        return message
    return _marked(
        replace(
            message,
            text=_short(message.text, SHORT_TEXT),
            text_reply=_short(message.text_reply, SHORT_TEXT),
            subject=_short(message.subject, SHORT_NAME),
            recipients=message.recipients[:MAX_ATTACHMENTS],
            attachments=tuple(
                replace(item, name=item.name[:SHORT_NAME])
                for item in message.attachments[:MAX_ATTACHMENTS]
            ),
            attributes={
                name[:SHORT_NAME]: value[:SHORT_NAME]
                for name, value in list(message.attributes.items())[:MAX_ATTRIBUTES]
            },
        ),
        "text",
    )


def _fits(message: Message) -> bool:
    return len(msgspec.json.encode(message)) <= MAX_EVENT_BYTES


def _short(text: str | None, characters: int) -> str | None:
    return text[:characters] if text else text


def _marked(message: Message, what: str) -> Message:
    return replace(message, attributes={**message.attributes, "truncated": what})
