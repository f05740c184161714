"""The untouched originals, packed: one object per small message would be the slowest step.

Requests that arrive while one segment is being written share the next. A segment is a sequence of
frames: four bytes of length (big endian), then a msgpack Original. A frame whose bytes are all zero
was erased; the others keep their places, for references name them.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256

import msgspec

from common.core.adapters import Original
from common.core.errors import PoisonError
from common.edges.clock import Clock
from common.edges.objects import ObjectStore

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Original).decode
_LENGTH_BYTES = 4
_REFERENCE = re.compile(r"(?P<key>originals/[^#]+)#(?P<start>[0-9]{1,12})\+(?P<length>[0-9]{1,12})")


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
        """Return the original behind a reference. Raises KeyError, PoisonError, TransientError."""
        return await find_original(self._objects, reference)

    async def since(self, moment: str = "") -> AsyncIterator[tuple[str, Original]]:
        """Yield every original kept since then with its reference, oldest segment first.

        `moment` is the beginning of a time in UTC as it stands in keys, e.g. `2026/11/21`.
        Raises PoisonError (`bad-original`) at a segment that is damaged.
        """
        keys = await self._objects.keys(self._prefix)
        for key in (key for key in keys if key >= f"{self._prefix}/{moment}"):
            content, start = await self._objects.get(key), _LENGTH_BYTES
            while start < len(content):
                length = int.from_bytes(content[start - _LENGTH_BYTES : start], "big")
                reference = f"{key}#{start}+{length}"
                if not _is_erased(content[start : start + length]):
                    yield reference, _original(content[start : start + length], reference)
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


async def find_original(objects: ObjectStore, reference: str) -> Original:
    """Return the original behind a reference. Raises KeyError, PoisonError, TransientError."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise KeyError(reference)
    frame = await objects.get(found["key"], int(found["start"]), int(found["length"]))
    if _is_erased(frame):
        raise KeyError(reference)
    return _original(frame, reference)


async def erase_originals(objects: ObjectStore, references: Iterable[str]) -> int:
    """Overwrite these originals where they lie; return how many were there.

    A segment is written once more for all of its references. One at a time may do this: nobody else
    writes to a segment that is closed. Raises TransientError.
    """
    by_key: dict[str, list[tuple[int, int]]] = {}
    for reference in references:
        key, _, span = reference.partition("#")
        start, _, length = span.partition("+")
        by_key.setdefault(key, []).append((int(start), int(length)))
    return sum([await _blank(objects, key, spans) for key, spans in by_key.items()])


async def _blank(objects: ObjectStore, key: str, spans: Iterable[tuple[int, int]]) -> int:
    try:
        content = bytearray(await objects.get(key))
    except KeyError:
        return 0
    erased = 0
    for start, length in spans:
        frame = content[start : start + length]
        if len(frame) == length and not _is_erased(frame):
            content[start : start + length] = bytes(length)
            erased += 1
    if erased:
        await objects.put(key, bytes(content))
    return erased


def _is_erased(frame: bytes | bytearray) -> bool:
    return not any(frame)


def _original(frame: bytes, reference: str) -> Original:
    try:
        return _decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PoisonError("bad-original", f"{reference}: {error}") from error


class KeptOnce:
    """Keeps an original once, however often its publishing is tried.

    What was kept for a try that failed is never deleted: nobody knows whether its event went out
    with that reference.
    """

    def __init__(self, originals: Originals) -> None:
        self._originals = originals
        self._references: dict[bytes, str] = {}

    async def keep(self, original: Original) -> str:
        """Return the reference of the earlier try, or keep it now. Raises TransientError."""
        name = _name(original)
        if name not in self._references:
            self._references[name] = await self._originals.keep(original)
        return self._references[name]

    def is_kept(self, original: Original, reference: str) -> None:
        """Note a try elsewhere that came so far and failed."""
        self._references[_name(original)] = reference

    def forget(self, originals: Iterable[Original]) -> None:
        """Let go of originals that are published."""
        for original in originals:
            self._references.pop(_name(original), None)


def _name(original: Original) -> bytes:
    return sha256(_encode(original)).digest()
