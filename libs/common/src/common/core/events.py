"""What travels on the bus; docs/contract/ is generated from these classes.

Inside `.v1` only optional additions are allowed. Times are UTC, ids are strings, sizes are bytes.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from common.core.delivery import DeliveryStatus


class Direction(StrEnum):
    """Who wrote: the customer (inbound) or the company (outbound)."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Channel(StrEnum):
    """How a message came, which is not who wrote it."""

    EMAIL = "email"
    SMS = "sms"
    LINE = "line"
    WHATSAPP = "whatsapp"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    X = "x"
    TELEGRAM = "telegram"
    MASTODON = "mastodon"
    BLUESKY = "bluesky"
    APP = "app"


class MessageKind(StrEnum):
    """What a message is for; `unsupported` means kept raw because we could not read it."""

    MESSAGE = "message"
    EDIT = "edit"
    UNSEND = "unsend"
    REACTION = "reaction"
    POSTBACK = "postback"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    SYSTEM = "system"
    UNSUPPORTED = "unsupported"


class AttachmentState(StrEnum):
    """Whether we hold the bytes, only know where the provider has them, or lost them."""

    STORED = "stored"
    REMOTE = "remote"
    REFUSED = "refused"


class Party(Struct, frozen=True, omit_defaults=True):
    """A sender or recipient: the contact, and what the message called it."""

    contact: str
    name: str | None = None
    address: str | None = None  # as written, before normalisation


class Attachment(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file that came with a message. `location` is a key in object storage."""

    name: str
    media_type: str
    state: AttachmentState
    size: int | None = None
    sha256: str | None = None
    location: str | None = None
    provider_ref: str | None = None
    content_id: str | None = None
    inline: bool = False


class Authenticity(Struct, frozen=True, omit_defaults=True):
    """What vouches for the message: labels for people and rules, never an identity.

    `signature` says how the provider's delivery was verified; the others are RFC 8601 results.
    """

    signature: str | None = None
    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None


class Conversation(Struct, frozen=True, omit_defaults=True):
    """Which conversation the channel says this belongs to. Messages of one `key` share a case."""

    key: str
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


class Message(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One message of any channel (`message.received` and `message.sent`).

    `message_id` is the provider's id; `target` the provider id of the message that an edit,
    unsend or reaction speaks of. `text_reply` is `text` without quoted parts and signature.
    `raw_ref` names the untouched original in object storage.
    """

    message_id: str
    kind: MessageKind
    direction: Direction
    channel: Channel
    provider: str
    account: str
    sender: Party
    recipients: tuple[Party, ...] = ()
    conversation: Conversation
    sent_at: datetime | None = None
    received_at: datetime
    subject: str | None = None
    text: str | None = None
    text_reply: str | None = None
    html: str | None = None
    language: str | None = None
    attachments: tuple[Attachment, ...] = ()
    authenticity: Authenticity = Authenticity()
    target: str | None = None
    team: str | None = None  # who in the company owns the account it came to
    raw_ref: str | None = None
    attributes: dict[str, str] = {}


class MessageStatus(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of a message that we sent (`message.status`)."""

    message_id: str
    status: DeliveryStatus
    channel: Channel
    provider: str
    account: str
    recipient: Party
    occurred_at: datetime
    error_code: str | None = None
    raw_ref: str | None = None


class ContractState(StrEnum):
    """A contract counts only while active."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class Contract(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a customer is promised: a plan for a time, for some channels and products (none = all)."""

    contract_id: str
    plan: str
    starts_at: datetime
    ends_at: datetime | None = None
    state: ContractState = ContractState.ACTIVE
    channels: tuple[Channel, ...] = ()
    products: tuple[str, ...] = ()
    skills: dict[str, int] = {}


class Account(Struct, frozen=True, omit_defaults=True):
    """The company a customer belongs to.

    `contracts` are promised to everybody of it. Whoever writes from one of its mail `domains`
    belongs to it where no profile says otherwise. The newest profile that tells either counts for
    the account; one that tells neither only names it.
    """

    account_id: str
    name: str | None = None
    domains: tuple[str, ...] = ()
    contracts: tuple[Contract, ...] = ()


class CustomerChanged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A customer's whole profile as another system knows it (`customer.changed`).

    `customer_ref` is that system's id and the event's key, so the newest profile replaces the older.
    """

    customer_ref: str
    contacts: tuple[str, ...]
    changed_at: datetime
    name: str | None = None
    account: Account | None = None
    tier: str | None = None
    language: str | None = None
    contracts: tuple[Contract, ...] = ()


class CustomersMerged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`absorbed` is from now on the same person as `survivor`; `contacts` moved.

    Every contact starts as a customer of its own (common.core.ids.customer_id), so linking a new
    contact is a merge too.
    """

    survivor: UUID
    absorbed: UUID
    contacts: tuple[str, ...]
    cause: UUID  # the event that showed it, or the decision of a person
    merged_at: datetime
    person: str | None = None  # who decided it


class CustomersUnmerged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A merge was wrong: `contacts` belong to `restored` again."""

    survivor: UUID
    restored: UUID
    contacts: tuple[str, ...]
    cause: UUID
    unmerged_at: datetime
    person: str | None = None


class Activity(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Anything else that belongs on a timeline: a call, visit, purchase, survey answer (open `kind`)."""

    kind: str
    contact: str
    occurred_at: datetime
    summary: str
    channel: str | None = None
    attributes: dict[str, Any] = {}


class MessageRequested(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody asks us to send this (`message.requested`)."""

    request_id: str
    channel: Channel
    account: str
    recipient: Party
    text: str
    subject: str | None = None
    conversation: Conversation | None = None
    case_id: UUID | None = None
    requested_by: str | None = None


class AttachmentStored(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file that a message only pointed to is held now, or is given up (`attachment.stored`).

    `attachment` takes the place of the one at `position` (from 0) of the message whose event is
    `message`. Where it could not be had its state is `refused` and `reason` a short stable code.
    """

    message: UUID
    message_id: str
    position: int
    attachment: Attachment
    channel: Channel
    provider: str
    account: str
    fetched_at: datetime
    reason: str | None = None


class ConsentState(StrEnum):
    """What somebody said about being written to at all."""

    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"


class ConsentChanged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody said stop, or start again, to one address of ours (`consent.changed`).

    It holds for `contact` and `address` (our number, bot or mailbox, as a contact) alone. Of
    several the one with the latest `changed_at` counts, in whatever order they are read.
    """

    contact: str
    address: str
    state: ConsentState
    channel: Channel
    provider: str
    account: str
    message: UUID  # the event of the message that said so
    changed_at: datetime
