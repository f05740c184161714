"""The rules file: what a supervisor writes, as data. docs/routing.md explains it by example."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from common.core.events import Channel
from common.core.surveys import Question

DURATION = r"^(?=\d)(\d+h)?(\d+m)?(\d+s)?$"
PERIOD = r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"
NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"

Duration = Annotated[str, Meta(pattern=DURATION)]
Period = Annotated[str, Meta(pattern=PERIOD)]
Name = Annotated[str, Meta(pattern=NAME)]
Sentence = Annotated[str, Meta(min_length=1, max_length=300)]
Points = Annotated[int, Meta(ge=-100, le=100)]
Level = Annotated[int, Meta(ge=1, le=5)]
Units = Annotated[int, Meta(ge=1, le=1000)]
Condition = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Sample = Annotated[float, Meta(gt=0, le=1)]
QuestionText = Annotated[str, Meta(min_length=1, max_length=1000)]
YearDay = Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Less = Annotated[int, Meta(ge=-5, le=-1)]
Refused = Literal["closed", "unstaffed", "unqualified"]


class Holidays(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days on which nobody works: a country's public holidays and days of one's own.

    `country` is an ISO 3166-1 code, `subdivision` one of its ISO 3166-2 parts. `yearly` are days of
    every year as `12-29`. On `working` days people work although the country does not.
    """

    country: str | None = None
    subdivision: str | None = None
    dates: tuple[date, ...] = ()
    yearly: tuple[YearDay, ...] = ()
    working: tuple[date, ...] = ()


class Calendar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When people work. `open` maps a weekday or a range (`mon-fri`) to its periods.

    Times are wall-clock times in `zone`; `24:00` is the end of a day. `always` is 24x7.
    """

    zone: str
    open: dict[str, tuple[Period, ...]] = {}
    holidays: tuple[date, ...] | Holidays = ()
    always: bool = False


class PlanTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan promises instead to cases of at least so many points of priority."""

    priority_at_least: int
    first_response: Duration
    resolution: Duration


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a contract promises, counted in the open time of its calendar.

    Of `targets` the one with the most points that a case reaches counts. A promise is `at_risk` when
    that share of its time is over, or that long before its end. With `pause_while_waiting` the
    resolution's clock stands still while the customer has to answer.
    """

    sentence: Sentence
    first_response: Duration
    resolution: Duration
    calendar: str
    priority: Points = 0
    targets: tuple[PlanTarget, ...] = ()
    at_risk: Share | Duration = 0.8
    pause_while_waiting: bool = False
    default: bool = False


class Tier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How important a customer is to the company."""

    sentence: Sentence
    priority: Points


class Overflow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which queue takes over, in which of these conditions, and after how long a wait if not at once.

    Without `when`: in each of them, or, with `after`, whatever the queue's condition.
    """

    to: str
    when: tuple[Refused, ...] = ()
    after: Duration | None = None


class Relaxation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked less of whoever answers a case that has waited so long.

    `skills` lowers levels (`network: -1`); what falls below 1, and each of `drop`, is asked no more.
    """

    after: Duration
    skills: dict[str, Less] = {}
    drop: tuple[str, ...] = ()


class Queue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where cases wait. `skills` are asked of whoever answers from here.

    `when_closed: wait` takes cases outside the calendar too; they wait for the opening. Each step
    of `relax` follows the one before. After `max_age` a case leaves for the overflow, else for the
    default queue.
    """

    sentence: Sentence
    calendar: str
    skills: dict[str, Level] = {}
    overflow: tuple[str | Overflow, ...] = ()
    relax: tuple[Relaxation, ...] = ()
    max_age: Duration | None = None
    when_closed: Literal["overflow", "wait"] = "overflow"
    default: bool = False


class PriorityEffect(Struct, frozen=True, forbid_unknown_fields=True):
    """Points that a rule adds, and why."""

    points: Points
    reason: Sentence


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """If every condition of `when` (CEL) holds, the effects count."""

    id: Name
    sentence: Sentence
    when: Condition | tuple[Condition, ...]
    queue: str | None = None
    skills: dict[str, Level] = {}
    priority: PriorityEffect | None = None


class Credit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much earlier than its deadline a point of priority puts a case, and the most it can."""

    per_point: Duration = "2m"
    at_most: Duration = "4h"


class ContinuitySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long after it was resolved a case takes the customer's next message."""

    reopen_within: Duration = "72h"


class Assignment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How cases are given to people.

    `units` is what a case of a channel takes of an agent's capacity, 1 where nothing is said. An
    offer stands for `offer_timeout`; whoever lets it go comes after the others for `pause`, doubled
    each time up to `pause_at_most`. After `heartbeat` without a sign an agent counts as gone: his
    offers go back at once, his cases after `take_back`. Who had a case of the customer within
    `last_agent` is asked first, alone for `reserve` while he is signed in. `pick: false` lets nobody
    choose what to take from a queue.
    """

    units: dict[str, Units] = {}
    offer_timeout: Duration = "1m"
    pause: Duration = "1m"
    pause_at_most: Duration = "1h"
    wrap_up: Duration = "0s"
    heartbeat: Duration = "1m"
    take_back: Duration = "15m"
    last_agent: Duration = "720h"
    reserve: Duration = "0s"
    pick: bool = True


class Urgency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What words of haste or anger are worth, and words to add to the ones we know.

    `scorer` is who finds them: the list that ships, or what an installed package offers.
    """

    points: Points = 10
    words: tuple[Sentence, ...] = ()
    scorer: str = "words"


class LowAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer of at most so much opens a new case in a queue."""

    at_most: int
    queue: str
    priority: PriorityEffect | None = None


class Survey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked after a case was resolved. The first that fits its queue, plan and channel counts.

    None named is all. It is asked `delay` after the resolution, of that `share` of the cases, and never
    of a customer who was asked anything within `quiet`. An answer counts for `answer_within`. `text` is
    the question by language, where not ours. With `send: false` another system asks.
    """

    id: Name
    sentence: Sentence
    question: Question
    queues: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    delay: Duration = "1h"
    quiet: Duration = "720h"
    share: Sample = 1.0
    answer_within: Duration = "72h"
    send: bool = True
    text: dict[Literal["en", "ja"], QuestionText] = {}
    low: LowAnswer | None = None


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole rules file.

    `language` is the company's: its reasons are written in it, and a message that does not show
    its language is taken to be in it.
    """

    company: Sentence
    language: Literal["en", "ja"] = "en"
    calendars: dict[Name, Calendar]
    skills: dict[Name, Sentence] = {}
    plans: dict[Name, Plan]
    tiers: dict[Name, Tier] = {}
    queues: dict[Name, Queue]
    teams: dict[Name, tuple[str, ...]] = {}
    rules: tuple[Rule, ...] = ()
    continuity: ContinuitySettings = ContinuitySettings()
    credit: Credit = Credit()
    urgency: Urgency = Urgency()
    assignment: Assignment = Assignment()
    surveys: tuple[Survey, ...] = ()


def seconds(duration: str) -> int:
    """Return the length of a duration such as `1h30m`, in seconds."""
    total, number = 0, ""
    for character in duration:
        if character.isdigit():
            number += character
        else:
            total += int(number) * {"h": 3600, "m": 60, "s": 1}[character]
            number = ""
    return total


def default_of(named: dict[str, Plan] | dict[str, Queue]) -> str:
    """Return the name of the plan or queue that is marked `default`; a loaded file has exactly one."""
    return next(name for name, entry in named.items() if entry.default)
