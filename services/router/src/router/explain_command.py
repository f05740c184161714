"""`python -m router explain`: where a message would go, or went, and why not elsewhere."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from msgspec import Struct
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cases import Decision
from router.command_line import Spoken, in_database, loaded, refuse
from router.core.counterfactual import instead
from router.core.facts import Unrouted
from router.core.policy import compiled
from router.core.wording import Language
from router.core.worlds import World, decision_in
from router.edges.explaining import UnreadableError, explained, read_messages, read_profile
from router.edges.presentation import decision_tables, instead_table
from router.edges.recalling import UnknownRulesError, recall, world_of


class _Explained(Struct, frozen=True):
    """A decision and its world, or a word about why there is none."""

    decision: Decision | None
    world: World | None
    reason: str = ""


def explain(
    *,
    rules: Annotated[Path | None, typer.Option(help="the rules file", exists=True)] = None,
    message: Annotated[
        Path | None, typer.Option(help="JSON: one message or event, or one a line", exists=True)
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="JSON: what a CRM says of the sender", exists=True)
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(help="when it is decided, UTC; the message's time by default")
    ] = None,
    case: Annotated[UUID | None, typer.Option(help="a case of the database, instead")] = None,
    message_event: Annotated[
        UUID | None, typer.Option(help="a message of the database, by its event's id")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="PostgreSQL URL; MADOGUCHI_DATABASE by default")
    ] = None,
    other: Annotated[
        list[str] | None, typer.Option("--instead", help="why not this queue?")
    ] = None,
    lang: Annotated[Spoken | None, typer.Option(help="the company's language by default")] = None,
) -> None:
    """Print where a message goes and why. Needs no servers, but for what was decided already."""
    language: Language | None = lang.value if lang else None
    if case or message_event:
        found = iter((_recorded(case, message_event, database, language),))
    elif rules and message:
        found = _imagined(rules, message, profile, at, language)
    else:
        refuse("--rules and --message, or --case or --message-event of the database, please")
    console = Console(soft_wrap=False)
    for one in found:
        _show(console, one, other or [], language)


def _show(console: Console, one: _Explained, others: list[str], language: Language | None) -> None:
    if one.decision is None or one.world is None:
        console.print(one.reason, markup=False)
        return
    policy = one.world.policy
    zone = ZoneInfo(policy.desks[policy.default_queue].hours.zone.key)
    spoken = language or policy.language
    message = one.world.inputs.arrival.message
    console.print(decision_tables(one.decision, spoken, zone, message))
    if one.reason:
        console.print(one.reason, markup=False)
    for queue in others:
        if queue not in policy.desks:
            refuse(f"no queue is called {queue}")
        console.print(instead_table(instead(one.world, queue), spoken))


def _imagined(
    rules: Path,
    message: Path,
    profile: Path | None,
    at: datetime | None,
    language: Language | None,
) -> Iterator[_Explained]:
    """Yield what would be decided about each message of a file."""
    given = loaded(rules)
    policy = compiled(given.rules, given.version, language)
    now = at.replace(tzinfo=UTC) if at else None
    try:
        arrivals = read_messages(message)
        known = read_profile(profile) if profile else None
    except UnreadableError as error:
        refuse(str(error))
    for outcome in explained(arrivals, known, policy, now):
        if isinstance(outcome, Unrouted):
            yield _Explained(None, None, outcome.reason)
        else:
            yield _Explained(outcome.decision, World(outcome.inputs, None, policy))


def _recorded(
    case: UUID | None, message: UUID | None, database: str | None, language: Language | None
) -> _Explained:
    """Return a decision of the database, made again in the language asked for."""

    async def read(connection: AsyncConnection) -> _Explained:
        recalled = await recall(connection, case, message)
        if recalled is None:
            refuse("nothing was decided about it, or what it was decided from is gone")
        try:
            world = await world_of(connection, recalled, language)
            plain = await world_of(connection, recalled)
        except UnknownRulesError as error:
            refuse(str(error))
        if decision_in(plain) != recalled.decision:
            return _Explained(
                recalled.decision,
                plain,
                "! this release would decide otherwise; see above what was",
            )
        return _Explained(decision_in(world), world)

    return in_database(read, database)
