"""`python -m router rules …`: check, compare, put in force, take back."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.clock import system_clock
from router.command_line import Spoken, in_database, listed, loaded, refuse
from router.core.loading import Loaded, RulesError, load
from router.core.rules_diff import differences
from router.edges import rules_store
from router.edges.checks import UnreadableStaffError, matched_in, people_in, told
from router.edges.explaining import UnreadableError
from router.edges.rules_store import Activation, OvertakenError
from router.settings import Settings

CURRENT = "current"
MOST_SHOWN = 20

app = typer.Typer(no_args_is_help=True, help="Check, compare, activate and roll back rules.")

File = Annotated[Path, typer.Argument(help="the rules file", exists=True)]
Reason = Annotated[str | None, typer.Option(help="why; it stays in the history")]
By = Annotated[str | None, typer.Option(help="who; your login name by default")]
Named = Annotated[str, typer.Argument(help="a file, the beginning of a version, or `current`")]
Lang = Annotated[Spoken | None, typer.Option(help="the company's language by default")]


@app.command()
def check(
    file: File,
    roster: Annotated[
        str | None, typer.Option(help="whom to ask: JSON with a list of agents, or `database`")
    ] = None,
    sample: Annotated[
        Path | None, typer.Option(help="messages of which each rule should match one", exists=True)
    ] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="exit status 1 for warnings")] = False,
) -> None:
    """List what is wrong with a rules file and what is odd about it, each with its line."""
    rules = loaded(file)
    warned = _warnings(file, rules, roster, sample)
    typer.echo(
        f"{file}: {len(rules.rules.rules)} rules, {len(rules.rules.queues)} queues, "
        f"{len(rules.rules.plans)} plans, version {rules.version}"
    )
    if warned and strict:
        raise typer.Exit(1)


@app.command()
def diff(old: Named, new: Named, lang: Lang = None) -> None:
    """Say in words what the second rules say otherwise than the first."""
    one, two = resolved(old), resolved(new)
    for line in differences(one.rules, two.rules, lang.value if lang else two.rules.language):
        typer.echo(line)


@app.command()
def activate(
    file: File,
    note: Reason = None,
    by: By = None,
    expect: Annotated[
        int | None, typer.Option(help="number of the activation that you compared with")
    ] = None,
) -> None:
    """Put a file in force in every running router, unless somebody was faster."""
    _refuse_where_the_file_is_the_truth()
    rules = loaded(file)
    _warnings(file, rules, None, None)
    current = in_database(rules_store.newest)
    if current is not None and current.version == rules.version:
        typer.echo(f"in force already: {_line(current)}")
        return
    expected = (current.number if current else None) if expect is None else expect or None
    content = file.read_bytes()

    async def put(connection: AsyncConnection) -> Activation:
        now, who = system_clock(), by or getpass.getuser()
        version = await rules_store.keep(connection, content, who, now, note)
        return await rules_store.activate(connection, version, expected, who, note, now)

    _told(put)


@app.command()
def rollback(
    to: Annotated[
        str | None, typer.Option(help="beginning of a version; the one before by default")
    ] = None,
    reason: Reason = None,
    by: By = None,
) -> None:
    """Put the rules of before in force again, or those of any version that ever was."""
    _refuse_where_the_file_is_the_truth()

    async def put(connection: AsyncConnection) -> Activation:
        current = await rules_store.newest(connection)
        if current is None:
            refuse("nothing was ever activated: there is nothing to roll back")
        found = await (rules_store.stored(connection, to) if to else rules_store.before(connection))
        if found is None:
            refuse(f"no single version begins with {to}" if to else "no other rules are known")
        why = reason or f"roll-back of activation {current.number}"
        who, now = by or getpass.getuser(), system_clock()
        return await rules_store.activate(connection, found.version, current.number, who, why, now)

    _told(put)


@app.command()
def history(most: Annotated[int, typer.Option(help="how many", min=1)] = MOST_SHOWN) -> None:
    """List which rules were in force since when, who put them there, and why."""

    async def read(connection: AsyncConnection) -> list[Activation]:
        return list(await rules_store.history(connection, most))

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "version", "since (UTC)", "by", "why"):
        table.add_column(heading, overflow="fold")
    for one in in_database(read):
        since = f"{one.activated_at:%Y-%m-%d %H:%M:%S}"
        cells = (str(one.number), one.version[:12], since, one.by, one.reason or "")
        table.add_row(*map(Text, cells))
    Console().print(table)


@app.command()
def show(version: Annotated[str, typer.Argument(help="the beginning of a version")]) -> None:
    """Print the rules of a version as they were written."""
    found = in_database(lambda connection: rules_store.stored(connection, version))
    if found is None:
        refuse(f"no single version begins with {version}")
    typer.echo(found.rules, nl=False)


def _told(put: rules_store.Work) -> None:
    try:
        activation = in_database(put)
    except OvertakenError as error:
        faster = _line(error.newest) if error.newest else "nothing was ever activated"
        refuse(f"not activated, for other rules came into force meanwhile: {faster}")
    typer.echo(f"in force: {_line(activation)}")


def _line(activation: Activation) -> str:
    when = f"{activation.activated_at:%Y-%m-%d %H:%M:%S} UTC"
    why = f" ({activation.reason})" if activation.reason else ""
    return f"activation {activation.number} by {activation.by} at {when}{why}: {activation.version}"


def _warnings(file: Path, rules: Loaded, roster: str | None, sample: Path | None) -> int:
    """Print the warnings about a file; return how many there are."""
    try:
        people = people_in(roster, in_database) if roster else None
        matched = matched_in(sample, rules) if sample else None
    except (UnreadableError, UnreadableStaffError, OSError) as error:
        refuse(str(error))
    warned = told(file.read_bytes(), rules, people, matched)
    for problem in warned:
        typer.echo(f"{file}:{problem.line}: warning: {problem.reason}")
    return len(warned)


def resolved(name: str) -> Loaded:
    """Return the rules of a file, of a stored version, or those in force; end the program else."""
    if name == CURRENT:
        return _current()
    if (path := Path(name)).exists():
        return loaded(path)
    found = in_database(lambda connection: rules_store.stored(connection, name))
    if found is None:
        refuse(f"{name}: no such file, and no single version begins so")
    return _load(name, found.rules.encode())


def _current() -> Loaded:
    """Return the rules in force: those last activated, else those of the file."""
    settings = Settings()

    async def read(connection: AsyncConnection) -> bytes | None:
        newest = await rules_store.newest(connection)
        return await rules_store.content_of(connection, newest) if newest else None

    content = None if settings.rules_source == "file" else in_database(read)
    return loaded(settings.rules) if content is None else _load(CURRENT, content)


def _load(name: str, content: bytes) -> Loaded:
    try:
        return load(content)
    except RulesError as error:
        refuse(listed(name, error))


def _refuse_where_the_file_is_the_truth() -> None:
    if Settings().rules_source == "file":
        refuse("MADOGUCHI_RULES_SOURCE=file: the rules are what the file says; change the file")
