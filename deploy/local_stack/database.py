"""Roles and databases of a PostgreSQL server, made as its superuser."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg

from local_stack.postgres import PostgresAddress

T = TypeVar("T")

IDENTITY = """
    SELECT concat_ws('/', system_identifier, oid) FROM pg_control_system(), pg_database
    WHERE datname = $1
"""


def execute(address: PostgresAddress, statements: Sequence[str]) -> None:
    """Run `statements` as the superuser, each on its own: CREATE DATABASE allows no transaction."""
    _run(_execute(address, statements))


def role_statement(role: str, password: str) -> str:
    """Return the SQL that makes `role`, or gives it `password`: it owns what it makes, and no more.

    `role` and `password` must be of characters that need no quoting, as our generated ones are.
    """
    rights = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
    return (
        f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$; "
        f"ALTER ROLE {role} {rights} PASSWORD '{password}'"
    )


def ensure_database(address: PostgresAddress, name: str, owner: str) -> str:
    """Make database `name` owned by `owner`, unless it is there; return what tells it from any other.

    A database that was deleted and made again is another one.
    """
    return _run(_ensure_database(address, name, owner))


def accepts_logins(address: PostgresAddress) -> bool:
    """Tell whether the superuser can log in."""
    try:
        execute(address, ["SELECT 1"])
    except (OSError, asyncpg.PostgresError):
        return False
    return True


async def _execute(address: PostgresAddress, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(address.url())
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _ensure_database(address: PostgresAddress, name: str, owner: str) -> str:
    connection = await asyncpg.connect(address.url())
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}" OWNER {owner}')
        identity: str = await connection.fetchval(IDENTITY, name)
    finally:
        await connection.close()
    return identity


def _run(work: Coroutine[Any, Any, T]) -> T:
    # Not asyncio.run: that forgets the loop which pytest-asyncio keeps for the tests.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
