"""Searches for two Japanese characters over a million texts: how soon, and whether all are found."""

import json
import random
import re
from collections.abc import Sequence
from urllib.parse import quote
from urllib.request import Request, urlopen

import asyncpg

from bench.asking import ask, get
from bench.history import TENANT
from bench.load import Outcome
from bench.texts import story_of
from local_stack.ports import LOOPBACK

PER_SECOND = 20
SECONDS = 20
WARM_SECONDS = 4
CHECKED = 30
MOST_COMPARED = 500  # of the newest texts in which a word stands
A_PAGE = 100
SEED = 20261102

_PAIR = re.compile(r"(?=([\u3040-\u30ff\u4e00-\u9fff]{2}))")
# A superuser sees every tenant, and other stages have told of theirs on the same bus.
_STANDS_IN = """
    SELECT event_id FROM timeline.search_document
     WHERE generation = (SELECT number FROM timeline.search_generation WHERE live)
       AND tenant = $1 AND plain LIKE '%' || $2 || '%'
     ORDER BY occurred_at DESC, event_id DESC LIMIT $3
"""


def words(count: int, number: int = 0) -> list[str]:
    """Return pairs of characters as they stand in texts: half as often as they do, half each once.

    `number` is which such list.
    """
    chance = random.Random(SEED + number)  # noqa: S311 - reproducible, not secret
    often = [pair for number in range(2_000) for pair in _PAIR.findall(story_of(number))]
    each = sorted(set(often))
    return [chance.choice(often if number % 2 else each) for number in range(count)]


def measure(port: int, token: str, number: int) -> Outcome:
    """Search at a steady pace, some time to warm up, each round of this `number` for other words."""
    asked = words(PER_SECOND * (WARM_SECONDS + SECONDS), number)
    requests = [get(f"/v1/search?q={quote(word)}", token) for word in asked]
    warm = PER_SECOND * WARM_SECONDS
    ask(port, requests[:warm], PER_SECOND)
    return ask(port, requests[warm:], PER_SECOND)


async def compare(port: int, token: str, superuser: str) -> int:
    """Compare with LIKE on the same texts; return how many hits were compared.

    Raises RuntimeError where one is missing, too much, or in another place.
    """
    connection = await asyncpg.connect(superuser)
    compared = 0
    for word in words(CHECKED):
        wanted = await stands_in(connection, word)
        found = _found(port, token, word, len(wanted))
        if found != wanted:
            raise RuntimeError(_difference(word, found, wanted))
        compared += len(wanted)
    await connection.close()
    return compared


async def stands_in(connection: asyncpg.Connection, word: str) -> list[str]:
    """Return the tenant's newest events with a word in their texts, as LIKE finds them."""
    rows = await connection.fetch(_STANDS_IN, TENANT, word, MOST_COMPARED, timeout=None)
    return [str(row["event_id"]) for row in rows]


def _difference(word: str, found: Sequence[str], wanted: Sequence[str]) -> str:
    place = next(
        (at for at, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]),
        min(len(found), len(wanted)),
    )
    return (
        f"the search for {word} differs from LIKE: {len(found)} found of {len(wanted)}, "
        f"the first {place} alike, then {found[place : place + 3]} for {wanted[place : place + 3]}"
    )


def _found(port: int, token: str, word: str, most: int) -> Sequence[str]:
    """Return the newest hits: as many as are wanted, or all where all are."""
    found: list[str] = []
    path: str | None = f"/v1/search?q={quote(word)}&limit={A_PAGE}"
    while path and (len(found) < most or most < MOST_COMPARED):
        request = Request(f"http://{LOOPBACK}:{port}{path}")
        request.add_header("authorization", f"Bearer {token}")
        with urlopen(request) as answer:  # noqa: S310 - our own service
            page = json.load(answer)
        found += [hit["id"] for hit in page["hits"]]
        following = page["next"]
        path = (
            f"/v1/search?q={quote(word)}&limit={A_PAGE}&before={following}" if following else None
        )
    return found[:MOST_COMPARED]
