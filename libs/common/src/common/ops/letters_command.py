"""`dead-letters list | show`: what could not be handled, and what it holds."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from common.core.operations.letters import Filed, Mark
from common.core.operations.veiling import (
    Content,
    content_of,
    detail_of,
    headers_of,
    hidden,
    reads_today,
)
from common.ops.letters import letters_of
from common.ops.letters_handling import drop, replay
from common.ops.letters_options import Json, Reason, RefusedBy, Since, Topic, Until, selection
from common.ops.terminal import WRONG_USE, answered, as_json, as_table, end, told

MOST_SHOWN = 50

app = typer.Typer(no_args_is_help=True, help="Records that could not be handled.")
app.command()(replay)
app.command()(drop)


class Listed(Struct, frozen=True):
    """A letter without anything that it holds. `mark` is None while it is open."""

    name: str
    at: datetime
    topic: str
    partition: int | None
    offset: int | None
    reason: str
    refused_by: str
    size: int
    mark: Mark | None


class Shown(Struct, frozen=True):
    """What `dead-letters show --json` prints. `veiled`: persons and their words are hidden."""

    letter: Listed
    veiled: bool
    detail: str
    reads_today: str
    key: str
    headers: dict[str, str]
    content: Content


@app.command("list")
def list_(
    topic: Topic = "",
    reason: Reason = "",
    refused_by: RefusedBy = "",
    since: Since = None,
    until: Until = None,
    most: Annotated[int, typer.Option(help="lines, the newest", min=1)] = MOST_SHOWN,
    *,
    every: Annotated[bool, typer.Option("--all", help="those that were handled, too")] = False,
    json: Json = False,
) -> None:
    """List open dead letters, oldest first, and how many there are of each kind."""
    meant = selection(None, topic, reason, refused_by, since, until)
    found = [
        one
        for one in answered(letters_of(told(), meant.since))
        if meant.takes(one.letter) and (every or one.mark is None)
    ]
    if json:
        as_json([_listed(one) for one in found])
    elif found:
        _print_kinds(found)
        _print_list(found[-most:])
    else:
        typer.echo("no dead letters")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="a letter, such as 2-415")],
    *,
    personal: Annotated[
        bool, typer.Option("--personal", help="show persons and their words, too")
    ] = False,
    json: Json = False,
) -> None:
    """Show one letter: why, from where, its headers, and what it holds."""
    found = [one for one in answered(letters_of(told())) if one.letter.name == name]
    if not found:
        end(f"there is no dead letter {name}", WRONG_USE)
    shown = _shown(found[0], veiled=not personal)
    if json:
        as_json(shown)
    else:
        _print_one(shown)


def _listed(one: Filed) -> Listed:
    letter = one.letter
    return Listed(
        letter.name,
        letter.at,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.reason,
        letter.refused_by,
        len(letter.value),
        one.mark,
    )


def _shown(one: Filed, *, veiled: bool) -> Shown:
    letter = one.letter
    key = letter.key.decode(errors="backslashreplace")
    return Shown(
        letter=_listed(one),
        veiled=veiled,
        detail=detail_of(letter, veiled=veiled),
        reads_today=reads_today(letter),
        key=hidden(key) if veiled else key,
        headers=headers_of(letter.headers, veiled=veiled),
        content=content_of(letter, veiled=veiled),
    )


def _print_kinds(found: Sequence[Filed]) -> None:
    kinds = Counter(
        (one.letter.topic or "(never on the bus)", one.letter.reason, one.letter.refused_by)
        for one in found
    )
    rows = [(*kind, str(count)) for kind, count in kinds.most_common()]
    as_table(("topic", "reason", "refused by", "#letters"), rows)


def _print_list(found: Sequence[Filed]) -> None:
    rows = [
        (
            one.name,
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            _from(one),
            one.reason,
            one.refused_by,
            str(one.size),
            _handled(one.mark),
        )
        for one in map(_listed, found)
    ]
    headings = ("letter", "refused (UTC)", "from", "reason", "refused by", "#bytes", "handled")
    as_table(headings, rows)


def _print_one(shown: Shown) -> None:
    letter = shown.letter
    facts = {
        "letter": letter.name,
        "refused": f"{letter.at:%Y-%m-%d %H:%M:%S} UTC by {letter.refused_by}",
        "from": _from(letter),
        "reason": letter.reason,
        "detail": shown.detail,
        "today": shown.reads_today,
        "handled": _handled(letter.mark),
        "key": shown.key,
        "headers": "",
        **{f"  {name}": value for name, value in shown.headers.items()},
    }
    for name, value in facts.items():
        typer.echo(f"{name:20} {value}".rstrip())
    typer.echo(f"content ({shown.content.form}, {letter.size} bytes)")
    typer.echo(msgspec.json.format(msgspec.json.encode(shown.content.value), indent=2).decode())
    if shown.veiled:
        typer.echo("What may be about a person is hidden; --personal shows it.")


def _from(letter: Listed) -> str:
    return f"{letter.topic}/{letter.partition}/{letter.offset}" if letter.topic else "a request"


def _handled(mark: Mark | None) -> str:
    return f"{mark.handling} by {mark.by}: {mark.why}".rstrip(": ") if mark else "no"
