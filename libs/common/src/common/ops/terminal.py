"""What the operator's commands share: one way to answer, to print, and to end.

Exit status: 0 all is as it should be, or was done · 1 something is not · 2 the command or a setting
is wrong · 3 nobody could look, because Kafka or PostgreSQL is away.
"""

import asyncio
import getpass
import logging
import sys
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec
import structlog
import typer
from aiokafka.errors import KafkaError
from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from common.core.errors import MadoguchiError, SettingsError
from common.edges.database import is_passing
from common.settings import CommonSettings

NOT_AS_IT_SHOULD_BE = 1
WRONG_USE = 2
NOBODY_COULD_LOOK = 3

WIDTH_OF_A_FILE = 160

Result = TypeVar("Result")


def told() -> CommonSettings:
    """Return the settings that all services share; end the program where they are wrong."""
    try:
        return CommonSettings()
    except ValidationError as error:
        for line in complaints(CommonSettings, error):
            typer.echo(line, err=True)
        raise typer.Exit(WRONG_USE) from error


def complaints(settings: type[CommonSettings], error: ValidationError) -> list[str]:
    """Return what is wrong with settings by their names in the environment, never with a value."""
    prefix = settings.model_config.get("env_prefix", "")
    return [
        f"{prefix}{'_'.join(map(str, one['loc']))}".upper() + f": {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    ]


def answered(work: Coroutine[Any, Any, Result]) -> Result:
    """Do it and return what it brings; end the program where a server is away or refuses."""
    _say_nothing_beside()
    try:
        return asyncio.run(work)
    except SettingsError as error:
        end(str(error), WRONG_USE)
    except Exception as error:
        if not (isinstance(error, KafkaError | MadoguchiError) or is_passing(error)):
            raise
        end(f"could not look: {str(error) or type(error).__name__}", NOBODY_COULD_LOOK)


def end(reason: str, status: int) -> NoReturn:
    """End the program."""
    typer.echo(reason, err=True)
    raise typer.Exit(status)


def as_json(value: object) -> None:
    """Print a value as JSON."""
    encoded = msgspec.json.encode(value)
    typer.echo(msgspec.json.format(encoded, indent=2).decode())


def as_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows; a heading that begins with `#` is one of numbers."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        right = heading.startswith("#")
        table.add_column(
            heading.removeprefix("#"), justify="right" if right else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*map(Text, row))
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE).print(table)


def duration(seconds: float | None) -> str:
    """Return an age for people: `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return "–"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def operator(by: str | None) -> str:
    """Return who acts: as told, else the login name; end the program where there is none."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        end("--by: say who you are; this system has no name for you", WRONG_USE)


def _say_nothing_beside() -> None:
    """Keep logs off the output: what a library complains of comes as an error, or does not matter."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
