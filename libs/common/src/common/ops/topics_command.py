"""`topics`: what the bus is otherwise than it should be, and making it so."""

from typing import Annotated

import typer
from msgspec import Struct

from common.core.operations.topic_plan import Difference, Kind
from common.core.topics import ALL_TOPICS
from common.edges.kafka import kafka_access
from common.edges.topics import administering, apply as make, compared
from common.ops.terminal import NOT_AS_IT_SHOULD_BE, answered, as_json, as_table, told
from common.settings import CommonSettings

app = typer.Typer(no_args_is_help=True, help="The topics of the bus.")

Json = Annotated[bool, typer.Option("--json", help="for programs")]


class Compared(Struct, frozen=True):
    """What `topics diff --json` prints."""

    same: bool
    differences: list[Difference]


class Applied(Struct, frozen=True):
    """What `topics apply --json` prints: `done` in words, `left` what is still otherwise."""

    done: list[str]
    left: list[Difference]


@app.command("list")
def show() -> None:
    """Print the topics as they should be."""
    for document in ALL_TOPICS:
        typer.echo(f"{document.name:16} {document.partitions:3} partitions  {document.purpose}")


@app.command()
def diff(*, json: Json = False) -> None:
    """Show what is otherwise than it should be. Exit status 1 where anything is."""
    found = answered(_found(told()))
    if json:
        as_json(Compared(not found, found))
    elif found:
        as_table(
            ("to do", "topic", "difference"), [(one.kind, one.topic, one.what) for one in found]
        )
    else:
        typer.echo("all topics are as they should be")
    if found:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


@app.command()
def apply(
    *,
    grow: Annotated[
        bool,
        typer.Option(
            help="add partitions where there are fewer: a key may lie in another one from then on,"
            " so what somebody wrote before and after may be handled out of order"
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Create missing topics and mend the settings of others; delete nothing, take away no partition."""
    done, left = answered(_applied(told(), grow=grow))
    if json:
        as_json(Applied(done, left))
        return
    typer.echo("\n".join(done) or "all topics are there")
    if any(one.kind is Kind.GROW for one in left):
        typer.echo("partitions are added with --grow only; see docs/operations.md")


async def _found(settings: CommonSettings) -> list[Difference]:
    async with administering(kafka_access(settings)) as admin:
        return (await compared(admin, settings.topic_prefix, settings.replication_factor))[0]


async def _applied(settings: CommonSettings, *, grow: bool) -> tuple[list[str], list[Difference]]:
    async with administering(kafka_access(settings)) as admin:
        found, actual = await compared(admin, settings.topic_prefix, settings.replication_factor)
        done = await make(admin, found, actual, grow=grow)
        kinds = {Kind.NOTE} if grow else {Kind.NOTE, Kind.GROW}
        return done, [one for one in found if one.kind in kinds]
