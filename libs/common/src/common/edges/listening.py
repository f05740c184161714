"""LISTEN: hear what other processes' transactions tell, on a connection of its own."""

import asyncio
from collections.abc import Callable

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.errors import TransientError
from common.edges.database import driver_of


async def listen(
    engine: AsyncEngine,
    channel: str,
    hear: Callable[[str], None],
    begins: Callable[[], None],
    stopping: asyncio.Event,
) -> None:
    """Call `hear` with each notification until `stopping` is set or the connection is lost.

    `begins` is called once it listens: what was told before that is for the caller to look up.
    Raises TransientError where the connection is lost before it listens.
    """
    lost = asyncio.Event()

    def heard(*told: object) -> None:
        hear(str(told[-1]))

    async with engine.connect() as connection:
        driver = await driver_of(connection)
        driver.add_termination_listener(lambda _: lost.set())
        try:
            await driver.add_listener(channel, heard)
        except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
            await connection.invalidate()
            raise TransientError(f"database: {type(error).__name__}") from error
        begins()
        ends = [asyncio.create_task(event.wait()) for event in (lost, stopping)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        if driver.is_closed():
            await connection.invalidate()  # the pool would hand it out again
        else:
            await driver.remove_listener(channel, heard)
