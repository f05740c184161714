"""Customers and agents made from a load file, at random but the same for the same chances."""

import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from common.core.events import Contract, Conversation, Direction, Message, MessageKind, Party
from common.core.ids import customer_id, event_id
from common.core.work import Presence
from router.core.agents import Agent
from router.core.calendars import day_indexes, instant, weekly_minutes
from router.core.facts import Arrival, Customer
from router.core.simulation.load import Load, Stream, Team
from router.core.simulation.people import (
    Answer,
    Chance,
    Chances,
    Incoming,
    Length,
    Shift,
    Work,
)

TENANT = "simulated"
ACCOUNT = "simulation"
DECLINES = 10  # whoever is asked about a case that so many declined takes it

_DAY = timedelta(days=1)
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


def arrivals(load: Load, start: datetime, end: datetime, chances: Chances) -> Iterator[Incoming]:
    """Yield who writes between two instants, in order: Poisson arrivals at each stream's rates.

    Each stream draws from a chance of its own, so that another stream, other rules or more people
    change nothing about its customers.
    """
    streams = (
        _stream(name, stream, load, (start, end), chances(f"stream {name}"))
        for name, stream in load.streams.items()
    )
    return heapq.merge(*streams, key=attrgetter("at"))


def shifts(load: Load, start: datetime, end: datetime) -> list[Shift]:
    """Return who comes and goes between two instants, in order."""
    zone = ZoneInfo(load.zone)
    moves = [
        move for name, team in load.teams.items() for move in _team(name, team, zone, (start, end))
    ]
    return sorted(moves, key=attrgetter("at"))


def staffed(load: Load, team: str, people: int) -> Load:
    """Return the load with another number of people in a team."""
    return replace(load, teams={**load.teams, team: replace(load.teams[team], people=people)})


def _stream(
    name: str, stream: Stream, load: Load, span: tuple[datetime, datetime], chance: Chance
) -> Iterator[Incoming]:
    lengths = stream.handling.length(), load.answer.length()
    patience = stream.patience.length() if stream.patience else None
    for number, at in enumerate(_moments(stream, ZoneInfo(load.zone), span, chance)):
        text = stream.texts[int(chance.random() * len(stream.texts))]
        work = _work(*lengths, patience, load.declined, chance)
        yield _written(name, stream, number, at, text, work)


def _moments(
    stream: Stream, zone: ZoneInfo, span: tuple[datetime, datetime], chance: Chance
) -> Iterator[datetime]:
    """Yield when a stream's customers write.

    An exponential wait has no memory, so that each period can begin anew.
    """
    rates = _rates(stream)
    for day in _days(zone, span):
        for (opens, closes), rate in rates[day.weekday()]:
            at = max(instant(day, opens, zone), span[0])
            until = min(instant(day, closes, zone), span[1])
            while rate and (at := at + timedelta(hours=chance.expovariate(rate))) < until:
                yield at


def _rates(stream: Stream) -> list[list[tuple[tuple[int, int], float]]]:
    """Return each weekday's periods in minutes since midnight, with messages an hour."""
    week: list[list[tuple[tuple[int, int], float]]] = [[] for _ in range(7)]
    for days, periods in stream.per_hour.items():
        for period, rate in periods.items():
            for index in day_indexes(days):
                (minutes,) = weekly_minutes({days: (period,)})[index]
                week[index].append((minutes, rate))
    return [sorted(day) for day in week]


def _work(
    handling: Length, answer: Length, patience: Length | None, declined: float, chance: Chance
) -> Work:
    given: list[Answer] = []
    while len(given) < DECLINES and declined and chance.random() < declined:
        given.append(Answer(answer.draw(chance), accepts=False))
    return Work(
        handling=handling.draw(chance),
        patience=patience.draw(chance) if patience else None,
        answers=(*given, Answer(answer.draw(chance))),
    )


def _written(
    name: str, stream: Stream, number: int, at: datetime, text: str, work: Work
) -> Incoming:
    message_id = f"{name}-{number}"
    contact = f"{stream.channel}:{ACCOUNT}:{message_id}"
    message = Message(
        message_id=message_id,
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=stream.channel,
        provider=ACCOUNT,
        account=ACCOUNT,
        sender=Party(contact),
        conversation=Conversation(contact),
        received_at=at,
        text=text,
        language=stream.language,
        attributes=stream.attributes,
    )
    known = stream.plan or stream.tier
    customer = Customer(
        customer=customer_id(TENANT, contact),
        customer_ref=message_id if known else None,
        tier=stream.tier,
    )
    contract = Contract(contract_id=name, plan=stream.plan or "", starts_at=_ALWAYS)
    return Incoming(
        at=at,
        arrival=Arrival(
            event=event_id(ACCOUNT, ACCOUNT, message_id),
            tenant=TENANT,
            contact=contact,
            message=message,
        ),
        customer=customer,
        work=work,
        contracts=(contract,) if stream.plan else (),
    )


def _team(
    name: str, team: Team, zone: ZoneInfo, span: tuple[datetime, datetime]
) -> Iterator[Shift]:
    week = weekly_minutes(team.shifts)
    for number in range(1, team.people + 1):
        agent = _agent(name, team, number, span[0])
        for day in _days(zone, span):
            for comes, goes in week[day.weekday()]:
                start, end = instant(day, comes, zone), instant(day, goes, zone)
                if end > span[0] and start < span[1]:
                    online = replace(agent, presence=Presence.ONLINE)
                    yield Shift(max(start, span[0]), online)
                    yield Shift(end, agent)


def _agent(name: str, team: Team, number: int, at: datetime) -> Agent:
    return Agent(
        tenant=TENANT,
        agent=f"{name}-{number}",
        team=name,
        free_since=at,
        seen_at=at,
        changed_at=at,
        skills=team.skills,
        queues=team.queues,
        capacity=team.capacity,
        channels=team.channels,
    )


def _days(zone: ZoneInfo, span: tuple[datetime, datetime]) -> Iterator[date]:
    day = span[0].astimezone(zone).date()
    while day <= span[1].astimezone(zone).date():
        yield day
        day += _DAY
