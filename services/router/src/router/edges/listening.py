"""LISTEN: hear what other replicas' transactions tell, on a connection of its own."""

import asyncio
from collections.abc import Callable

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine


async def listen(
    engine: AsyncEngine,
    channel: str,
    hear: Callable[[str], None],
    begins: Callable[[], None],
    stopping: asyncio.Event,
) -> None:
    """Call `hear` with each notification until `stopping` is set or the connection is lost.

    `begins` is called once it listens: what was told before that is for the caller to look up.
    """
    lost = asyncio.Event()

    def heard(*told: object) -> None:
        hear(str(told[-1]))

    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - the only driver we use
        driver.add_termination_listener(lambda _: lost.set())
        await driver.add_listener(channel, heard)
        begins()
        ends = [asyncio.create_task(event.wait()) for event in (lost, stopping)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        if not lost.is_set():
            await driver.remove_listener(channel, heard)
