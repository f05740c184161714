"""Agents and offers as they stand: who takes work, how much of it, and what was held out to whom."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.work import Presence


class Agent(Struct, frozen=True, kw_only=True):
    """Somebody who answers customers.

    `capacity` and `channels` are in units of work: in total, and at most in single channels. `used`
    is what his offers and accepted cases take, by channel. `seen_at` is his last heartbeat,
    `free_since` when he last laid something down: who has been free longest comes first.
    `version` counts his changes; `wake_at` is the first moment at which time alone changes him.
    """

    tenant: str
    agent: str
    free_since: datetime
    seen_at: datetime
    changed_at: datetime
    name: str | None = None
    team: str | None = None
    skills: dict[str, int] = {}
    queues: tuple[str, ...] = ()
    capacity: int = 1
    channels: dict[str, int] = {}
    presence: Presence = Presence.OFFLINE
    wrap_up_until: datetime | None = None
    used: dict[str, int] = {}
    version: int = 1
    wake_at: datetime | None = None

    def load(self) -> int:
        """Return the units in use, over all channels."""
        return sum(self.used.values())

    def free_units(self, now: datetime) -> int:
        """Return how many units of new work he takes now, whatever the channel."""
        if self.presence is not Presence.ONLINE or self.winds_up(now):
            return 0
        return max(0, self.capacity - self.load())

    def winds_up(self, now: datetime) -> bool:
        """Whether he is still writing down what the last case was about."""
        return self.wrap_up_until is not None and now < self.wrap_up_until

    def takes(self, channel: str, units: int, now: datetime) -> bool:
        """Whether he is given a case of this channel and weight now."""
        return self.has_room(channel, units) and units <= self.free_units(now)

    def has_room(self, channel: str, units: int) -> bool:
        """Whether a case of this channel and weight fits beside what he has, come who may."""
        most = self.channels.get(channel, self.capacity)
        fits = self.used.get(channel, 0) + units <= most
        return fits and self.load() + units <= self.capacity


class OfferState(StrEnum):
    """What became of an offer. Only `made` can still change."""

    MADE = "made"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Offer(Struct, frozen=True, kw_only=True):
    """A case held out to one agent until `expires_at`.

    `agent_version` is the agent's at the offer's last change: his offers in its order are a feed.
    """

    offer_id: UUID
    tenant: str
    case_id: UUID
    agent: str
    queue: str
    state: OfferState
    made_at: datetime
    expires_at: datetime
    agent_version: int
    ended_at: datetime | None = None


class Burden(Protocol):
    """What a case weighs and where it waits; facts says what each means."""

    @property
    def queue(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def units(self) -> int: ...


def taking_on(agent: Agent, channel: str, units: int) -> Agent:
    """Return the agent with a case more."""
    used = {**agent.used, channel: agent.used.get(channel, 0) + units}
    return replace(agent, used=used, version=agent.version + 1)


def laying_down(agent: Agent, channel: str, units: int, now: datetime) -> Agent:
    """Return the agent with a case less."""
    left = {**agent.used, channel: agent.used.get(channel, 0) - units}
    return replace(agent, used=_in_use(left), free_since=now, version=agent.version + 1)


def _in_use(used: Mapping[str, int]) -> dict[str, int]:
    return {channel: units for channel, units in used.items() if units > 0}
