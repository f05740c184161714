"""An entry of somebody's history.

It is immutable and belongs to a contact, never to a customer: who a contact's customer is may
change, what was written to or from an address does not.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.events import MessageKind
from common.core.topics import ACTIVITIES, CUSTOMERS, MESSAGES, ROUTING

# In the order in which things of the same instant are told: a message, then what it led to.
# A topic's place in this list is stored with each entry: only ever append.
TOPICS = (MESSAGES.name, ACTIVITIES.name, ROUTING.name, CUSTOMERS.name)

STATUS = "status"
ATTACHMENT = "attachment.stored"
CHANGES = (MessageKind.EDIT, MessageKind.UNSEND, MessageKind.REACTION)
# Of these kinds, one that names a target speaks of it: a change in words that nobody could read,
# and mail that machines send about other mail.
MAY_SPEAK_OF_ANOTHER = (MessageKind.UNSUPPORTED, MessageKind.BOUNCE, MessageKind.SYSTEM)


class Position(Struct, frozen=True, order=True):
    """Where an event lies on the bus; `topic` is its place in TOPICS.

    One contact's messages lie in one partition in the order in which they were acknowledged.
    """

    topic: int
    partition: int
    offset: int


class Entry(Struct, frozen=True, kw_only=True):
    """Something that happened to a contact.

    `occurred_at` is when it happened, `learned_at` when we heard of it. `kind` is a message's
    kind, an activity's kind, or the event type without prefix. `message` names the message that
    this is, `about` the one that it speaks of (a stored file: the event that it came with).
    `conversation` names the conversation that it belongs to, `case` the case that it tells of, and
    `routed` the event of a message which by this belongs to that case. `body` is the event's JSON
    as it stood.
    """

    tenant: str
    contact: str
    event_id: UUID
    occurred_at: datetime
    learned_at: datetime
    position: Position
    type: str
    kind: str
    channel: str | None
    direction: str | None
    message: UUID | None
    about: UUID | None
    body: bytes
    conversation: UUID | None = None
    case: UUID | None = None
    routed: UUID | None = None

    @property
    def moment(self) -> tuple[datetime, Position]:
        """Its place in the history: by time, and of the same time as the bus has them."""
        return self.occurred_at, self.position

    @property
    def listed(self) -> bool:
        """Whether it stands on a page by itself; some things only show at their message."""
        return self.about is None or self.kind not in (STATUS, ATTACHMENT)
