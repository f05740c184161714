"""The rules file: what a supervisor writes, as data. docs/routing.md explains it by example."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

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


class Calendar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When people work. `open` maps a weekday or a range (`mon-fri`) to its periods.

    Times are wall-clock times in `zone`; `24:00` is the end of a day. `always` is 24x7.
    """

    zone: str
    open: dict[str, tuple[Period, ...]] = {}
    holidays: tuple[date, ...] = ()
    always: bool = False


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a contract promises, counted in the open time of its calendar."""

    sentence: Sentence
    first_response: Duration
    resolution: Duration
    calendar: str
    priority: Points = 0
    default: bool = False


class Tier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How important a customer is to the company."""

    sentence: Sentence
    priority: Points


class Queue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where cases wait. `skills` are asked of whoever answers from here.

    `when_closed: wait` takes cases outside the calendar too; they wait for the opening.
    """

    sentence: Sentence
    calendar: str
    skills: dict[str, Level] = {}
    overflow: tuple[str, ...] = ()
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
    `last_agent` is asked first, alone for `reserve` while he is signed in.
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


class Urgency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What words of haste or anger are worth, and words to add to the ones we know."""

    points: Points = 10
    words: tuple[Sentence, ...] = ()


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
    rules: tuple[Rule, ...] = ()
    continuity: ContinuitySettings = ContinuitySettings()
    credit: Credit = Credit()
    urgency: Urgency = Urgency()
    assignment: Assignment = Assignment()


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
