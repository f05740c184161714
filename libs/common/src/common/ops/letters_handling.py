"""`dead-letters replay | drop`: what people do about what could not be handled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer
from msgspec import Struct

from common.core.operations.letters import Letter, NotReplayableError, Selection, with_siblings
from common.edges.clock import system_clock
from common.edges.kafka import kafka_access
from common.edges.publisher import Publisher
from common.ops.letters import LetterDesk, letters_of
from common.ops.letters_options import (
    By,
    DryRun,
    Json,
    Names,
    Reason,
    RefusedBy,
    Since,
    Topic,
    Until,
    Yes,
    chosen,
    selection,
)
from common.ops.terminal import (
    NOT_AS_IT_SHOULD_BE,
    WRONG_USE,
    answered,
    as_json,
    end,
    operator,
    told,
)
from common.settings import CommonSettings

PUBLISH_SECONDS = 30.0
MOST_SHOWN = 20

Family = Sequence[Letter]
Handle = Callable[[LetterDesk, Family], Awaitable[str]]


class Handled(Struct, frozen=True):
    """What `--json` prints: letters and what became of them, and why some could not be."""

    done: dict[str, str]
    refused: dict[str, str]


def replay(
    names: Names = None,
    topic: Topic = "",
    reason: Reason = "",
    refused_by: RefusedBy = "",
    since: Since = None,
    until: Until = None,
    why: Annotated[str, typer.Option(help="why; it stays with the letter")] = "",
    by: By = None,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Publish what was refused once more, as it was: same topic, key, bytes and headers.

    Whoever handled it already knows the event by its id. Headers `replayed_…` say where it came
    from. Exit status 1 where one of them cannot be.
    """
    meant = _meant(selection(names, topic, reason, refused_by, since, until))
    settings, who = told(), operator(by)
    every = answered(letters_of(settings))
    families = with_siblings(chosen(every, meant), every)

    async def handle(desk: LetterDesk, family: Family) -> str:
        return f"published again on {await desk.replay(family, why)}"

    if _agreed(f"publish {len(families)} records again", families, yes=yes or json, dry=dry_run):
        _report(answered(_each(settings, who, families, handle)), json=json)


def drop(
    names: Names = None,
    topic: Topic = "",
    reason: Reason = "",
    refused_by: RefusedBy = "",
    since: Since = None,
    until: Until = None,
    why: Annotated[str, typer.Option(help="why nobody needs it; it stays with the letter")] = "",
    by: By = None,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Mark letters as handled: nobody has to look at them again. The bus keeps them all the same."""
    meant = _meant(selection(names, topic, reason, refused_by, since, until))
    if not why:
        end("--why: say why nobody needs them", WRONG_USE)
    settings, who = told(), operator(by)
    letters = [[letter] for letter in chosen(answered(letters_of(settings)), meant)]

    async def handle(desk: LetterDesk, family: Family) -> str:
        await desk.drop(family[0], why)
        return "dropped"

    if _agreed(f"drop {len(letters)} letters", letters, yes=yes or json, dry=dry_run):
        _report(answered(_each(settings, who, letters, handle)), json=json)


def _meant(meant: Selection) -> Selection:
    if meant.is_everything:
        end("say which: name letters, or select by --topic, --reason, --since, …", WRONG_USE)
    return meant


def _agreed(what: str, families: Sequence[Family], *, yes: bool, dry: bool) -> bool:
    """Say what is about to be done, and ask; whether to go on."""
    if not families:
        typer.echo("no open letter is meant", err=True)
        return False
    for family in families[:MOST_SHOWN] if dry or not yes else ():
        names = ", ".join(letter.name for letter in family)
        typer.echo(f"{names}: {family[0].topic or 'a request'}, {family[0].reason}", err=True)
    if dry:
        typer.echo(f"would {what}", err=True)
        return False
    return yes or typer.confirm(f"{what}?".capitalize(), err=True)


async def _each(
    settings: CommonSettings, by: str, families: Sequence[Family], handle: Handle
) -> Handled:
    """Handle one after the other: what one key wrote stays in its order."""
    timeout = max(settings.publish_timeout_seconds, PUBLISH_SECONDS)
    publisher = Publisher(kafka_access(settings), timeout, settings.topic_prefix, "madoguchi-ops")
    desk = LetterDesk(settings, publisher, system_clock, by)
    result = Handled({}, {})
    try:
        for family in families:
            try:
                done = await handle(desk, family)
            except NotReplayableError as error:
                result.refused[family[0].name] = str(error)
            else:
                result.done.update({letter.name: done for letter in family})
    finally:
        await asyncio.shield(publisher.stop())
    return result


def _report(result: Handled, *, json: bool) -> None:
    if json:
        as_json(result)
    else:
        for name, what in (result.done | result.refused).items():
            typer.echo(f"{name}: {what}")
    if result.refused:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)
