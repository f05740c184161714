"""A load generator lean enough not to be what is measured: prepared bytes over kept-alive sockets."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from typing_extensions import override

from pretend.webhooks import WebhookRequest

HEADER_END = b"\r\n\r\n"
LENGTH = b"content-length: "


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


def wire(request: WebhookRequest, host: str) -> bytes:
    """Return the request as it goes over the socket."""
    lines = [f"POST {request.path} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines.append(f"content-length: {len(request.body)}")
    return "\r\n".join(lines).encode() + HEADER_END + request.body


class Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bool] | None = None
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's are not derived from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Complete the answer once its body is there."""
        self._buffer += data
        head, end, body = self._buffer.partition(HEADER_END)
        if not end:
            return
        lower = head.lower()
        at = lower.find(LENGTH)
        wanted = int(lower[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) >= wanted and self._answer is not None and not self._answer.done():
            self._buffer = b""
            self._answer.set_result(head[9:10] == b"2")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request under way."""
        del exc
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(False)

    async def send(self, request: bytes) -> bool:
        """Return whether the answer was 2xx."""
        assert self._transport is not None  # noqa: S101 - create_connection waits for it
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def connect(port: int, host: str = "127.0.0.1") -> Connection:
    """Open a connection."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection


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
