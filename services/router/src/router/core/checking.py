"""What a rules file must keep beyond its shape: every name is known, every condition can be asked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from common.core.events import (
    Attachment,
    AttachmentState,
    Channel,
    Conversation,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.surveys import SCALES
from router.core.calendars import closed_days, weekly_minutes
from router.core.conditions import Asking, Condition, Questions, Situation
from router.core.facts import Arrival, Customer
from router.core.marked_yaml import Location
from router.core.rules import Plan, Queue, Rule, Rules, seconds
from router.core.urgency import scorer_maker


class Complaint(Struct, frozen=True):
    """Something wrong in a file of the right shape, and where."""

    location: Location
    reason: str


def complaints(rules: Rules) -> Iterator[Complaint]:
    """Yield everything that keeps the rules from being used."""
    yield from _calendars(rules)
    yield from _plans(rules)
    yield from _queues(rules)
    yield from _teams(rules)
    try:
        scorer_maker(rules.urgency.scorer)
    except ValueError as error:
        yield Complaint(("urgency", "scorer"), str(error))
    yield from _rules(rules)
    yield from _surveys(rules)


def _calendars(rules: Rules) -> Iterator[Complaint]:
    for name, calendar in rules.calendars.items():
        try:
            ZoneInfo(calendar.zone)
        except (LookupError, ValueError, OSError):
            yield Complaint(("calendars", name, "zone"), f"no time zone is called {calendar.zone}")
        try:
            closed_days(calendar.holidays)
        except ValueError as error:
            yield Complaint(("calendars", name, "holidays"), str(error))
        try:
            week = weekly_minutes(calendar.open)
        except ValueError as error:
            yield Complaint(("calendars", name, "open"), str(error))
            continue
        if not calendar.always and not any(week):
            yield Complaint(("calendars", name), f"the calendar {name} is never open")


def _plans(rules: Rules) -> Iterator[Complaint]:
    yield from _one_default("plans", rules.plans)
    for name, plan in rules.plans.items():
        at = ("plans", name)
        yield from _unknown((*at, "calendar"), "calendar", [plan.calendar], rules.calendars)
        if seconds(plan.resolution) < seconds(plan.first_response):
            yield Complaint((*at, "resolution"), "the resolution is due before the first response")
        for index, target in enumerate(plan.targets):
            if seconds(target.resolution) < seconds(target.first_response):
                reason = "the resolution is due before the first response"
                yield Complaint((*at, "targets", index), reason)


def _queues(rules: Rules) -> Iterator[Complaint]:
    yield from _one_default("queues", rules.queues)
    for name, queue in rules.queues.items():
        at = ("queues", name)
        yield from _unknown((*at, "calendar"), "calendar", [queue.calendar], rules.calendars)
        yield from _unknown((*at, "skills"), "skill", queue.skills, rules.skills)
        ways = [entry if isinstance(entry, str) else entry.to for entry in queue.overflow]
        yield from _unknown((*at, "overflow"), "queue", ways, rules.queues)
        for index, step in enumerate(queue.relax):
            eased = (*step.skills, *step.drop)
            yield from _unknown((*at, "relax", index), "skill", eased, rules.skills)
        if name in ways:
            yield Complaint((*at, "overflow"), f"the queue {name} overflows into itself")


def _teams(rules: Rules) -> Iterator[Complaint]:
    for name, queues in rules.teams.items():
        yield from _unknown(("teams", name), "queue", queues, rules.queues)


def _rules(rules: Rules) -> Iterator[Complaint]:
    counted = Counter(rule.id for rule in rules.rules)
    for index, rule in enumerate(rules.rules):
        at = ("rules", index)
        if counted[rule.id] > 1:
            yield Complaint((*at, "id"), f"{counted[rule.id]} rules are called {rule.id}")
        yield from _unknown((*at, "queue"), "queue", _named(rule), rules.queues)
        yield from _unknown((*at, "skills"), "skill", rule.skills, rules.skills)
        yield from _conditions((*at, "when"), rule)


def _surveys(rules: Rules) -> Iterator[Complaint]:
    counted = Counter(survey.id for survey in rules.surveys)
    for index, survey in enumerate(rules.surveys):
        at = ("surveys", index)
        if counted[survey.id] > 1:
            yield Complaint((*at, "id"), f"{counted[survey.id]} surveys are called {survey.id}")
        yield from _unknown((*at, "queues"), "queue", survey.queues, rules.queues)
        yield from _unknown((*at, "plans"), "plan", survey.plans, rules.plans)
        if low := survey.low:
            yield from _unknown((*at, "low", "queue"), "queue", [low.queue], rules.queues)
            if low.at_most not in SCALES[survey.question]:
                reason = f"no answer to {survey.question} is {low.at_most}"
                yield Complaint((*at, "low", "at_most"), reason)


def _conditions(at: Location, rule: Rule) -> Iterator[Complaint]:
    sources = (rule.when,) if isinstance(rule.when, str) else rule.when
    for index, source in enumerate(sources):
        place = at if isinstance(rule.when, str) else (*at, index)
        try:
            unanswerable = rehearsed(Condition(source))
        except ValueError as error:
            yield Complaint(place, f"the condition of {rule.id}: {_first_line(error)}")
        else:
            if unanswerable:
                yield Complaint(place, f"the condition of {rule.id}: {unanswerable}")


def rehearsed(condition: Condition) -> str | None:
    """Ask a condition about an ordinary message; return what no message could mend, or None.

    Only a wrong type is for ever; a missing attribute or an unreadable number may be there in the
    next message.
    """
    answer = condition.answer(Asking(SAMPLE, Questions([condition])))
    return answer.error if answer.hopeless else None


def _one_default(
    section: str, named: Mapping[str, Plan] | Mapping[str, Queue]
) -> Iterator[Complaint]:
    defaults = [name for name, entry in named.items() if entry.default]
    if len(defaults) != 1:
        marked = " and ".join(defaults) or "none"
        yield Complaint(
            (section,), f"exactly one of the {section} must be `default: true`, not {marked}"
        )


def _unknown(
    at: Location, kind: str, names: Iterable[str], known: Mapping[str, object]
) -> Iterator[Complaint]:
    for name in names:
        if name not in known:
            yield Complaint(at, f"no {kind} is called {name}")


def _named(rule: Rule) -> tuple[str, ...]:
    return () if rule.queue is None else (rule.queue,)


def _first_line(error: ValueError) -> str:
    return str(error).partition("\n")[0]


_NOON = datetime(2026, 4, 1, 3, tzinfo=UTC)
_SENDER = Party("email:taro@example.jp", "山田太郎")
SAMPLE = Situation(
    arrival=Arrival(
        event=UUID(int=1),
        tenant="sample",
        contact=_SENDER.contact,
        message=Message(
            message_id="1",
            kind=MessageKind.MESSAGE,
            direction=Direction.INBOUND,
            channel=Channel.EMAIL,
            provider="smtp",
            account="support",
            sender=_SENDER,
            recipients=(Party("email:support@example.co.jp"),),
            conversation=Conversation("1"),
            received_at=_NOON,
            subject="お問い合わせ",
            text="請求書を送ってください。",
            attachments=(
                Attachment(name="a.png", media_type="image/png", state=AttachmentState.STORED),
            ),
        ),
    ),
    customer=Customer(customer=UUID(int=2)),
    plan="default",
    contract=None,
    language="ja",
)
