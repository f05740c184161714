"""What the commands share: files that are refused in words, languages, one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.errors import TransientError
from common.edges.database import create_writer_engine, passing_errors
from router.core.loading import Loaded, RulesError, load
from router.settings import Settings

SERVICE = "router"

Result = TypeVar("Result")


class Spoken(StrEnum):
    """The languages that reasons can be in."""

    EN = "en"
    JA = "ja"


def loaded(file: Path) -> Loaded:
    """Return the rules of a file; end the program with every mistake and its line."""
    try:
        return load(file.read_bytes())
    except RulesError as error:
        refuse(listed(file, error))


def listed(file: Path | str, error: RulesError) -> str:
    """Return the mistakes of a file, a line each."""
    return "\n".join(f"{file}:{problem.line}: {problem.reason}" for problem in error.problems)


def refuse(reason: str) -> NoReturn:
    """End the program: what was asked for cannot be done."""
    typer.echo(reason, err=True)
    raise typer.Exit(1)


def in_database(
    work: Callable[[AsyncConnection], Awaitable[Result]], url: str | None = None
) -> Result:
    """Do something in one transaction; end the program where the database is away."""
    try:
        return asyncio.run(_in_transaction(work, url or Settings().database))
    except TransientError as error:
        refuse(str(error))


async def _in_transaction(work: Callable[[AsyncConnection], Awaitable[Result]], url: str) -> Result:
    engine = create_writer_engine(url, SERVICE, pool_size=1)
    try:
        async with passing_errors(), engine.begin() as connection:
            return await work(connection)
    finally:
        await engine.dispose()
