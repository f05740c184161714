"""What a Service is on Kubernetes: one address, and new connections to whichever process is ready.

SO_REUSEPORT would need no such thing, but the kernel then goes on giving connections to a process
that is not ready yet, or not any more, and resets what waits in its queue when it closes.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import cast

from typing_extensions import override

from local_stack.ports import LOOPBACK


class Balancer:
    """One address before some ports. A connection stays where it was opened, as with kube-proxy."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.refused = 0
        self._ready: Sequence[int] = ()
        self._turns = count()
        self._server: asyncio.Server | None = None
        self._dialling: set[asyncio.Task[None]] = set()

    def send_to(self, *ports: int) -> None:
        """Open each new connection to one of these, in turn."""
        self._ready = ports

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Side(self._taken), LOOPBACK, self.port)

    async def close(self) -> None:
        """Take no more connections."""
        if self._server:
            self._server.close()
        for task in self._dialling:
            task.cancel()

    def _taken(self, customer: "_Side") -> None:
        task = asyncio.create_task(self._join(customer))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _join(self, customer: "_Side") -> None:
        """Connect a customer to a process, once: whoever is refused is refused, and counted."""
        loop = asyncio.get_running_loop()
        try:
            port = self._ready[next(self._turns) % len(self._ready)]
            _, process = await loop.create_connection(_Side, LOOPBACK, port)
        except (OSError, ZeroDivisionError):
            self.refused += 1
            customer.transport.abort()
            return
        customer.join(process)
        process.join(customer)


class _Side(asyncio.Protocol):
    """One end of a connection, which hands all that it reads to the other end."""

    transport: asyncio.Transport

    def __init__(self, made: "Callable[[_Side], None] | None" = None) -> None:
        self._made = made
        self._other: _Side | None = None
        self._early = b""
        self._ended = False

    def join(self, other: "_Side") -> None:
        """Hand on from here what came already, and all that comes."""
        self._other = other
        if self._early:
            other.transport.write(self._early)
        if self._ended:
            other.transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._made:
            self._made(self)

    @override
    def data_received(self, data: bytes) -> None:
        if self._other:
            self._other.transport.write(data)
        else:
            self._early += data

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        if self._other:
            self._other.transport.close()

    @override
    def pause_writing(self) -> None:
        if self._other:
            self._other.transport.pause_reading()

    @override
    def resume_writing(self) -> None:
        if self._other:
            self._other.transport.resume_reading()
