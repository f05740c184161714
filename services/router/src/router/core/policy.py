"""The rules made ready to decide with: everything that can be worked out once is worked out here."""

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from router.core.calendars import BusinessHours
from router.core.entitlement import Promise, PromisedTarget
from router.core.matching import ReadyRule, RuleBook, book_of, ready
from router.core.queues import ALWAYS, Desk, Ease, WayOut
from router.core.rules import (
    Assignment,
    Overflow,
    Plan,
    Relaxation,
    Rules,
    Survey,
    Tier,
    default_of,
    seconds,
)
from router.core.skills import asked
from router.core.steps import Terms
from router.core.urgency import Scorer, scorer_maker
from router.core.wording import WORDINGS, Language, Wording


class Policy(Struct, frozen=True, kw_only=True):
    """A company's rules, compiled. `version` is the SHA-256 of the rules; decisions carry it."""

    version: str
    language: Language
    say: Wording
    rules: tuple[ReadyRule, ...]
    book: RuleBook
    promises: Mapping[str, Promise]
    default_promise: Promise
    has_targets: bool
    tiers: Mapping[str, Tier]
    skills: Mapping[str, str]
    desks: Mapping[str, Desk]
    default_queue: str
    teams: Mapping[str, tuple[str, ...]]
    reopen_within: timedelta
    credit_per_point: timedelta
    credit_at_most: timedelta
    urgency: Scorer
    urgency_points: int
    units: Mapping[str, int]
    terms: Terms
    heartbeat: timedelta
    take_back: timedelta
    last_agent: timedelta
    reserve: timedelta
    pick: bool
    surveys: tuple[Survey, ...]


def compiled(rules: Rules, version: str, reasons_in: Language | None = None) -> Policy:
    """Return the policy of checked rules (`loading.load`).

    Its reasons are in `reasons_in`, by default the company's language.
    """
    say = WORDINGS[reasons_in or rules.language]
    hours = {name: BusinessHours(name, calendar) for name, calendar in rules.calendars.items()}
    promises = _promises(rules, hours)
    ready_rules = tuple(ready(rule, say) for rule in rules.rules)
    return Policy(
        version=version,
        language=rules.language,
        say=say,
        rules=ready_rules,
        book=book_of(ready_rules),
        promises=promises,
        default_promise=promises[default_of(rules.plans)],
        has_targets=any(plan.targets for plan in rules.plans.values()),
        tiers=rules.tiers,
        skills=rules.skills,
        desks=_desks(rules, hours, say),
        default_queue=default_of(rules.queues),
        teams=rules.teams,
        reopen_within=_length(rules.continuity.reopen_within),
        credit_per_point=_length(rules.credit.per_point),
        credit_at_most=_length(rules.credit.at_most),
        urgency=scorer_maker(rules.urgency.scorer)(rules.urgency.words),
        urgency_points=rules.urgency.points,
        units=rules.assignment.units,
        terms=_terms(rules.assignment),
        heartbeat=_length(rules.assignment.heartbeat),
        take_back=_length(rules.assignment.take_back),
        last_agent=_length(rules.assignment.last_agent),
        reserve=_length(rules.assignment.reserve),
        pick=rules.assignment.pick,
        surveys=rules.surveys,
    )


def _terms(assignment: Assignment) -> Terms:
    return Terms(
        offer_timeout=_length(assignment.offer_timeout),
        pause=_length(assignment.pause),
        pause_at_most=_length(assignment.pause_at_most),
        wrap_up=_length(assignment.wrap_up),
    )


def _promises(rules: Rules, hours: Mapping[str, BusinessHours]) -> dict[str, Promise]:
    return {
        name: Promise(
            plan=name,
            first_response=seconds(plan.first_response),
            resolution=seconds(plan.resolution),
            hours=hours[plan.calendar],
            priority=plan.priority,
            at_risk=plan.at_risk if isinstance(plan.at_risk, float) else 0,
            at_risk_before=seconds(plan.at_risk) if isinstance(plan.at_risk, str) else None,
            pause_while_waiting=plan.pause_while_waiting,
            targets=_targets(plan),
        )
        for name, plan in rules.plans.items()
    }


def _targets(plan: Plan) -> tuple[PromisedTarget, ...]:
    most_first = sorted(plan.targets, key=lambda target: target.priority_at_least, reverse=True)
    return tuple(
        PromisedTarget(
            target.priority_at_least, seconds(target.first_response), seconds(target.resolution)
        )
        for target in most_first
    )


def _desks(rules: Rules, hours: Mapping[str, BusinessHours], say: Wording) -> dict[str, Desk]:
    return {
        name: Desk(
            name=name,
            queue=queue,
            hours=hours[queue.calendar],
            skills=asked(queue.skills, say.queue_skill.format(queue=name)),
            overflow=tuple(_way_out(entry) for entry in queue.overflow),
            relax=tuple(_eased(step) for step in queue.relax),
            max_age=_length(queue.max_age) if queue.max_age else None,
        )
        for name, queue in rules.queues.items()
    }


def _way_out(entry: str | Overflow) -> WayOut:
    if isinstance(entry, str):
        return WayOut(entry, ALWAYS, None)
    after = None if entry.after is None else _length(entry.after)
    return WayOut(entry.to, frozenset(entry.when) or (ALWAYS if after is None else None), after)


def _eased(step: Relaxation) -> Ease:
    return Ease(_length(step.after), step.skills, frozenset(step.drop))


def _length(duration: str) -> timedelta:
    return timedelta(seconds=seconds(duration))
