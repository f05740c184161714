"""What a page is made of, as tools read it."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.delivery import DeliveryStatus
from common.core.events import Attachment
from timeline.core.activities import ShownActivity


class ShownFile(Attachment, frozen=True, omit_defaults=True, kw_only=True):
    """A file of a message, as far as it is known now; `reason` says why it could not be had."""

    reason: str | None = None


class Delivery(Struct, frozen=True):
    """Where an outgoing message is, since when, and the provider's code where it failed."""

    status: DeliveryStatus
    since: datetime
    error_code: str | None


class Version(Struct, frozen=True):
    """What a message said from a moment on; `event` is the message itself or the edit.

    An edit that nobody could read has neither subject nor text.
    """

    event: UUID
    at: datetime
    subject: str | None
    text: str | None


class Reaction(Struct, frozen=True):
    """A reaction that somebody (`contact`) holds to a message; `text` is an emoji."""

    event: UUID
    at: datetime
    contact: str
    direction: str | None
    text: str | None


class Report(Struct, frozen=True):
    """What a machine reported of a mail: `bounce`, `complaint`, `receipt` or a delivery's action.

    `recipients` are whom it speaks of, where it says so; `code` is the status code (RFC 3463), the
    feedback type (RFC 5965) or the disposition (RFC 8098).
    """

    event: UUID
    at: datetime
    report: str
    recipients: tuple[str, ...]
    code: str | None


class Item(Struct, frozen=True, kw_only=True):
    """One line of a page.

    `data` is the event's data as it stood on the bus. Equal `message` speaks of one message, equal
    `conversation` belongs to one conversation. `case` is the case that a line of the company's work
    tells of, `activity` what is common to calls, visits and the like.
    `attachments` are the files as they are known now. `versions` has every wording of an edited
    message, oldest first, so the last one counts; it is empty where nothing was edited.
    `reactions` are those that still stand, oldest first. After `unsent_at` nobody should read the
    content: it is absent from the item, and from the edits' own items.
    """

    id: UUID
    contact: str
    occurred_at: datetime
    learned_at: datetime
    type: str
    kind: str
    channel: str | None
    direction: str | None
    message: UUID | None
    data: msgspec.Raw | None
    attachments: tuple[ShownFile, ...] = ()
    delivery: Delivery | None = None
    versions: tuple[Version, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    reports: tuple[Report, ...] = ()
    unsent_at: datetime | None = None
    conversation: UUID | None = None
    case: UUID | None = None
    activity: ShownActivity | None = None


class KnownEntry(Item, frozen=True, kw_only=True):
    """An entry by itself, and whom its contact belongs to."""

    customer: UUID
