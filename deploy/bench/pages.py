"""What a tool asks about a customer over HTTP, at a steady pace on one process of the timeline."""

import random
from collections.abc import Iterable, Iterator
from uuid import UUID

import asyncpg
from msgspec import Struct

from bench.asking import ask, get
from bench.history import TENANT, History
from bench.history_rows import moment
from bench.load import Outcome
from timeline.core.cursor import Cursor, write_cursor

SECONDS = 12
WARM_SECONDS = 5
OLDER = 0.25  # of the pages are not the newest
SEED = 20261101

_OWNERS = "SELECT address, customer_id FROM timeline.contact WHERE address = ANY($1::text[])"


class Asked(Struct, frozen=True):
    """Something below a customer's path; of pages some are not the newest."""

    name: str
    path: str
    per_second: int
    older: float = 0.0


PAGE = Asked("page", "timeline", 300, OLDER)
HEAD = Asked("head", "head", 100)


async def asked(database: str, history: History, what: Asked, number: int) -> list[str]:
    """Return what is asked for in a round: who wrote more is looked at more often."""
    chance = random.Random(SEED + number)  # noqa: S311 - reproducible, not secret
    count = what.per_second * (WARM_SECONDS + SECONDS)
    customers = [history.customer_at(chance.randrange(history.entries)) for _ in range(count)]
    owners = await owners_of(database, history, customers)
    return list(_paths([owners[customer] for customer in customers], history, what, chance))


async def owners_of(database: str, history: History, customers: Iterable[int]) -> dict[int, UUID]:
    """Return the ids of these customers of the history."""
    addresses = {history.contacts_of(customer)[0]: customer for customer in customers}
    connection = await asyncpg.connect(database, server_settings={"madoguchi.tenant": TENANT})
    rows = await connection.fetch(_OWNERS, list(addresses))
    await connection.close()
    return {addresses[row["address"]]: row["customer_id"] for row in rows}


def measure(port: int, paths: list[str], token: str, what: Asked) -> Outcome:
    """Ask for all of these, the first ones only to warm up."""
    requests = [get(path, token) for path in paths]
    warm = what.per_second * WARM_SECONDS
    ask(port, requests[:warm], what.per_second)
    return ask(port, requests[warm:], what.per_second)


def _paths(
    customers: list[UUID], history: History, what: Asked, chance: random.Random
) -> Iterator[str]:
    for customer in customers:
        path = f"/v1/customers/{customer}/{what.path}"
        if chance.random() < what.older:
            at = moment(history.moment(chance.randrange(history.entries)))
            path += f"?before={write_cursor(Cursor(at, 0, 0, 0))}"
        yield path
