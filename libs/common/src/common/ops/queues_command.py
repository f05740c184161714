"""`outbox` and `inbox`: what is committed and waits to be published, and who is at it."""

from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec import Struct

from common.core.operations.queues import Waiting, beyond
from common.ops.terminal import NOT_AS_IT_SHOULD_BE, answered, as_json, as_table, duration, told
from common.ops.waiting import Lease, Relay, leases, relays, waiting

Json = Annotated[bool, typer.Option("--json", help="for programs")]
Most = Annotated[int | None, typer.Option(help="rows that may wait in a schema")]
Oldest = Annotated[float | None, typer.Option(help="seconds that a row may wait")]


class Outbox(Struct, frozen=True):
    """What `outbox --json` prints. `beyond` says which schemas have more waiting than they may."""

    within: bool
    beyond: list[str]
    waiting: list[Waiting]
    relays: list[Relay]


class Inbox(Struct, frozen=True):
    """What `inbox --json` prints; `waiting` has unfinished long messages and files, too."""

    within: bool
    beyond: list[str]
    waiting: list[Waiting]
    leases: list[Lease]


def outbox(most: Most = None, oldest: Oldest = None, *, json: Json = False) -> None:
    """Show the events that are committed and not published yet, and who publishes them.

    Exit status 1 where more wait, or longer, than --most or --oldest allow.
    """
    rows, at_it = answered(_outbox(told().database))
    too_far = beyond(rows, "outbox", most, oldest)
    shown = Outbox(not too_far, too_far, rows, at_it)
    headings = ("schema", "published by", "#session", "since (UTC)")
    _show(shown, "nothing waits to be published", headings, [*map(_relay_row, at_it)], json=json)


def inbox(most: Most = None, oldest: Oldest = None, *, json: Json = False) -> None:
    """Show the requests that were acknowledged and not published yet, and what else waits.

    Long messages that lack a part, and files to be fetched, wait without being late. Leases say
    who reads which mailbox or asks which provider. Exit status 1 as `outbox` has it, for requests.
    """
    rows, held = answered(_inbox(told().database))
    too_far = beyond(rows, "inbox", most, oldest)
    shown = Inbox(not too_far, too_far, rows, held)
    headings = ("schema", "leased", "to", "ends in")
    _show(shown, "nothing waits to be taken in", headings, [*map(_lease_row, held)], json=json)


async def _outbox(database: str) -> tuple[list[Waiting], list[Relay]]:
    return await waiting(database, ["outbox"]), await relays(database)


async def _inbox(database: str) -> tuple[list[Waiting], list[Lease]]:
    tables = ["inbox", "long_message", "media_fetch"]
    return await waiting(database, tables), await leases(database)


def _show(
    shown: Outbox | Inbox,
    nothing: str,
    headings: Sequence[str],
    at_it: Sequence[Sequence[str]],
    *,
    json: bool,
) -> None:
    """Print what waits and, under `headings`, who is at it; end the program where it is too much."""
    if json:
        as_json(shown)
    else:
        _print_waiting(shown.waiting, nothing)
        if at_it:
            as_table(headings, at_it)
        if shown.beyond:
            typer.echo("\n".join(shown.beyond))
    if not shown.within:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _print_waiting(rows: Sequence[Waiting], nothing: str) -> None:
    if not rows:
        typer.echo(nothing)
        return
    cells = [
        (row.schema, row.kind, row.what, str(row.rows), duration(row.oldest_seconds))
        for row in rows
    ]
    as_table(("schema", "kind", "what", "#rows", "#oldest"), cells)


def _relay_row(relay: Relay) -> tuple[str, ...]:
    address = f"{relay.address}:{relay.port}" if relay.address else "–"
    since = f"{relay.since:%Y-%m-%d %H:%M:%S}" if relay.since else "–"
    return relay.schema, address, str(relay.pid), since


def _lease_row(lease: Lease) -> tuple[str, ...]:
    ends = duration(lease.seconds_left) if lease.seconds_left > 0 else "ended: nobody renews it"
    return lease.schema, lease.name, lease.owner, ends
