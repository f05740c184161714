"""Histories made by hand: what a flawless morning tells the bus, and ways to spoil it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import (
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseRouted,
    Continuity,
    Decision,
    QueueTrial,
    SkillRequirement,
)
from common.core.cloudevents import Attributes, Event, event_type, read, record
from common.core.events import Channel
from common.core.work import (
    AgentChanged,
    AgentPresenceChanged,
    CaseHeld,
    CaseRelaxed,
    CaseRequeued,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferWithdrawn,
    Presence,
)

NINE = datetime(2026, 11, 24, tzinfo=UTC)  # 09:00 in Tokyo

_numbers = count(10**9)


def an_id() -> UUID:
    return UUID(int=next(_numbers))


class Story:
    """Tells events second by second; versions count up by themselves unless told otherwise."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._cases: dict[UUID, int] = {}
        self._agents: dict[str, int] = {}
        self._channels: dict[UUID, Channel] = {}

    def tell(self, second: float, says: Struct, *, tenant: str = "acme", **about: Any) -> Event:
        """Put an event on the bus, encoded and read again."""
        attributes = Attributes(
            id=about.get("event_id") or an_id(),
            source="/router",
            type=event_type(says),
            subject="line:main:U4af4980629",
            time=at(second),
            tenant=tenant,
        )
        written = record("routing.v1", attributes, says)
        event = read(written.headers, written.value)
        self.events.append(event)
        return event

    def agent(self, second: float, name: str, **profile: Any) -> None:
        given: dict[str, Any] = {"queues": ("technical",), "capacity": 1} | profile
        said = AgentChanged(
            agent=name, changed_at=at(second), agent_version=self._of_agent(name), **given
        )
        self.tell(second, said)

    def presence(self, second: float, name: str, presence: str, **more: Any) -> None:
        said = AgentPresenceChanged(
            agent=name,
            presence=Presence(presence),
            changed_at=at(second),
            agent_version=self._of_agent(name),
            **more,
        )
        self.tell(second, said)

    def opened(self, second: float, number: int, channel: Channel = Channel.LINE) -> None:
        case = UUID(int=number)
        self._channels[case] = channel
        said = CaseOpened(
            case_id=case,
            contact="line:main:U4af4980629",
            conversation=str(number),
            channel=channel,
            opened_at=at(second),
            message_event=an_id(),
        )
        self.tell(second, said)

    def routed(self, second: float, number: int, **more: Any) -> None:
        case = UUID(int=number)
        skills: dict[str, int] = more.pop("skills", {})
        decision = Decision(
            message_event=an_id(),
            case_id=case,
            continuity=Continuity.OPENED,
            contact="line:main:U4af4980629",
            customer=UUID(int=number),
            queue=more.pop("queue", "technical"),
            queue_reason="障害",
            plan="default",
            contract=None,
            priority=0,
            rank=at(more.pop("rank", number)),
            first_response_due=at(3600),
            resolution_due=at(7200),
            rules_version="0",
            decided_at=at(second),
            skills=tuple(SkillRequirement(name, level, "") for name, level in skills.items()),
            queues=more.pop("queues", (QueueTrial("technical", accepted=True, reason=""),)),
        )
        version = more.pop("version", None) or self._of_case(case)
        given: dict[str, Any] = {"units": 1} | more
        said = CaseRouted(case_id=case, decision=decision, case_version=version, **given)
        self.tell(second, said)

    def case(
        self, second: float, number: int, channel: Channel = Channel.LINE, **more: Any
    ) -> None:
        """Open and route a case; its rank is its number unless told otherwise."""
        self.opened(second, number, channel)
        self.routed(second, number, **more)

    def made(self, second: float, number: int, name: str, **more: Any) -> UUID:
        case = UUID(int=number)
        said = OfferMade(
            offer_id=an_id(),
            case_id=case,
            contact="line:main:U4af4980629",
            agent=name,
            queue="technical",
            channel=self._channels[case],
            units=1,
            made_at=at(second),
            expires_at=at(second + 30),
            reason="一番長く空いている",
            case_version=self._of_case(case),
            agent_version=self._of_agent(name),
        )
        said = replace(said, **more)
        self.tell(second, said)
        return said.offer_id

    def accepted(self, second: float, offer: UUID, number: int, name: str) -> Event:
        said = OfferAccepted(offer_id=offer, accepted_at=at(second), **self._both(number, name))
        return self.tell(second, said)

    def declined(self, second: float, offer: UUID, number: int, name: str, pause: float) -> None:
        self.tell(
            second,
            OfferDeclined(
                offer_id=offer,
                declined_at=at(second),
                paused_until=at(second + pause),
                **self._both(number, name),
            ),
        )

    def expired(self, second: float, offer: UUID, number: int, name: str) -> None:
        said = OfferExpired(offer_id=offer, expired_at=at(second), **self._both(number, name))
        self.tell(second, said)

    def withdrawn(self, second: float, offer: UUID, number: int, name: str) -> None:
        both = self._both(number, name)
        self.tell(
            second,
            OfferWithdrawn(offer_id=offer, withdrawn_at=at(second), reason="離席", **both),
        )

    def requeued(
        self, second: float, number: int, queue: str, name: str | None = None, **more: Any
    ) -> None:
        both = self._both(number, name) | more
        self.tell(second, CaseRequeued(queue=queue, requeued_at=at(second), reason="転送", **both))

    def relaxed(self, second: float, number: int, skills: dict[str, int]) -> None:
        both = self._both(number, None)
        both.pop("agent")
        both.pop("agent_version")
        self.tell(second, CaseRelaxed(skills=skills, relaxed_at=at(second), reason="待ち", **both))

    def held(self, second: float, number: int, name: str | None = None) -> None:
        both = self._both(number, name)
        self.tell(second, CaseHeld(held_at=at(second), reason="お客様待ち", **both))

    def resolved(self, second: float, number: int, name: str | None, **more: Any) -> None:
        both = self._both(number, name)
        self.tell(second, CaseResolved(resolved_at=at(second), **both, **more))

    def reopened(self, second: float, number: int) -> None:
        case = UUID(int=number)
        said = CaseReopened(
            case_id=case,
            contact="line:main:U4af4980629",
            reopened_at=at(second),
            message_event=an_id(),
            by="佐藤",
            case_version=self._of_case(case),
        )
        self.tell(second, said)

    def skip(self, *, number: int | None = None, name: str | None = None) -> None:
        """Count a version that nobody is told of."""
        if number is not None:
            self._of_case(UUID(int=number))
        if name is not None:
            self._of_agent(name)

    def again(self, *, number: int) -> None:
        """Count a version twice."""
        self._cases[UUID(int=number)] -= 1

    def _both(self, number: int, name: str | None) -> dict[str, Any]:
        case = UUID(int=number)
        return {
            "case_id": case,
            "contact": "line:main:U4af4980629",
            "case_version": self._of_case(case),
            "agent": name,
            "agent_version": self._of_agent(name) if name else None,
        }

    def _of_case(self, case: UUID) -> int:
        self._cases[case] = self._cases.get(case, 0) + 1
        return self._cases[case]

    def _of_agent(self, name: str) -> int:
        self._agents[name] = self._agents.get(name, 0) + 1
        return self._agents[name]


def at(second: float) -> datetime:
    return NINE + timedelta(seconds=second)


@pytest.fixture
def story() -> Story:
    """佐藤, who answers technical questions one at a time, and nothing else."""
    told = Story()
    told.agent(0, "佐藤")
    told.presence(0, "佐藤", "online")
    return told


@pytest.fixture
def moment() -> Any:
    return at


@pytest.fixture
def laws_broken() -> Any:
    """Return the names of the laws that a history breaks, in order, each once."""
    from assignment_laws.checking import check  # noqa: PLC0415 - after pytest has set the path

    def run(events: Sequence[Event], until: float | None = None, **tolerance: Any) -> list[str]:
        from assignment_laws.breaches import Tolerance  # noqa: PLC0415 - likewise

        end = at(until) if until is not None else None
        verdict = check(events, Tolerance(**tolerance), end)
        return list(dict.fromkeys(breach.law.name for breach in verdict.breaches))

    return run
