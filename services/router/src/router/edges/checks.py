"""What `rules check` tells beyond mistakes: warnings with their lines, about staff and samples too."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.facts import Unrouted
from router.core.linting import Person, sample_warnings, staff_warnings, warnings
from router.core.loading import Loaded
from router.core.marked_yaml import Problem, parse
from router.core.policy import compiled
from router.edges.explaining import explained, read_messages

DATABASE = "database"

_STAFF = text("SELECT CAST(skills AS text), CAST(queues AS text) FROM agent")

People = Callable[[AsyncConnection], Awaitable[list[Person]]]


class UnreadableStaffError(ValueError):
    """A file is no list of agents; says which and why."""


def told(
    content: bytes,
    loaded: Loaded,
    people: Sequence[Person] | None,
    matched: Collection[str] | None,
) -> list[Problem]:
    """Return the warnings about a rules file in the order of their lines."""
    found = list(warnings(loaded.rules))
    if people is not None:
        found += staff_warnings(loaded.rules, people)
    if matched is not None:
        found += sample_warnings(loaded.rules, matched)
    marked = parse(content)
    return sorted({Problem(marked.line(one.location), one.reason) for one in found})


def people_in(roster: str, in_database: Callable[[People], list[Person]]) -> list[Person]:
    """Return the agents of a JSON file (a list with `skills` and `queues`), or of the database.

    Raises UnreadableStaffError and OSError.
    """
    if roster == DATABASE:
        return in_database(_staff)
    try:
        return msgspec.json.decode(Path(roster).read_bytes(), type=list[Person])
    except msgspec.DecodeError as error:
        raise UnreadableStaffError(f"{roster}: {error}") from error


def matched_in(sample: Path, loaded: Loaded) -> set[str]:
    """Return the rules that some message of a file matches. Raises UnreadableError."""
    policy = compiled(loaded.rules, loaded.version)
    outcomes = explained(read_messages(sample), None, policy, None)
    return {
        trial.rule
        for outcome in outcomes
        if not isinstance(outcome, Unrouted)
        for trial in outcome.decision.rules
        if trial.matched
    }


async def _staff(connection: AsyncConnection) -> list[Person]:
    return [
        Person(
            msgspec.json.decode(skills, type=dict[str, int]),
            msgspec.json.decode(queues, type=list[str]),
        )
        for skills, queues in await connection.execute(_STAFF)
    ]
