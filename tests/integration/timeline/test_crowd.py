"""Eight workers at once make of a crowd's events the customers that a plain model makes of them.

`make identity-load` tells 200,000 events of 20,000 people; the suite a twentieth of them.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from zlib import crc32

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, Rows
from tests.integration.timeline.test_merging import people_in
from tests.unit.timeline.people_model import PeopleModel
from tests.unit.timeline.telling import message, profile

from common.core.cloudevents import Event
from common.core.errors import TransientError
from common.core.events import CustomerChanged
from common.edges.batches import Received
from common.edges.database import create_writer_engine, is_passing
from timeline.edges.consume import Historian
from timeline.wiring import SERVICE

WORKERS = 8
EVENTS_EACH = 10
PROFILES_EACH = 3
BATCH = 200
DELIVERED_TWICE = 0.1  # of the batches
SHARED = 0.005  # of the contacts are used by more than one person
DEADLOCK = "40P01"
SYSTEMS = ("crm", "billing", "shop")


def contacts_of(person: int) -> list[str]:
    own = [
        f"email:p{person}@example.jp",
        f"tel:+8190{person:08}",
        f"line:1657000000:U{person:08}",
        f"email:work{person}@example.jp",
    ]
    return own[: 2 + person % 3]


def crowd(people: int, chance: random.Random) -> list[Event]:
    """Return ten events of each person, in the order of no clock: profiles, and what was written.

    Of the shared contacts one in five is a switchboard, which dozens of profiles name, and all others
    are two people's, as a family's telephone.
    """
    owned = [contacts_of(person) for person in range(people)]
    shared = _shared(owned, chance)
    told = [event for person in range(people) for event in _events(person, owned[person], shared)]
    chance.shuffle(told)
    return told


def _shared(owned: Sequence[Sequence[str]], chance: random.Random) -> dict[int, list[str]]:
    """Return what people use beside their own: each such contact is somebody's or a switchboard."""
    people = range(len(owned))
    shared: dict[int, list[str]] = {}
    for number in range(int(sum(map(len, owned)) * SHARED)):
        switchboard = number % 5 == 0
        contact = f"tel:+8132000{number:04}" if switchboard else chance.choice(owned[number])
        for person in chance.sample(people, k=min(40, len(people)) if switchboard else 1):
            shared.setdefault(person, []).append(contact)
    return shared


def _events(person: int, own: Sequence[str], shared: dict[int, list[str]]) -> Iterator[Event]:
    used = [*own, *shared.get(person, ())]
    for number in range(PROFILES_EACH):
        named = [used[0], *used[1 + number :: PROFILES_EACH]]
        # Ten hours apart: nobody may be joined with many others within one hour.
        yield profile(named, ref=f"{SYSTEMS[number]}-{person}", minutes=person % 600 + 600 * number)
    for number in range(EVENTS_EACH - PROFILES_EACH):
        contact = used[number % len(used)]
        yield message(contact, minutes=number, message_id=f"{person}-{number}")


@pytest.fixture
async def engine(migrated: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(migrated, SERVICE, pool_size=WORKERS)
    yield engine
    await engine.dispose()


async def work(engine: AsyncEngine, told: Sequence[Event], chance: random.Random) -> int:
    """Handle events as a consumer would; return how often the database refused for a deadlock."""
    historian = Historian(lambda: NOW, "JP")
    deadlocks = 0
    received = (
        Received(_topic(event), crc32(event.attributes.subject.encode()) % 12, offset, NOW, event)
        for offset, event in enumerate(told)
    )
    for batch in _batches(received):
        times = 2 if chance.random() < DELIVERED_TWICE else 1
        while times:
            try:
                async with engine.begin() as connection:
                    await historian(connection, batch)
                times -= 1
            except (TransientError, DBAPIError) as error:
                if not is_passing(error):
                    raise
                cause = getattr(error, "orig", None)
                deadlocks += getattr(cause, "sqlstate", None) == DEADLOCK
    return deadlocks


def _topic(event: Event) -> str:
    return "customers.v1" if isinstance(event.data, CustomerChanged) else "messages.v1"


def _batches(received: Iterator[Received]) -> Iterator[list[Received]]:
    while batch := list(islice(received, BATCH)):
        yield batch


async def test_eight_workers_agree_with_the_model_without_a_deadlock_or_a_lost_entry(
    engine: AsyncEngine,
    rows: Rows,
    pytestconfig: pytest.Config,
) -> None:
    people = pytestconfig.getoption("--people")
    chance = random.Random(20261122)  # noqa: S311 - reproducible, not secret
    told = crowd(people, chance)
    # As the bus has them: what is told of one contact or profile lies in one partition.
    shares: list[list[Event]] = [[] for _ in range(WORKERS)]
    for event in told:
        shares[crc32(event.attributes.subject.encode()) % WORKERS].append(event)
    began = time.perf_counter()
    deadlocks = await asyncio.gather(*(work(engine, share, chance) for share in shares))
    seconds = time.perf_counter() - began
    logging.getLogger(__name__).info("%d events, %.0f a second", len(told), len(told) / seconds)
    assert sum(deadlocks) == 0
    model = PeopleModel()
    for event in told:
        if isinstance(event.data, CustomerChanged):
            model.hear(event)
    assert await people_in(rows) == model.people()
    messages = {one.attributes.id for one in told if not isinstance(one.data, CustomerChanged)}
    assert {found for (found,) in await rows("SELECT event_id FROM entry")} == messages
    assert await rows("SELECT count(*) FROM entry") == [(len(messages),)]
