"""From a message that points to files to the events that tell what became of them."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.cloudevents import Attributes, Event, Record, event_type, record
from common.core.events import Attachment, AttachmentState, AttachmentStored, Channel, Message
from common.core.ids import derived_id
from common.core.media import Refusal
from common.core.topics import MESSAGES


class Pending(Struct, frozen=True):
    """One file of a message, still at its provider. `attributes` are the message's event's."""

    attributes: Attributes
    message_id: str
    channel: Channel
    provider: str
    account: str
    position: int
    attachment: Attachment


def pending_files(event: Event, service: str) -> Iterator[Pending]:
    """Yield the files that a message of this very service points to."""
    message = event.data
    if not isinstance(message, Message):
        return
    if not event.attributes.source.startswith(f"/{service}/"):
        return
    for position, attachment in enumerate(message.attachments):
        if attachment.state is AttachmentState.REMOTE and attachment.provider_ref:
            yield Pending(
                event.attributes,
                message.message_id,
                message.channel,
                message.provider,
                message.account,
                position,
                attachment,
            )


def told(
    pending: Pending, attachment: Attachment, refusal: Refusal | None, now: datetime
) -> Record:
    """Return the event that tells what became of a file: the same one however often it is told."""
    stored = AttachmentStored(
        message=pending.attributes.id,
        message_id=pending.message_id,
        position=pending.position,
        attachment=attachment,
        channel=pending.channel,
        provider=pending.provider,
        account=pending.account,
        fetched_at=now,
        reason=refusal,
    )
    attributes = replace(
        pending.attributes,
        id=derived_id("attachment", str(pending.attributes.id), str(pending.position)),
        type=event_type(stored),
        time=now,
    )
    return record(MESSAGES.name, attributes, stored)
