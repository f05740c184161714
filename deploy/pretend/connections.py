"""HTTP/1.1 for those who only send: prepared bytes over kept-alive sockets.

Lean enough not to be what is measured, and true to what a provider would see: a connection that the
server has closed is not used again, and a request that was sent and not answered has failed.
"""

import asyncio
import select
from collections import deque
from typing import cast

from httptools import HttpParserError, HttpResponseParser
from typing_extensions import override

from local_stack.ports import LOOPBACK
from pretend.webhooks import WebhookRequest

PATIENCE_SECONDS = 10  # shorter than Twilio's patience, longer than LINE's
KEEP_SECONDS = 5  # a connection that nobody needs for so long is closed
ACCEPTED = range(200, 300)


def wire(request: WebhookRequest, host: str) -> bytes:
    """Return the request as it goes over the socket."""
    lines = [f"POST {request.path} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines.append(f"content-length: {len(request.body)}\r\n\r\n")
    return "\r\n".join(lines).encode() + request.body


class Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._parser = HttpResponseParser(self)
        self._answer: asyncio.Future[bool] | None = None
        self._ear = select.poll()

    @property
    def is_open(self) -> bool:
        """Whether the server has not hung up until this very moment."""
        # The loop may not have heard of it yet: what can be read here, unasked, is the end.
        return not (self.transport.is_closing() or self._ear.poll(0))

    async def send(self, request: bytes) -> bool:
        """Return whether the answer was 2xx; False, too, if none came before the connection's end."""
        if self.transport.is_closing():
            return False
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()  # else its answer would be taken for the next one's
            raise

    def close(self) -> None:
        """Hang up."""
        self.transport.close()

    def on_message_complete(self) -> None:
        """Be told by the parser that an answer is there."""
        if not self._parser.should_keep_alive():
            self.close()
        self._answered(is_accepted=self._parser.get_status_code() in ACCEPTED)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are not derived from asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self._ear.register(transport.get_extra_info("socket"), select.POLLIN)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._answered(is_accepted=False)

    def _answered(self, *, is_accepted: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(is_accepted)


async def connect(port: int, host: str = LOOPBACK) -> Connection:
    """Open a connection. Raises OSError."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection


class WebhookSender:
    """Posts to one address as a provider does: over a connection that it has kept, or a new one."""

    def __init__(self, port: int, patience: float = PATIENCE_SECONDS) -> None:
        self._port = port
        self._patience = patience
        self._idle: deque[Connection] = deque()  # the one used last is the last

    async def post(self, request: WebhookRequest) -> bool:
        """Deliver a webhook, once; whether it was answered 2xx in time."""
        try:
            async with asyncio.timeout(self._patience):
                connection = self._kept() or await connect(self._port)
                acknowledged = await connection.send(wire(request, LOOPBACK))
        except OSError:  # a time-out is one
            return False
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)
        return acknowledged

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in self._idle:
            connection.close()

    def _kept(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - KEEP_SECONDS
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().close()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            connection.close()
        return None
