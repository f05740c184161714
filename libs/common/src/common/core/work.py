"""What the router says of work: who is there, who was offered what, and which clocks ran out.

`case_version` and `agent_version` count the changes of one case and of one agent without a gap, so
that a reader of the bus can put them in order, whichever partition they came from, and notice a
missing one.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from common.core.events import Channel


class Presence(StrEnum):
    """Whether an agent takes work now."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


class Target(StrEnum):
    """What a plan promises a time for."""

    FIRST_RESPONSE = "first_response"
    RESOLUTION = "resolution"


class AgentChanged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who an agent is and what he can take (`agent.changed`); the whole profile, not a difference.

    `capacity` is in units of work, in total; `channels` caps the units of single channels. What a
    case of a channel weighs is in the rules. 0 takes nothing new.
    """

    agent: str
    changed_at: datetime
    agent_version: int
    name: str | None = None
    team: str | None = None
    skills: dict[str, int] = {}
    queues: tuple[str, ...] = ()
    capacity: int = 0
    channels: dict[str, int] = {}
    by: str | None = None


class AgentPresenceChanged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An agent came, left or went away (`agent.presence_changed`), or winds up until a moment."""

    agent: str
    presence: Presence
    changed_at: datetime
    agent_version: int
    wrap_up_until: datetime | None = None
    reason: str | None = None


class OfferMade(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A case was offered to an agent (`offer.made`), who has until `expires_at` to answer."""

    offer_id: UUID
    case_id: UUID
    contact: str
    agent: str
    queue: str
    channel: Channel
    units: int
    made_at: datetime
    expires_at: datetime
    reason: str
    case_version: int
    agent_version: int
    by: str | None = None


class OfferAccepted(Struct, frozen=True, kw_only=True):
    """The agent took the case (`offer.accepted`)."""

    offer_id: UUID
    case_id: UUID
    contact: str
    agent: str
    accepted_at: datetime
    case_version: int
    agent_version: int


class OfferDeclined(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The agent did not want the case (`offer.declined`): others come first until `paused_until`."""

    offer_id: UUID
    case_id: UUID
    contact: str
    agent: str
    declined_at: datetime
    case_version: int
    agent_version: int
    reason: str | None = None
    paused_until: datetime | None = None


class OfferExpired(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The agent did not answer in time (`offer.expired`): as if he had declined."""

    offer_id: UUID
    case_id: UUID
    contact: str
    agent: str
    expired_at: datetime
    case_version: int
    agent_version: int
    paused_until: datetime | None = None


class OfferWithdrawn(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The offer was taken back (`offer.withdrawn`): the agent left, or somebody decided otherwise."""

    offer_id: UUID
    case_id: UUID
    contact: str
    agent: str
    withdrawn_at: datetime
    reason: str
    case_version: int
    agent_version: int
    by: str | None = None


class CaseRequeued(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A case waits again, or elsewhere (`case.requeued`). Its deadlines and rank stay as they were.

    `agent` is who had it until now; `agent_version` counts for him. `skills` is what is asked of
    whoever answers from now on, where it became another thing.
    """

    case_id: UUID
    contact: str
    queue: str
    requeued_at: datetime
    reason: str
    case_version: int
    skills: dict[str, int] | None = None
    previous_queue: str | None = None
    agent: str | None = None
    agent_version: int | None = None
    by: str | None = None


class CaseRelaxed(Struct, frozen=True, kw_only=True):
    """Nobody was free for so long that less is asked of whoever answers (`case.relaxed`)."""

    case_id: UUID
    contact: str
    skills: dict[str, int]
    relaxed_at: datetime
    reason: str
    case_version: int


class CaseHeld(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A case waits for the customer, or until a moment (`case.held`); it takes no agent's time."""

    case_id: UUID
    contact: str
    held_at: datetime
    reason: str
    case_version: int
    until: datetime | None = None
    agent: str | None = None
    agent_version: int | None = None
    by: str | None = None


class CaseAnswered(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The company wrote to the customer (`case.answered`); `first` tells the first response.

    `in_time` is whether that first response kept what was promised. Since `resolution_paused_at` the
    resolution's clock stands, because the customer has to answer.
    """

    case_id: UUID
    contact: str
    answered_at: datetime
    message_event: UUID
    case_version: int
    first: bool = False
    in_time: bool | None = None
    agent: str | None = None
    resolution_paused_at: datetime | None = None


class _OfAPromise(Struct, frozen=True, omit_defaults=True, kw_only=True):
    case_id: UUID
    contact: str
    target: Target
    due: datetime
    at: datetime
    queue: str
    plan: str
    case_version: int
    contract: str | None = None
    agent: str | None = None


class SlaAtRisk(_OfAPromise, frozen=True, omit_defaults=True, kw_only=True):
    """A promise will be broken at `due` unless somebody acts (`sla.at_risk`), told once."""


class SlaBreached(_OfAPromise, frozen=True, omit_defaults=True, kw_only=True):
    """A promise was broken at `due` (`sla.breached`), told once."""


class RulesActivated(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Other rules are in force (`rules.activated`), for every tenant; decisions name their version.

    `activation` counts all activations; `version` is the SHA-256 (hex) of what the rules say.
    """

    activation: int
    version: str
    activated_at: datetime
    by: str
    previous_version: str | None = None
    reason: str | None = None
