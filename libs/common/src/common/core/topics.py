"""Every topic of the bus, in one closed list: name, purpose, partitions, retention."""

from msgspec import Struct

DAY_MS = 24 * 60 * 60 * 1000


class Topic(Struct, frozen=True):
    """A topic as it should exist. `retention_ms` -1 means for ever."""

    name: str
    purpose: str
    key: str
    partitions: int = 12
    retention_ms: int = 30 * DAY_MS
    compacted: bool = False

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings of this topic."""
        policy = "compact" if self.compacted else "delete"
        # What is erased must be gone in a time that can be told: segments go, or are compacted, as
        # a whole and only once they are closed, which by default takes a week, or no time at all.
        bounds = {"segment.ms": str(DAY_MS)}
        if self.compacted:
            bounds |= {"max.compaction.lag.ms": str(7 * DAY_MS), "delete.retention.ms": str(DAY_MS)}
        return {"cleanup.policy": policy, "retention.ms": str(self.retention_ms), **bounds}


MESSAGES = Topic(
    "messages.v1", "what customers and we wrote, and what became of it", "tenant, contact"
)
CUSTOMERS = Topic(
    "customers.v1",
    "customer profiles, merges and unmerges",
    "tenant, customer",
    6,
    -1,
    compacted=True,
)
ACTIVITIES = Topic("activities.v1", "anything else that belongs on a timeline", "tenant, contact")
ROUTING = Topic("routing.v1", "cases, decisions, offers and SLA events", "tenant, contact")
OUTBOUND = Topic("outbound.v1", "messages that somebody asks us to send", "tenant, contact", 6)
CONSENT = Topic(
    "consent.v1",
    "who told which of our addresses to stop or to start again",
    # With the event in the key compaction drops repetitions only: it keeps what was written last,
    # which after a late delivery is not what was said last.
    "tenant, contact, our address, event",
    6,
    -1,
    compacted=True,
)
DEAD_LETTER = Topic(
    "dead-letter.v1",
    "what could not be handled, byte for byte, and why",
    "as it was",
    3,
    90 * DAY_MS,
)

ALL_TOPICS = (MESSAGES, CUSTOMERS, ACTIVITIES, ROUTING, OUTBOUND, CONSENT, DEAD_LETTER)
