"""Cases as the router would tell of them, for the tests of figures."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.unit.timeline.telling import HANAKO_LINE, TENANT, after, event

from common.core.cases import (
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseRouted,
    Continuity,
    Decision,
)
from common.core.cloudevents import Event
from common.core.events import Channel
from common.core.ids import derived_id
from common.core.surveys import Question, SurveyAnswered, SurveyRequested
from common.core.work import (
    AgentChanged,
    CaseAnswered,
    CaseHeld,
    CaseRequeued,
    OfferAccepted,
    SlaAtRisk,
    SlaBreached,
    Target,
)
from timeline.core.case_story import CaseStory, story_of
from timeline.core.figures_facts import Fact
from timeline.core.figures_observations import Observation, Teams, observations_of
from timeline.core.figures_steps import steps_of


class Case:
    """A case that tells what happens to it, version after version, `minutes` after the start."""

    def __init__(self, name: str = "1", contact: str = HANAKO_LINE, tenant: str = TENANT) -> None:
        self.id = derived_id("case", name)
        self.contact = contact
        self.tenant = tenant
        self.version = 0
        self.told: list[Event] = []

    def opened(
        self,
        minutes: float = 0,
        channel: Channel = Channel.LINE,
        queue: str = "returns",
        **routed: Any,
    ) -> "Case":
        self._tell(
            minutes,
            CaseOpened(
                case_id=self.id,
                contact=self.contact,
                conversation=self.contact,
                channel=channel,
                opened_at=after(minutes),
                message_event=self._message(minutes),
                subject="返品について",
            ),
        )
        return self.routed(minutes, queue=queue, continuity=Continuity.OPENED, **routed)

    def routed(
        self,
        minutes: float,
        queue: str = "returns",
        plan: str = "standard",
        continuity: Continuity = Continuity.JOINED,
        cause: str | None = None,
        **decided: Any,
    ) -> "Case":
        decision = Decision(
            message_event=self._message(minutes),
            case_id=self.id,
            continuity=continuity,
            contact=self.contact,
            customer=derived_id("customer", self.contact),
            queue=queue,
            queue_reason="規則に合った",
            plan=plan,
            contract="K-1",
            priority=10,
            rank=after(minutes),
            first_response_due=after(minutes + 60),
            resolution_due=after(minutes + 600),
            rules_version="ab12",
            decided_at=after(minutes),
            cause=cause,
        )
        return self._tell(
            minutes,
            CaseRouted(case_id=self.id, decision=decision, case_version=self._next(), **decided),
        )

    def taken(self, minutes: float, agent: str = "sato") -> "Case":
        accepted = OfferAccepted(
            offer_id=derived_id("offer", str(self.id), str(minutes)),
            case_id=self.id,
            contact=self.contact,
            agent=agent,
            accepted_at=after(minutes),
            case_version=self._next(),
            agent_version=1,
        )
        return self._tell(minutes, accepted)

    def answered(self, minutes: float, agent: str | None = "sato", **fields: Any) -> "Case":
        answered = CaseAnswered(
            case_id=self.id,
            contact=self.contact,
            answered_at=after(minutes),
            message_event=self._message(minutes),
            case_version=self._next(),
            agent=agent,
            **fields,
        )
        return self._tell(minutes, answered)

    def resolved(self, minutes: float, agent: str | None = "sato") -> "Case":
        resolved = CaseResolved(
            case_id=self.id,
            contact=self.contact,
            resolved_at=after(minutes),
            resolved_by="sato",
            agent=agent,
            case_version=self._next(),
        )
        return self._tell(minutes, resolved)

    def reopened(self, minutes: float, by: str | None = None, queue: str = "returns") -> "Case":
        reopened = CaseReopened(
            case_id=self.id,
            contact=self.contact,
            reopened_at=after(minutes),
            message_event=self._message(minutes),
            by=by,
            case_version=self._next() if by else None,
        )
        self._tell(minutes, reopened)
        return self if by else self.routed(minutes, queue, continuity=Continuity.REOPENED)

    def requeued(self, minutes: float, queue: str, agent: str | None = None) -> "Case":
        requeued = CaseRequeued(
            case_id=self.id,
            contact=self.contact,
            queue=queue,
            requeued_at=after(minutes),
            reason="担当部署が違う",
            case_version=self._next(),
            agent=agent,
        )
        return self._tell(minutes, requeued)

    def held(self, minutes: float, until: datetime | None = None) -> "Case":
        held = CaseHeld(
            case_id=self.id,
            contact=self.contact,
            held_at=after(minutes),
            reason="お客様の返事待ち",
            case_version=self._next(),
            until=until,
        )
        return self._tell(minutes, held)

    def clock(
        self,
        kind: type[SlaAtRisk | SlaBreached],
        target: Target,
        minutes: float,
        agent: str | None = None,
    ) -> "Case":
        told = kind(
            case_id=self.id,
            contact=self.contact,
            target=target,
            due=after(minutes),
            at=after(minutes),
            queue="returns",
            plan="standard",
            case_version=self._next(),
            agent=agent,
        )
        return self._tell(minutes, told)

    def breached(self, target: Target, minutes: float, agent: str | None = None) -> "Case":
        return self.clock(SlaBreached, target, minutes, agent)

    def surveyed(self, minutes: float, question: Question = Question.CSAT5) -> "Case":
        asked = SurveyRequested(
            survey_id=self.survey(question),
            survey="after-case",
            case_id=self.id,
            contact=self.contact,
            question=question,
            text="対応はいかがでしたか",
            language="ja",
            channel=Channel.LINE,
            resolved_at=after(minutes),
            requested_at=after(minutes),
            answer_until=after(minutes) + timedelta(days=3),
            queue="returns",
            plan="standard",
            rules_version="ab12",
            agent="sato",
        )
        return self._tell(minutes, asked)

    def rated(
        self, minutes: float, score: int | None, question: Question = Question.CSAT5
    ) -> "Case":
        rated = SurveyAnswered(
            answer_event=self._message(minutes),
            contact=self.contact,
            question=question,
            answered_at=after(minutes),
            score=score,
            survey_id=self.survey(question),
            case_id=self.id,
            channel=Channel.LINE,
            queue="returns",
            plan="standard",
            agent="sato",
        )
        return self._tell(minutes, rated)

    def survey(self, question: Question) -> UUID:
        return derived_id("survey", str(self.id), question)

    def _tell(self, minutes: float, data: Any) -> "Case":
        parts = (self.tenant, str(self.id), str(len(self.told)))
        told = event(data, self.contact, after(minutes), *parts, tenant=self.tenant)
        self.told.append(told)
        return self

    def _next(self) -> int:
        self.version += 1
        return self.version

    def _message(self, minutes: float) -> UUID:
        return derived_id("message", str(self.id), str(minutes))


def agent_changed(
    agent: str, team: str | None, minutes: float, version: int = 1, tenant: str = TENANT
) -> Event:
    data = AgentChanged(
        agent=agent, changed_at=after(minutes), agent_version=version, name="佐藤", team=team
    )
    parts = ("agent", tenant, agent, str(version))
    return event(data, f"agent:{agent}", after(minutes), *parts, tenant=tenant)


def told_by_all(cases: Sequence[Case]) -> list[Event]:
    return [event for case in cases for event in case.told]


def observed(facts: Sequence[Fact], teams: Teams | None = None) -> tuple[Observation, ...]:
    """Return what a case of these facts counts."""
    return observations_of(facts, steps_of(facts), teams or {})


def told_story(case: UUID, facts: Sequence[Fact]) -> CaseStory:
    """Return the story of a case of these facts."""
    return story_of(case, facts, steps_of(facts))
