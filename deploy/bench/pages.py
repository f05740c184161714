"""Pages of somebody's history over HTTP, at a steady pace on one process of the timeline."""

import random
from collections.abc import Iterable, Iterator
from uuid import UUID

import asyncpg

from bench.asking import ask, get
from bench.history import TENANT, History
from bench.history_rows import moment
from bench.load import Outcome
from timeline.core.cursor import Cursor, write_cursor

PER_SECOND = 300
SECONDS = 20
WARM_SECONDS = 5
REQUESTS = PER_SECOND * (WARM_SECONDS + SECONDS)
OLDER = 0.25  # of the pages are not the newest
SEED = 20261101

_OWNERS = "SELECT address, customer_id FROM timeline.contact WHERE address = ANY($1::text[])"


async def asked(database: str, history: History, count: int) -> list[str]:
    """Return the paths of so many pages: who wrote more is looked at more often."""
    chance = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    customers = [history.customer_at(chance.randrange(history.entries)) for _ in range(count)]
    owners = await owners_of(database, history, customers)
    return list(_paths([owners[customer] for customer in customers], history, chance))


async def owners_of(database: str, history: History, customers: Iterable[int]) -> dict[int, UUID]:
    """Return the ids of these customers of the history."""
    addresses = {history.contacts_of(customer)[0]: customer for customer in customers}
    connection = await asyncpg.connect(database, server_settings={"madoguchi.tenant": TENANT})
    rows = await connection.fetch(_OWNERS, list(addresses))
    await connection.close()
    return {addresses[row["address"]]: row["customer_id"] for row in rows}


def measure(port: int, paths: list[str], token: str) -> Outcome:
    """Ask for the pages, some of them to warm up."""
    requests = [get(path, token) for path in paths]
    warm = PER_SECOND * WARM_SECONDS
    ask(port, requests[:warm], PER_SECOND, warming=True)
    return ask(port, requests[warm:], PER_SECOND)


def _paths(customers: list[UUID], history: History, chance: random.Random) -> Iterator[str]:
    for customer in customers:
        path = f"/v1/customers/{customer}/timeline"
        if chance.random() < OLDER:
            at = moment(history.moment(chance.randrange(history.entries)))
            path += f"?before={write_cursor(Cursor(at, 0, 0, 0))}"
        yield path
