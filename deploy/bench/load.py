"""A load generator lean enough not to be what is measured: prepared bytes, closed loop or open."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pretend.connections import Connection, connect


@dataclass
class Outcome:
    """What came back: how often 2xx, how often not, and how long each took, in seconds."""

    accepted: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)
    lasted: float = 0.0

    @property
    def per_second(self) -> float:
        """Return accepted requests a second."""
        return self.accepted / self.lasted


async def flood(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Outcome:
    """Send as fast as answers come, over `connections`, for at most `seconds`."""
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    end = begin + seconds

    async def work() -> None:
        connection = await connect(port)
        for request in requests:
            start = loop.time()
            if await connection.send(request):
                outcome.accepted += 1
            else:
                outcome.refused += 1
            outcome.seconds.append(loop.time() - start)
            if start > end:
                break
        connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    outcome.lasted = loop.time() - begin
    return outcome


async def drip(
    ports: Callable[[], tuple[int, bytes]], per_second: float, seconds: float, connections: int
) -> Outcome:
    """Send at a steady pace whether or not earlier answers have come (an open loop)."""
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    pools: dict[int, asyncio.Queue[Connection]] = {}
    start = loop.time()

    async def one(port: int, request: bytes, due: float) -> None:
        pool = pools[port]
        connection = await pool.get()
        if await connection.send(request):
            outcome.accepted += 1
        else:
            outcome.refused += 1
        outcome.seconds.append(loop.time() - due)
        pool.put_nowait(connection)

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(per_second * seconds)):
            due = start + number / per_second
            await asyncio.sleep(max(0.0, due - loop.time()))
            port, request = ports()
            if port not in pools:
                pools[port] = asyncio.Queue()
                for _ in range(connections):
                    pools[port].put_nowait(await connect(port))
            tasks.create_task(one(port, request, due))
    return outcome


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
