"""A load file says who writes and who answers; its mistakes are named with their lines."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import fmean, stdev

import pytest

from common.core.work import Presence
from router.core.facts import Arrival
from router.core.loading import RulesError, load as load_rules
from router.core.policy import Policy
from router.core.routing import Routed, route
from router.core.rules import Rules
from router.core.simulation.generating import arrivals, shifts, staffed
from router.core.simulation.load import Load, LoadError, read_load
from router.core.simulation.people import Answer, Incoming, Length, Shape, Work

ROOT = Path(__file__).parents[4]
MIDNIGHT = datetime(2026, 11, 23, 15, tzinfo=UTC)  # in Tokyo; a Tuesday begins
DAY = timedelta(days=1)

LOAD = """
zone: Asia/Tokyo
answer: {mean: 5s}
declined: 0.5
streams:
  bills:
    sentence: 請求の相談
    channel: line
    texts: [請求書をください。, 領収書をください。]
    tier: vip
    plan: gold
    per_hour: {mon-fri: {"13:00-15:00": 60, "09:00-10:00": 30}}
    handling: {shape: lognormal, mean: 10m, deviation: 5m}
    patience: {mean: 30m}
  mail:
    sentence: ほかの相談
    channel: email
    texts: [こんにちは]
    per_hour: {sat: {"09:00-10:00": 30}, mon-fri: {"00:00-24:00": 2, }}
    handling: {shape: fixed, mean: 3m}
teams:
  day:
    sentence: 日勤
    people: 2
    queues: [billing]
    skills: {billing: 3}
    shifts: {mon-fri: ["09:00-12:00", "13:00-18:00"]}
  night:
    sentence: 夜勤
    people: 1
    queues: [general]
    shifts: {mon-sun: ["00:00-06:00"]}
"""


@pytest.fixture(scope="session")
def rules(rules_text: str) -> Rules:
    return load_rules(rules_text.encode()).rules


@pytest.fixture(scope="session")
def load(rules: Rules) -> Load:
    return read_load(LOAD.encode(), rules)


def dice(name: str) -> Random:
    return Random(f"1 {name}")  # noqa: S311 - repeatable dice, no secret


def drawn(load: Load, days: int = 1) -> list[Incoming]:
    return list(arrivals(load, MIDNIGHT, MIDNIGHT + days * DAY, dice))


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("Asia/Tokyo", "Asia/Tokio", 2, "no time zone is called Asia/Tokio"),
        ("queues: [billing]", "queues: [bills]", 25, "the rules have no queue called bills"),
        ("{billing: 3}", "{bills: 3}", 26, "the rules have no skill called bills"),
        ("plan: gold", "plan: tin", 11, "the rules have no plan called tin"),
        ("tier: vip", "tier: king", 10, "the rules have no tier called king"),
        ('"13:00-15:00"', '"09:30-15:00"', 12, "two periods overlap on mon"),
        ("mon-sun", "weekends", 32, "`weekends` is no weekday"),
        ("people: 2", "people: two", 21, "Expected `int`, got `str`"),
        ("people: 2", "persons: 2", 21, "unknown field `persons`"),
        ("streams:", "streams: [", 7, "not YAML"),
        ("zone: Asia/Tokyo", "", 3, "missing required field `zone`"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    rules: Rules, old: str, new: str, line: int, says: str
) -> None:
    with pytest.raises(LoadError) as refused:
        read_load(LOAD.replace(old, new, 1).encode(), rules)
    (problem, *_) = refused.value.problems
    assert isinstance(refused.value, RulesError)
    assert says in problem.reason
    assert problem.line == line


def test_the_example_fits_the_example_rules() -> None:
    rules = load_rules((ROOT / "deploy/local/rules.yaml").read_bytes()).rules
    found = read_load((ROOT / "deploy/local/load.yaml").read_bytes(), rules)
    assert found.teams["technicians"].people == 9


def test_customers_write_as_often_as_the_file_says_and_only_then(load: Load) -> None:
    found = drawn(load, days=28)
    bills = [one for one in found if one.arrival.message.channel == "line"]
    hours = {(one.at + timedelta(hours=9)).hour for one in bills}
    assert hours == {9, 13, 14}
    assert len(bills) == pytest.approx(20 * 150, rel=0.05)
    assert {(one.at + timedelta(hours=9)).weekday() for one in bills} == {0, 1, 2, 3, 4}
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert len({one.arrival.event for one in found}) == len(found)


def test_the_same_dice_draw_the_same_customers_whatever_else_changes(load: Load) -> None:
    more = staffed(load, "day", 7)
    assert drawn(more) == drawn(load)
    assert more.teams["day"].people == 7
    assert more.teams["night"] == load.teams["night"]


def test_a_message_carries_what_the_rules_ask_about(load: Load, policy: Policy) -> None:
    first = next(one for one in drawn(load) if one.arrival.message.channel == "line")
    assert isinstance(first.arrival, Arrival)
    given = (first.arrival, first.customer, first.contracts)
    step = route(*given, {}, None, policy, first.at)
    assert isinstance(step, Routed)
    assert (step.decision.plan, step.decision.tier) == ("gold", "vip")
    mail = next(one for one in drawn(load) if one.arrival.message.channel == "email")
    assert mail.contracts == ()
    assert mail.customer.customer_ref is None
    assert mail.work.patience is None


def test_offers_are_declined_as_often_as_the_file_says_and_taken_in_the_end(load: Load) -> None:
    answers = [one.work.answers for one in drawn(load, days=28)]
    assert all(given[-1].accepts for given in answers)
    assert fmean(len(given) - 1 for given in answers) == pytest.approx(1.0, rel=0.1)


def test_people_come_and_go_by_the_clock_of_their_zone(load: Load) -> None:
    moves = shifts(load, MIDNIGHT, MIDNIGHT + DAY)
    shown = [
        (f"{one.at + timedelta(hours=9):%d %H:%M}", one.agent.agent, one.agent.presence)
        for one in moves
        if one.agent.agent != "day-2"
    ]
    assert shown == [
        ("24 00:00", "night-1", Presence.ONLINE),
        ("24 06:00", "night-1", Presence.OFFLINE),
        ("24 09:00", "day-1", Presence.ONLINE),
        ("24 12:00", "day-1", Presence.OFFLINE),
        ("24 13:00", "day-1", Presence.ONLINE),
        ("24 18:00", "day-1", Presence.OFFLINE),
    ]


def test_who_is_at_work_when_the_time_begins_is_there_from_the_beginning(load: Load) -> None:
    late = MIDNIGHT + timedelta(hours=10)
    moves = shifts(load, late, late + timedelta(hours=3))
    assert [(one.at, one.agent.agent) for one in moves[:2]] == [(late, "day-1"), (late, "day-2")]
    assert "night-1" not in {one.agent.agent for one in moves}


def test_lengths_vary_as_they_are_said_to() -> None:
    chance = dice("lengths")
    assert Length(Shape.FIXED, 60).draw(chance) == timedelta(minutes=1)
    assert Length(Shape.EXPONENTIAL, 0).draw(chance) == timedelta()
    exponential = [Length(Shape.EXPONENTIAL, 60).draw(chance) for _ in range(5_000)]
    assert fmean(one.total_seconds() for one in exponential) == pytest.approx(60, rel=0.05)
    lognormal = [Length(Shape.LOGNORMAL, 60, 30).draw(chance).total_seconds() for _ in range(5_000)]
    assert fmean(lognormal) == pytest.approx(60, rel=0.05)
    assert stdev(lognormal) == pytest.approx(30, rel=0.1)


def test_whoever_says_nothing_takes_the_first_offer_at_once() -> None:
    work = Work(timedelta(minutes=5))
    assert work.answer(0) == Answer()
