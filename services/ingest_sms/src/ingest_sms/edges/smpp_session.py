"""One bound SMPP session: every message is stored before it is answered.

What one customer wrote is taken one after another, different customers' side by side. When `WINDOW`
deliveries wait for the store, nothing more is read, which slows the centre down through TCP.
Nothing that stands in a message ends the session.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog
from msgspec import Struct

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, MadoguchiError, TransientError
from common.edges.clock import Clock
from common.edges.measuring import Taken
from common.edges.ports import Accepting
from ingest_sms.core.smpp.parts import fingerprint, speaker
from ingest_sms.core.smpp.pdu import HEADER_BYTES
from ingest_sms.core.smpp.session import (
    HIGHEST_SEQUENCE,
    RESPONSE,
    BindOptions,
    Command,
    Header,
    Status,
    answer,
    bind_transceiver,
    explained,
    header,
    pdu,
    refusal,
)
from ingest_sms.edges.deliveries import Claim, DeliveryStore

logger = structlog.get_logger()

PROTOCOL = "smpp"
WINDOW = 16
ANSWER_SECONDS = 10  # a centre that takes longer to answer is taken for dead


class SessionError(MadoguchiError):
    """The session is over; the message says why."""


class BindRefusedError(SessionError):
    """The centre does not let us in."""


class Mailbag(Struct, frozen=True):
    """What a session does with what it receives."""

    account: ChannelAccount
    entrance: Accepting
    deliveries: DeliveryStore
    clock: Clock


class SmppSession:
    """A connection to a message centre, from bind to unbind. `name` is unique to it."""

    def __init__(
        self,
        name: str,
        options: BindOptions,
        mailbag: Mailbag,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._name = name
        self._options = options
        self._mailbag = mailbag
        self._reader, self._writer = streams
        self._sequence = 0
        self._answered: list[str] = []
        self._asked: dict[int, list[str]] = {}
        self._refused: set[str] = set()
        self._window = asyncio.Semaphore(WINDOW)
        self._taking: dict[str, asyncio.Task[None]] = {}  # the last of each customer
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def bind(self, password: str) -> None:
        """Bind as transceiver. Raises BindRefusedError, SessionError, OSError, TimeoutError."""
        self._writer.write(bind_transceiver(self._options, password, self._next_sequence()))
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._writer.drain()
            heard, _ = await self._read()
        if heard.command != Command.BIND_TRANSCEIVER | RESPONSE:
            raise SessionError(f"an answer to bind that is none: 0x{heard.command:08x}")
        if heard.status != Status.OK:
            raise BindRefusedError(f"bind refused: {explained(heard.status)}")

    async def serve(self, stopping: asyncio.Event) -> None:
        """Receive until the centre unbinds, or until `stopping`: then unbind in order.

        Raises SessionError, OSError or EOFError when the session breaks.
        """
        receiving = asyncio.create_task(self._receive())
        keeping = asyncio.create_task(self._keep_alive())
        stopped = asyncio.create_task(stopping.wait())
        tasks = (receiving, keeping, stopped, self._broken)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not any(task.done() for task in (receiving, keeping, self._broken)):
                await self._unbind(receiving)
            await asyncio.gather(*self._taking.values(), return_exceptions=True)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in (self._broken, receiving, keeping):
            if not task.cancelled():
                task.result()

    async def _unbind(self, receiving: asyncio.Task[None]) -> None:
        """Say that we leave; what the centre delivered before it reads that is taken still."""
        self._ask(Command.UNBIND)
        await asyncio.wait({receiving}, timeout=ANSWER_SECONDS)

    async def _receive(self) -> None:
        while True:
            heard, octets = await self._read()
            if heard.is_response:
                await self._settle(heard.sequence)
                if heard.command == Command.UNBIND | RESPONSE:
                    return
                continue
            await self._answer(heard, octets)
            await self._writer.drain()
            if heard.command == Command.UNBIND:
                return

    async def _answer(self, heard: Header, octets: bytes) -> None:
        if heard.command in (Command.DELIVER_SM, Command.DATA_SM):
            await self._window.acquire()
            who = speaker(octets)
            coming = self._in_turn(self._taking.get(who), heard, octets)
            self._taking[who] = task = asyncio.create_task(coming)
            task.add_done_callback(partial(self._taken, who))
        elif heard.command in (Command.ENQUIRE_LINK, Command.UNBIND):
            self._writer.write(answer(heard, Status.OK))
        else:
            self._writer.write(refusal(heard, Status.INVALID_COMMAND))

    async def _in_turn(
        self, before: asyncio.Task[None] | None, heard: Header, octets: bytes
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        await self._take(heard, octets)

    def _taken(self, who: str, task: asyncio.Task[None]) -> None:
        self._window.release()
        if self._taking.get(who) is task:
            del self._taking[who]
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._broken.done():
            self._broken.set_exception(error)

    async def _take(self, heard: Header, octets: bytes) -> None:
        name = fingerprint(octets)
        taken = Taken(PROTOCOL)
        try:
            await self._store(name, heard.sequence, octets)
        except (TransientError, BackPressureError) as error:
            logger.warning("message not taken", account=self._account, error=str(error))
            taken.answered("deferred")
            self._refused.add(name)
            self._writer.write(answer(heard, Status.TRY_AGAIN))
            return
        taken.answered("accepted")
        self._refused.discard(name)
        self._writer.write(answer(heard, Status.OK))
        self._answered.append(name)

    async def _store(self, name: str, sequence: int, octets: bytes) -> None:
        bag, now = self._mailbag, self._mailbag.clock()
        window = timedelta(seconds=self._options.redelivery_seconds)
        claim = Claim(self._account, name, self._name, sequence, name in self._refused)
        first_seen = await bag.deliveries.claim(claim, now, window)
        original = Original(
            provider=bag.account.provider,
            account=self._account,
            received_at=first_seen,
            body=octets,
        )
        await bag.entrance.accept(original, bag.account)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._options.enquire_link_seconds)
            if self._asked:
                raise SessionError("the centre does not answer enquire_link")
            self._ask(Command.ENQUIRE_LINK)
            await self._writer.drain()

    def _ask(self, command: Command) -> None:
        """Send a request whose response tells that the centre has read all that we wrote before."""
        sequence = self._next_sequence()
        self._asked[sequence], self._answered = self._answered, []
        self._writer.write(pdu(command, sequence))

    async def _settle(self, sequence: int) -> None:
        settled = self._asked.pop(sequence, [])
        if not settled:
            return
        try:
            await self._mailbag.deliveries.settle(self._account, self._name, settled)
        except TransientError as error:
            logger.warning("answers stay unsettled", account=self._account, error=str(error))
            self._answered = [*settled, *self._answered]

    async def _read(self) -> tuple[Header, bytes]:
        """Return the next PDU. Raises SessionError, OSError or EOFError."""
        first = await self._reader.readexactly(HEADER_BYTES)
        found = header(first)
        if not found.in_step:
            self._writer.write(refusal(found, Status.INVALID_LENGTH))
            raise SessionError(f"a PDU of {found.length} octets: the stream is out of step")
        return found, first + await self._reader.readexactly(found.length - HEADER_BYTES)

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % HIGHEST_SEQUENCE + 1
        return self._sequence

    @property
    def _account(self) -> str:
        return self._mailbag.account.account


def passwords_in_turn(passwords: Sequence[str], refusals: int) -> str:
    """Return the password to try: after each refusal the next, so that they can be rotated."""
    return passwords[refusals % len(passwords)]
