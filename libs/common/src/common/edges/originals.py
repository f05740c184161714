"""The untouched originals, packed: one object per small message would be the slowest step.

Requests that arrive while one segment is being written share the next. A segment is a sequence of
frames: four bytes of length (big endian), then a msgpack Original.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from common.core.adapters import Original
from common.edges.clock import Clock
from common.edges.objects import ObjectStore

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Original).decode
_LENGTH_BYTES = 4


class _Segment:
    def __init__(self, key: str) -> None:
        self.key = key
        self.content = bytearray()
        self.stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, frame: bytes) -> str:
        start = len(self.content) + _LENGTH_BYTES
        self.content += len(frame).to_bytes(_LENGTH_BYTES, "big") + frame
        return f"{self.key}#{start}+{len(frame)}"


class Originals:
    """Keeps and finds originals. A reference is `key#start+length`."""

    def __init__(self, objects: ObjectStore, service: str, instance: str, clock: Clock) -> None:
        self._objects = objects
        self._prefix = f"originals/{service}"
        self._instance = instance
        self._clock = clock
        self._open: _Segment | None = None
        self._writer: asyncio.Task[None] | None = None
        self._count = 0

    async def keep(self, original: Original) -> str:
        """Return a reference once the original is stored. Raises TransientError."""
        if self._open is None:
            self._open = _Segment(self._next_key())
        segment = self._open
        reference = segment.add(_encode(original))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await asyncio.shield(segment.stored)
        return reference

    async def find(self, reference: str) -> Original:
        """Return the original behind a reference. Raises KeyError, TransientError."""
        key, _, span = reference.partition("#")
        start, _, length = span.partition("+")
        return _decode(await self._objects.get(key, int(start), int(length)))

    async def since(self, moment: str = "") -> AsyncIterator[tuple[str, Original]]:
        """Yield every original kept since then with its reference, oldest segment first.

        `moment` is the beginning of a time in UTC as it stands in keys, e.g. `2026/11/21`.
        """
        keys = await self._objects.keys(self._prefix)
        for key in (key for key in keys if key >= f"{self._prefix}/{moment}"):
            content, start = await self._objects.get(key), _LENGTH_BYTES
            while start < len(content):
                length = int.from_bytes(content[start - _LENGTH_BYTES : start], "big")
                yield f"{key}#{start}+{length}", _decode(content[start : start + length])
                start += length + _LENGTH_BYTES

    def _next_key(self) -> str:
        self._count += 1
        moment = self._clock().strftime("%Y/%m/%d/%H%M%S.%f")
        return f"{self._prefix}/{moment}-{self._instance}-{self._count}"

    async def _write_all(self) -> None:
        while (segment := self._open) is not None:
            self._open = None
            try:
                await self._objects.put(segment.key, bytes(segment.content))
            except Exception as error:  # noqa: BLE001 - handed to everybody who waits for this segment
                segment.stored.set_exception(error)
                segment.stored.exception()  # seen, also where every waiter was cancelled
            else:
                segment.stored.set_result(None)
