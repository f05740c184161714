"""The plain model of figures: all events at once, in the order of their versions, counted by hand.

And lives of cases to count, of whatever the router may tell.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st
from tests.unit.timeline.figures_telling import Case, agent_changed
from tests.unit.timeline.telling import HANAKO_LINE, HANAKO_MAIL, TENANT, message

from common.core.cases import CaseOpened, CaseReopened, CaseResolved, CaseRouted, Continuity
from common.core.cloudevents import Event
from common.core.events import Channel, Direction, Message, MessageKind
from common.core.surveys import SCALES, Question, SurveyAnswered, SurveyRequested
from common.core.work import (
    AgentChanged,
    CaseAnswered,
    CaseHeld,
    CaseRequeued,
    OfferAccepted,
    SlaBreached,
    Target,
)

Counted = Counter[tuple[Any, ...]]

AGENTS = ("sato", "tanaka")
QUEUES = ("returns", "billing")


def counted_by_hand(events: Iterable[Event]) -> Counted:
    """Count (tenant, measure, quarter, channel, queue, plan, team, agent, value)."""
    once = list(
        {(event.attributes.tenant, event.attributes.id): event for event in events}.values()
    )
    counted: Counted = Counter()
    cases: defaultdict[Any, list[Event]] = defaultdict(list)
    for event in once:
        if isinstance(event.data, Message):
            _count_message(counted, event)
        elif not isinstance(event.data, AgentChanged):
            cases[event.attributes.tenant, event.data.case_id].append(event)
    profiles = [event for event in once if isinstance(event.data, AgentChanged)]
    for (tenant, _), told in cases.items():
        teams = [event.data for event in profiles if event.attributes.tenant == tenant]
        _Counting(counted, tenant, teams).case([event.data for event in told])
    return counted


def _quarter(moment: datetime) -> int:
    return int(moment.timestamp()) // 900


def _count_message(counted: Counted, event: Event) -> None:
    data, at = event.data, _quarter(event.attributes.time)
    ours = data.direction is Direction.OUTBOUND
    if data.kind is MessageKind.MESSAGE:
        where = (at, str(data.channel), "", "", "", "", 0)
        counted[(event.attributes.tenant, "sent" if ours else "received", *where)] += 1


class _Counting:
    def __init__(self, counted: Counted, tenant: str, teams: list[AgentChanged]) -> None:
        self.counted = counted
        self.tenant = tenant
        self.teams = sorted(teams, key=lambda one: (one.changed_at, one.agent_version))
        self.channel = ""

    def add(
        self,
        measure: str,
        at: datetime,
        where: tuple[str, str],
        agent: str | None,
        *,
        value: int = 0,
        team_at: datetime | None = None,
    ) -> None:
        team = ""
        for profile in self.teams:
            if profile.agent == agent and profile.changed_at <= (team_at or at):
                team = profile.team or ""
        key = (self.tenant, measure, _quarter(at), self.channel, *where, team, agent or "", value)
        self.counted[key] += 1

    def case(self, told: list[Any]) -> None:
        reopened_in = {
            one.decision.message_event: one.case_version
            for one in told
            if isinstance(one, CaseRouted) and one.decision.continuity is Continuity.REOPENED
        }

        def version(one: Any) -> float:
            if isinstance(one, CaseOpened):
                return 0
            if isinstance(one, CaseReopened) and one.case_version is None:
                return (reopened_in[one.message_event] or 0) - 0.5
            return float(one.case_version)

        surveys = [one for one in told if isinstance(one, SurveyRequested | SurveyAnswered)]
        life = sorted((one for one in told if one not in surveys), key=version)
        self.channel = str(life[0].channel)
        self.volume(life)
        self.asking(life)
        self.endings(life)
        self.promises(life)
        self.surveys(surveys)

    def places(self, life: list[Any]) -> list[tuple[str, str]]:
        """The queue and plan before each event."""
        queue = plan = ""
        places = []
        for one in life:
            places.append((queue, plan))
            if isinstance(one, CaseRouted):
                queue, plan = one.decision.queue, one.decision.plan
            elif isinstance(one, CaseRequeued):
                queue = one.queue
        return [*places, (queue, plan)]

    def volume(self, life: list[Any]) -> None:
        routed = next(one.decision for one in life if isinstance(one, CaseRouted))
        taken = [one.agent for one in life if isinstance(one, OfferAccepted)]
        where = (routed.queue, routed.plan)
        self.add("opened", life[0].opened_at, where, taken[0] if taken else None)

    def asking(self, life: list[Any]) -> None:
        opened, places = life[0].opened_at, self.places(life)
        for one, where in zip(life, places, strict=False):
            if isinstance(one, CaseAnswered):
                seconds = max(0, int((one.answered_at - opened).total_seconds()))
                self.add("asked", opened, where, one.agent, team_at=one.answered_at)
                self.add(
                    "first_response",
                    opened,
                    where,
                    one.agent,
                    value=seconds,
                    team_at=one.answered_at,
                )
                return
        holder: str | None = None
        for one in life:
            if isinstance(one, OfferAccepted | CaseResolved):
                holder = one.agent
            elif isinstance(one, CaseRequeued | CaseHeld | CaseReopened):
                holder = None
        self.add("asked", opened, places[-1], holder)

    def endings(self, life: list[Any]) -> None:
        end: tuple[CaseResolved, tuple[str, str]] | None = None
        for one, where in zip(life, self.places(life), strict=False):
            if isinstance(one, CaseResolved):
                self.add("resolution", one.resolved_at, where, one.agent)
                end = one, where
            elif isinstance(one, CaseReopened) and end:
                self.add("undone", end[0].resolved_at, end[1], end[0].agent)
                self.add("reopened", one.reopened_at, end[1], end[0].agent)
                end = None
        if end:
            seconds = int((end[0].resolved_at - life[0].opened_at).total_seconds())
            self.add(
                "resolution_time", end[0].resolved_at, end[1], end[0].agent, value=max(0, seconds)
            )

    def promises(self, life: list[Any]) -> None:
        answer: list[Any] = []
        end: list[Any] = []
        for one, where in [*zip(life, self.places(life), strict=False), (None, ("", ""))]:
            again = one is None or isinstance(one, CaseReopened)
            if again and (one is None or one.by is None):
                self.settle("response", answer)
                answer = []
            if again:
                self.settle("resolution", end)
                end = []
            if isinstance(one, SlaBreached):
                there = (one.due, (one.queue, one.plan), one.agent)
                mine = answer if one.target is Target.FIRST_RESPONSE else end
                mine.append(("breach", *there))
            if isinstance(one, CaseAnswered) and one.first:
                answer.append(
                    ("kept" if one.in_time else "broken", one.answered_at, where, one.agent)
                )
            if isinstance(one, CaseResolved):
                end.append(("kept", one.resolved_at, where, one.agent))

    def settle(self, promise: str, heard: list[Any]) -> None:
        breaches = [("broken", *one[1:]) for one in heard if one[0] == "breach"]
        for state, at, where, agent in (breaches or heard)[:1]:
            self.add(f"{promise}_{state}", at, where, agent)

    def surveys(self, told: list[Any]) -> None:
        answers = [
            one
            for one in told
            if isinstance(one, SurveyAnswered)
            and one.question is not Question.TEXT
            and one.score in SCALES[one.question]
        ]
        last = {one.survey_id: one for one in sorted(answers, key=lambda one: one.answered_at)}
        for one in told:
            if isinstance(one, SurveyRequested):
                where = (one.queue, one.plan)
                self.add("surveyed", one.requested_at, where, one.agent)
                if one.survey_id in last:
                    self.add("returned", one.requested_at, where, one.agent)
        for one in last.values():
            where = (one.queue or "", one.plan or "")
            self.add(str(one.question), one.answered_at, where, one.agent, value=one.score or 0)


ACTIONS = (
    "join", "take", "answer", "answer", "requeue", "hold", "late answer", "late end",
    "resolve", "resolve", "reopen", "reopen by us", "ask", "rate",
)  # fmt: skip

_moves = st.tuples(
    st.sampled_from(ACTIONS), st.integers(1, 50), st.integers(0, 1), st.integers(0, 10)
)


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """Return what the bus tells of a few cases, messages and agents, in order."""
    told: list[Event] = []
    for number in range(draw(st.integers(1, 3))):
        tenant = draw(st.sampled_from([TENANT, "globex"]))
        case = Case(f"{tenant}-{number}", draw(st.sampled_from([HANAKO_LINE, HANAKO_MAIL])), tenant)
        channel = draw(st.sampled_from([Channel.LINE, Channel.EMAIL]))
        start = draw(st.integers(0, 100))
        case.opened(start, channel, draw(st.sampled_from(QUEUES)))
        moves = draw(st.lists(_moves, max_size=12))
        minutes = accumulate((move[1] for move in moves), initial=start)
        resolved = False
        for (action, _, pick, score), at in zip(moves, list(minutes)[1:], strict=True):
            resolved = _move(case, action, at, (pick, score), resolved=resolved)
        told += case.told
    for number in range(draw(st.integers(0, 3))):
        direction = draw(st.sampled_from(list(Direction)))
        told.append(message(minutes=number * 7, message_id=f"m{number}", direction=direction))
    for version in range(1, draw(st.integers(1, 4))):
        team = draw(st.sampled_from(["一課", "二課", None]))
        told.append(agent_changed("sato", team, draw(st.integers(0, 300)), version))
    return told


def _move(case: Case, action: str, at: float, given: tuple[int, int], *, resolved: bool) -> bool:
    """Let something happen to the case if it can; return whether it is resolved then."""
    pick, score = given
    agent, queue = AGENTS[pick], QUEUES[pick]
    if action in ("ask", "rate", "late end", "late answer"):
        _tell(case, action, at, score, agent)
    elif resolved:
        if action == "reopen":
            case.reopened(at, queue=queue)
        elif action == "reopen by us":
            case.reopened(at, by="suzuki")
        return action not in ("reopen", "reopen by us")
    else:
        _work(case, action, at, agent, queue, first=not score % 2)
    return action == "resolve" or (resolved and not action.startswith("reopen"))


def _tell(case: Case, action: str, at: float, score: int, agent: str) -> None:
    if action == "ask":
        case.surveyed(at)
    elif action == "rate":
        case.rated(at, score)
    else:
        target = Target.RESOLUTION if action == "late end" else Target.FIRST_RESPONSE
        case.breached(target, at, agent)


def _work(case: Case, action: str, at: float, agent: str, queue: str, *, first: bool) -> None:
    if action == "join":
        case.routed(at, queue)
    elif action == "take":
        case.taken(at, agent)
    elif action == "answer":
        case.answered(at, agent, first=first, in_time=at < 60 if first else None)
    elif action == "requeue":
        case.requeued(at, queue, agent)
    elif action == "hold":
        case.held(at)
    elif action == "resolve":
        case.resolved(at, agent)


def columns(tenant: str, seen: Any) -> tuple[Any, ...]:
    """Return an observation in the shape of the model."""
    return (
        *(tenant, str(seen.measure), seen.quarter, seen.channel, seen.queue, seen.plan),
        *(seen.team, seen.agent, seen.value),
    )
