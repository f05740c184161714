"""What counts: a case or a message as observations, each of one measure in one cell.

Figures are made of counts of equal observations and of nothing else, so they are exact however
they are added up. docs/figures.md defines each figure by the measures here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from common.core.cloudevents import Event
from common.core.events import Direction, Message, MessageKind
from common.core.surveys import SCALES, Question
from common.core.work import Target
from timeline.core.figures_facts import Fact, FactKind
from timeline.core.figures_promises import settled_of
from timeline.core.figures_steps import CaseState, Standing, Step, first_of, of_kind
from timeline.core.values import utc

# All time zones of today differ from UTC by whole quarters: of counts by quarter every zone's hours
# and days can be made.
QUARTER_SECONDS = 900
LONGEST_NAME = 100  # five names must fit into one key of an index

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


class Measure(StrEnum):
    """What is counted. A value is in whole seconds, on a survey's scale, or 0 where there is none."""

    OPENED = "opened"
    ASKED = (
        "asked"  # a case that wants an answer, at its opening, where it was or is to be answered
    )
    FIRST_RESPONSE = "first_response"  # likewise, with the seconds it took
    RESOLUTION = "resolution"
    UNDONE = "undone"  # a resolution that was reopened, at the resolution
    RESOLUTION_TIME = "resolution_time"  # of what is resolved now, seconds from opening to end
    REOPENED = "reopened"
    RESPONSE_KEPT = "response_kept"
    RESPONSE_BROKEN = "response_broken"
    RESOLUTION_KEPT = "resolution_kept"
    RESOLUTION_BROKEN = "resolution_broken"
    SURVEYED = "surveyed"
    RETURNED = "returned"  # a survey that was answered, when it was sent
    CSAT3 = "csat3"
    CSAT5 = "csat5"
    NPS = "nps"
    RECEIVED = "received"
    SENT = "sent"


class Observation(Struct, frozen=True, order=True, array_like=True):
    """One thing that counts. `quarter` numbers the quarters of an hour since 1970 in UTC.

    A dimension that does not apply is the empty text.
    """

    measure: str
    quarter: int
    channel: str = ""
    queue: str = ""
    plan: str = ""
    team: str = ""
    agent: str = ""
    value: int = 0


class Membership(Struct, frozen=True, order=True):
    """The team that an agent belongs to from `since` on, by his profile's `version`."""

    since: datetime
    version: int
    team: str


Teams = Mapping[str, Sequence[Membership]]  # by agent, oldest first

_PROMISED = {
    (Target.FIRST_RESPONSE, True): Measure.RESPONSE_KEPT,
    (Target.FIRST_RESPONSE, False): Measure.RESPONSE_BROKEN,
    (Target.RESOLUTION, True): Measure.RESOLUTION_KEPT,
    (Target.RESOLUTION, False): Measure.RESOLUTION_BROKEN,
}
_RATED = {
    Question.CSAT3: Measure.CSAT3,
    Question.CSAT5: Measure.CSAT5,
    Question.NPS: Measure.NPS,
}
_WRITTEN_BY_CUSTOMERS = frozenset(
    {MessageKind.MESSAGE, MessageKind.POSTBACK, MessageKind.HELP, MessageKind.UNSUPPORTED}
)
_WRITTEN_BY_US = frozenset({MessageKind.MESSAGE, MessageKind.UNSUPPORTED})


def quarter_of(moment: datetime) -> int:
    """Return the number of the quarter of an hour that a moment in UTC lies in."""
    return (moment - EPOCH) // A_SECOND // QUARTER_SECONDS


def short(name: str | None) -> str:
    """Return a name as cells hold it."""
    return (name or "")[:LONGEST_NAME]


def observations_of(
    facts: Sequence[Fact], steps: Sequence[Step], teams: Teams
) -> tuple[Observation, ...]:
    """Return what a case counts, in order; the same for the same set of facts.

    `steps` are those of `facts` (timeline.core.figures_steps.steps_of).
    """
    return tuple(sorted(_Case(facts, steps, teams).observations()))


def agents_of(facts: Iterable[Fact]) -> set[str]:
    """Return the agents on whose team a case's observations may depend."""
    return {short(fact.agent) for fact in facts if fact.agent}


def moves(memberships: Iterable[Membership]) -> set[tuple[datetime, str]]:
    """Return when an agent's team became another, and which; most changes of a profile change none."""
    ordered = sorted(memberships)
    before = ["", *(one.team for one in ordered)]
    return {
        (one.since, one.team)
        for one, team in zip(ordered, before, strict=False)
        if one.team != team
    }


def message_observation(event: Event) -> Observation | None:
    """Return what a message counts; None of what no person wrote, and of what changes another."""
    data = event.data
    if not isinstance(data, Message):
        return None
    ours = data.direction is Direction.OUTBOUND
    if data.kind not in (_WRITTEN_BY_US if ours else _WRITTEN_BY_CUSTOMERS):
        return None
    quarter = quarter_of(utc(event.attributes.time))
    measure = Measure.SENT if ours else Measure.RECEIVED
    return Observation(measure, quarter, short(data.channel))


class _Case:
    """A case that is being counted."""

    def __init__(self, facts: Sequence[Fact], steps: Sequence[Step], teams: Teams) -> None:
        self._facts = facts
        self._steps = steps
        self._teams = teams
        opened = first_of(steps, FactKind.OPENED)
        self._opened = opened.fact if opened else None

    def observations(self) -> Iterator[Observation]:
        if self._opened is not None:
            yield from self._opening(self._opened)
        yield from self._endings()
        for settled in (one for part in settled_of(self._steps) for one in part):
            measure = _PROMISED[settled.target, settled.kept]
            yield self._seen(measure, settled.at, settled.step)
        yield from self._surveys()

    def _opening(self, opened: Fact) -> Iterator[Observation]:
        taken = first_of(self._steps, FactKind.TAKEN)
        routed = first_of(self._steps, FactKind.ROUTED)
        where = routed.after if routed else Standing()
        who = taken.fact.agent if taken else None
        yield self._counted(Measure.OPENED, opened.at, where, who)
        answered = first_of(self._steps, FactKind.ANSWERED)
        if answered is None:
            now = self._steps[-1].after
            yield self._counted(Measure.ASKED, opened.at, now, now.agent or self._last_agent())
            return
        at, agent = answered.fact.at, answered.fact.agent
        seconds = _seconds(opened.at, at)
        for measure, value in ((Measure.ASKED, 0), (Measure.FIRST_RESPONSE, seconds)):
            yield self._counted(measure, opened.at, answered.before, agent, value=value, team_at=at)

    def _endings(self) -> Iterator[Observation]:
        ended: Step | None = None
        for step in self._steps:
            if step.fact.kind is FactKind.RESOLVED:
                ended = step
                yield self._seen(Measure.RESOLUTION, step.fact.at, step)
            elif step.fact.kind is FactKind.REOPENED and ended is not None:
                yield self._seen(Measure.UNDONE, ended.fact.at, ended)
                yield self._seen(Measure.REOPENED, step.fact.at, ended)
                ended = None
        if ended is not None and self._opened is not None:
            seconds = _seconds(self._opened.at, ended.fact.at)
            yield self._seen(Measure.RESOLUTION_TIME, ended.fact.at, ended, seconds)

    def _surveys(self) -> Iterator[Observation]:
        rated = _last_of_each([f for f in self._facts if f.kind is FactKind.RATED])
        returned = {fact.survey for fact in rated}
        for fact in (fact for fact in self._facts if fact.kind is FactKind.SURVEYED):
            yield self._told(Measure.SURVEYED, fact)
            if fact.survey in returned:
                yield self._told(Measure.RETURNED, fact)
        for fact in rated:
            question = Question(fact.question or "")
            yield self._told(_RATED[question], fact, fact.score or 0)

    def _seen(self, measure: Measure, at: datetime, step: Step, value: int = 0) -> Observation:
        """Count what a step shows, where the case was when it was made."""
        fact, before = step.fact, step.before
        where = Standing(queue=fact.queue or before.queue, plan=fact.plan or before.plan)
        return self._counted(measure, at, where, fact.agent, value=value)

    def _told(self, measure: Measure, fact: Fact, value: int = 0) -> Observation:
        """Count what an event says of itself."""
        where = Standing(queue=fact.queue, plan=fact.plan)
        return self._counted(measure, fact.at, where, fact.agent, value=value, channel=fact.channel)

    def _counted(
        self,
        measure: Measure,
        at: datetime,
        where: Standing,
        agent: str | None,
        *,
        value: int = 0,
        team_at: datetime | None = None,
        channel: str | None = None,
    ) -> Observation:
        who = short(agent)
        return Observation(
            measure=measure,
            quarter=quarter_of(at),
            channel=short(self._opened.channel if self._opened else channel),
            queue=short(where.queue),
            plan=short(where.plan),
            team=_team(self._teams.get(who, ()), team_at or at),
            agent=who,
            value=value,
        )

    def _last_agent(self) -> str | None:
        """Return who had a case that nobody has now because it is done."""
        last = self._steps[-1]
        ends = of_kind(self._steps, FactKind.RESOLVED)
        return ends[-1].fact.agent if ends and last.after.state is CaseState.RESOLVED else None


def _seconds(begun: datetime, ended: datetime) -> int:
    """Return the whole seconds between; clocks that disagree make none."""
    return max(0, (ended - begun) // A_SECOND)


def _team(memberships: Sequence[Membership], at: datetime) -> str:
    joined = [one for one in memberships if one.since <= at]
    return short(joined[-1].team) if joined else ""


def _last_of_each(rated: Iterable[Fact]) -> list[Fact]:
    """Return the last valid score of each survey's question; who changes his mind counts once."""
    last: dict[object, Fact] = {}
    for fact in sorted(rated, key=lambda fact: (fact.at, fact.event)):
        if _valid(fact):
            last[fact.survey or fact.event, fact.question] = fact
    return list(last.values())


def _valid(fact: Fact) -> bool:
    scale = SCALES.get(Question(fact.question)) if fact.question in set(_RATED) else None
    return scale is not None and fact.score in scale
