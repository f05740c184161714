"""Server-sent events (WHATWG HTML, chapter 9.2): streams that thousands hold open at once.

Each is bounded in what waits to be sent, ends when its reader's token does, and when the process
drains. Whoever comes back says what he has seen last (`Last-Event-ID`).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import structlog
from fastapi import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from common.edges import metrics
from common.edges.tokens import Principal

logger = structlog.get_logger()

MEDIA_TYPE = "text/event-stream"
COMMENT_SECONDS = 15.0  # proxies end what is silent for longer
SEND_SECONDS = 30.0  # a reader who takes nothing for so long is gone
LONGEST_SECONDS = 900.0  # a token is looked at again when its holder comes back
MOST_PARTS = 200  # unsent events of one stream
MOST_BYTES = 1_000_000  # of those events

_COMMENT = b": still here\n\n"
_RETRY = b"retry: 1000\n\n"


def event(name: str, data: bytes, number: object = None) -> bytes:
    """Return an event. Its data is JSON, put on one line; `number` is its id.

    Without an id the reader goes on after the event before.
    """
    place = "" if number is None else f"id: {number}\n"
    return b"%sevent: %s\ndata: %s\n\n" % (place.encode(), name.encode(), _one_line(data))


def _one_line(data: bytes) -> bytes:
    return b" ".join(data.splitlines())  # in JSON, a line's end can only be space


def seconds_left(principal: Principal, now: datetime) -> float:
    """Return how long a stream may stay open: no longer than the token that opened it."""
    return min(LONGEST_SECONDS, principal.expires_at - now.timestamp())


class Stream:
    """What waits to be sent to one reader."""

    def __init__(self) -> None:
        self._parts: deque[bytes] = deque()
        self._bytes = 0
        self._woken = asyncio.Event()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Return whether nothing more is to come."""
        return self._ended

    def put(self, part: bytes) -> bool:
        """Add to what is sent. Return False, and add nothing, where the reader is too slow for it."""
        if self._parts and (len(self._parts) >= MOST_PARTS or self._bytes + len(part) > MOST_BYTES):
            return False
        self._parts.append(part)
        self._bytes += len(part)
        self._woken.set()
        return True

    def forget(self) -> None:
        """Give up what is not sent yet."""
        self._parts.clear()
        self._bytes = 0

    def end(self) -> None:
        """Send what there is, and no more."""
        self._ended = True
        self._woken.set()

    def comment(self) -> bytes:
        """Return what a silent stream sends now and then."""
        return _COMMENT

    async def next(self, seconds: float) -> bytes | None:
        """Return what is to be sent, a comment after so many seconds; None: nothing more."""
        if not self._parts and not self._ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
        self._woken.clear()
        if self._parts:
            whole = b"".join(self._parts)
            self.forget()
            return whole
        return None if self._ended else self.comment()


class Streams:
    """The open streams of one kind: counted, limited in number, ended together."""

    def __init__(self, kind: str, most: int) -> None:
        self._gauge = metrics.streams_open.labels(kind)
        self._most = most
        self._open: set[Stream] = set()

    def require_room(self) -> None:
        """Raise HTTPException (503) where too many are open."""
        if len(self._open) >= self._most:
            raise HTTPException(503, "too many open streams", headers={"Retry-After": "5"})

    @contextmanager
    def counted(self, stream: Stream) -> Iterator[None]:
        """Count a stream while it is open."""
        self._open.add(stream)
        self._gauge.set(len(self._open))
        try:
            yield
        finally:
            self._open.discard(stream)
            self._gauge.set(len(self._open))

    def end(self) -> None:
        """End them all: else they would keep the process from stopping."""
        for stream in self._open:
            stream.end()


class StreamResponse(Response):
    """Sends a stream to whoever asked, until one of them has enough, or `seconds` are over."""

    media_type: str | None = MEDIA_TYPE

    def __init__(
        self, opened: Callable[[], AbstractContextManager[Stream]], seconds: float
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]  # nobody knows
        self._opened = opened
        self._seconds = seconds

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Mapping[str, Any] = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        with self._opened() as stream:
            watching = asyncio.create_task(_end_when_gone(receive, stream))
            try:
                await send(dict(start))
                await _relay(stream, send, self._seconds)
            except TimeoutError:
                logger.info("reader of a stream takes nothing any more")
            finally:
                watching.cancel()


async def _relay(stream: Stream, send: Send, seconds: float) -> None:
    """Send until the stream ends or has been open for long enough. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    part: bytes | None = _RETRY
    while part and (left := until - loop.time()) > 0:
        await _send(send, part)
        part = await stream.next(min(COMMENT_SECONDS, left))
    await _send(send, b"", more=False)


async def _send(send: Send, part: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": part, "more_body": more})


async def _end_when_gone(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end()
