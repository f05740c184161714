"""Parsing that keeps nobody waiting: what is large is read in a process that may be killed.

Measured on one core, parsing in here beside sending it away and having the events back: a mail of
2 KB takes 0.97 ms and 1.22 ms, of 64 KB with a file 1.4 and 1.9, of 1 MB 8.2 and 12.3, of 25 MB 186
and 244. The most hostile shapes found cost 61 ms at 16 KB, 120 at 32 and 64 KB (limits of the parser
begin to hold), 200 at 128 KB and 950 at 500 KB. So up to 64 KiB nothing is gained by sending it away.
"""

import asyncio
import contextlib
import pickle
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from common.core.adapters import ChannelAccount, Draft, Original, Parse
from common.core.errors import MadoguchiError, TransientError
from common.core.unread import set_aside
from common.edges import metrics
from common.edges.parsing_worker import HEAD, LIMITS, PATIENCE, framed

logger = structlog.get_logger()

Result = TypeVar("Result")
Unread = Callable[[Original, ChannelAccount, str], tuple[Draft, ...]]

INLINE_BYTES = 65_536
START_SECONDS = 10.0
ENDING_SECONDS = 1.0


class ParsingLimits(Struct, frozen=True, kw_only=True):
    """How many seconds of a processor one large original may take, and how many processes read them."""

    seconds: float = 2.0
    workers: int = 2
    inline_bytes: int = INLINE_BYTES


class GivenUpError(MadoguchiError):
    """The parser did not come back: `reason` is `time` or `crash`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Parsing:
    """Reads originals, each in bounded time.

    `parse` and `unread` are functions of a module, since other processes look them up by name.
    `unread` says in the parser's stead what it can of an original that the parser hangs on or dies
    of: it is held to the same limits, and where it fails too only the envelope is told. Processes
    are started by the first large original, and end with this one, whatever ends it.
    """

    def __init__(
        self,
        parse: Parse,
        unread: Unread | None = None,
        limits: ParsingLimits = ParsingLimits(),  # noqa: B008 - frozen
    ) -> None:
        self._parse = parse
        self._unread = unread
        self._limits = limits
        # The warm ones first: a second is started only when the first is busy.
        self._idle: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue()
        for _ in range(limits.workers):
            self._idle.put_nowait(None)

    async def drafts(self, original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
        """Return the events in an original. Raises TransientError where no process can be started."""
        if len(original.body) <= self._limits.inline_bytes:
            return self._parse(original, account)
        try:
            return await self._elsewhere(partial(self._parse, original, account))
        except GivenUpError as error:
            reason = error.reason
        metrics.parses_given_up.labels(original.provider, reason).inc()
        logger.error("original not read", provider=original.provider, reason=reason)
        if self._unread is not None:
            try:
                return await self._elsewhere(partial(self._unread, original, account, reason))
            except GivenUpError as error:
                logger.warning("not its headers either", reason=error.reason)
        return set_aside(self._parse, original, account, reason)

    async def close(self) -> None:
        """End every idle process; those at work are ended by whoever waits for them."""
        while not self._idle.empty():
            worker = self._idle.get_nowait()
            if worker is not None:
                await worker.end()

    async def _elsewhere(self, call: Callable[[], Result]) -> Result:
        worker = await self._idle.get()
        try:
            worker = worker or await _Worker.started(self._parse)
            result = await worker.result(call, self._limits.seconds)
        except BaseException:
            # Also a caller who went away: his answer would be taken for the next one's.
            if worker is not None:
                await worker.end()
            worker = None
            raise
        finally:
            self._idle.put_nowait(worker)
        return result


def read_all(
    parsing: Parsing, originals: Iterable[Original], account: ChannelAccount
) -> list[Draft]:
    """Return the events in originals: for a command line, which has no event loop yet."""

    async def read() -> list[Draft]:
        try:
            return [draft for item in originals for draft in await parsing.drafts(item, account)]
        finally:
            await parsing.close()

    return asyncio.run(read())


class _Worker:
    """One process of common.edges.parsing_worker; it takes a call and gives its result."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def started(cls, parse: Parse) -> "_Worker":
        """Return a process that has imported what `parse` needs. Raises TransientError."""
        command = (sys.executable, "-m", "common.edges.parsing_worker")
        pipe = asyncio.subprocess.PIPE
        try:
            # Apart from our session: Ctrl-C is for us to handle.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, start_new_session=True
            )
        except OSError as error:
            raise TransientError(f"parsing: {type(error).__name__}") from error
        worker = cls(process)
        try:
            await worker.result(partial(callable, parse), START_SECONDS)
        except GivenUpError as error:
            await worker.end()
            raise TransientError("parsing: no process could be started") from error
        except BaseException:
            await worker.end()
            raise
        return worker

    async def result(self, call: Callable[[], Result], seconds: float) -> Result:
        """Return what the call returns there. Raises GivenUpError, and what it raises."""
        try:
            # It ends by itself in time, unless somebody stopped it.
            async with asyncio.timeout(seconds * (PATIENCE + 1)):
                succeeded, result = await self._exchanged(framed(pickle.dumps(call), seconds))
        except TimeoutError as error:
            raise GivenUpError("time") from error
        except (asyncio.IncompleteReadError, OSError) as error:
            raise GivenUpError(await self._cause()) from error
        if not succeeded:
            raise result
        returned: Result = result
        return returned

    async def _exchanged(self, call: bytes) -> tuple[bool, Any]:
        calls, answers = self._process.stdin, self._process.stdout
        if calls is None or answers is None:
            raise ValueError("a process without pipes")
        calls.write(call)
        await calls.drain()
        _, length = HEAD.unpack(await answers.readexactly(HEAD.size))
        answer: tuple[bool, Any] = pickle.loads(await answers.readexactly(length))  # noqa: S301 - our own process
        return answer

    async def _cause(self) -> str:
        """Return what a process has died of that closed its pipes."""
        # What it ends of by itself is the cause, so it gets a moment before it is killed.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDING_SECONDS):
                await self._process.wait()
        await self.end()
        return "time" if -(self._process.returncode or 0) in LIMITS else "crash"

    async def end(self) -> None:
        """Kill the process and see it gone."""
        if self._process.returncode is None:
            self._process.kill()
        # Its pipes are read to their end, so that nothing of it is left open.
        await self._process.communicate()
