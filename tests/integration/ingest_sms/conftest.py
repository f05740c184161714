"""The service's edges on a real database, a bus in memory, and a message centre that speaks SMPP."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.samples.golden import FOLDER
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.cloudevents import Record
from common.edges.accounts import Accounts
from common.edges.clock import system_clock
from common.edges.database import create_writer_engine
from common.edges.inbox import Inbox
from common.edges.intake import Intake
from common.edges.migrations import migrate
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from common.edges.parsing import Parsing
from common.testing.fakes import MemoryPublisher
from ingest_sms.core.registry import JOINERS, parse
from ingest_sms.edges.joining import Joining, Patience
from ingest_sms.edges.parts import PartStore
from ingest_sms.wiring import MIGRATIONS, SERVICE

SMPP = ChannelAccount(
    tenant="acme", provider="smpp", account="main", secrets=("secret",), team="電話窓口"
)
VONAGE = ChannelAccount(tenant="acme", provider="vonage-sms", account="main", team="電話窓口")

HEADER = struct.Struct(">IIII")
RESPONSE = 0x8000_0000


class Clock:
    """A clock that goes on when told to; no two readings are equal."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def pass_by(self, time: timedelta) -> None:
        self.now += time


class KilledError(Exception):
    """The process ends here."""


class Bus(MemoryPublisher):
    """What was published, as a consumer that counts each event once would have it.

    While `kills` is set, a process that publishes ends when that is done.
    """

    kills = False

    @override
    async def publish(self, records: Sequence[Record]) -> None:
        await super().publish(records)
        if self.kills:
            raise KilledError

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """Every event's data by its id."""
        return {
            dict(record.headers)["ce_id"].decode(): json.loads(record.value)
            for record in self.records
        }

    @property
    def texts(self) -> list[str]:
        """The texts of all messages, each event once, in the order in which they came first."""
        return [event["text"] for event in self.events.values() if "text" in event]


class Replica:
    """One process of the service: intake and joining stage on the shared database and bus."""

    def __init__(self, engine: AsyncEngine, bus: Bus, clock: Clock, objects: Path) -> None:
        accounts = Accounts([SMPP, VONAGE])
        store = ObjectStore.open(str(objects))
        self.inbox = Inbox(engine)
        self.intake = Intake(
            service=SERVICE,
            parsing=Parsing(parse),
            accounts=accounts,
            publisher=bus,
            inbox=self.inbox,
            originals=Originals(store, SERVICE, "test", clock),
            objects=store,
            retry_seconds=0.01,
        )
        self.joining = Joining(
            joiners=JOINERS,
            store=PartStore(engine),
            intake=self.intake,
            inbox=self.inbox,
            accounts=accounts,
            clock=clock,
            patience=Patience(86_400, 0.01),
        )

    async def drained(self) -> None:
        """Drain the inbox once, as the running component does."""
        await self.intake._drain()


@pytest.fixture
def sms_database(database_url: str) -> str:
    migrate(MIGRATIONS, database_url, SERVICE)
    return database_url


@pytest.fixture
async def engine(sms_database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(sms_database, SERVICE)
    yield engine
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def start_replica(
    sms_database: str, bus: Bus, clock: Clock, tmp_path: Path
) -> AsyncIterator[Callable[[], Awaitable[Replica]]]:
    """Start a replica with connections of its own, as a new process has."""
    engines: list[AsyncEngine] = []

    async def start() -> Replica:
        engines.append(create_writer_engine(sms_database, SERVICE))
        replica = Replica(engines[-1], bus, clock, tmp_path)
        await replica.drained()
        return replica

    yield start
    for engine in engines:
        await engine.dispose()


@pytest.fixture
async def replica(start_replica: Callable[[], Awaitable[Replica]]) -> Replica:
    return await start_replica()


@pytest.fixture
def count(engine: AsyncEngine) -> Callable[[str], Awaitable[int]]:
    """Return how many rows a table has."""

    async def rows(table: str) -> int:
        async with engine.connect() as connection:
            found = await connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - a name of ours
            return int(found.scalar_one())

    return rows


@pytest.fixture
def vectors() -> dict[str, list[bytes]]:
    """Return the PDUs of every recorded message by the vector's name."""
    found = json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))["smpp_deliver_sm"]
    return {item["name"]: [bytes.fromhex(pdu) for pdu in item["pdus"]] for item in found}


@pytest.fixture
def vector_texts() -> dict[str, str | None]:
    found = json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))["smpp_deliver_sm"]
    return {item["name"]: item["text"] for item in found}


@pytest.fixture
def smpp_part() -> Callable[..., Original]:
    """Return part `number` of a Japanese message as an original."""

    def part(number: int, said: str, total: int = 3, at: datetime | None = None) -> Original:
        content = bytes((5, 0, 3, 0x2A, total, number)) + said.encode("utf-16-be")
        return Original(
            provider="smpp",
            account="main",
            received_at=at or system_clock(),
            body=deliver_sm(content, 0x40, 8),
        )

    return part


def deliver_sm(
    content: bytes, esm_class: int = 0, data_coding: int = 0, sequence: int = 1
) -> bytes:
    addresses = b"\x01\x01819012345678\x00" + b"\x01\x01815012345678\x00"
    fields = bytes((esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0, len(content)))
    body = b"\x00" + addresses + fields + content
    return HEADER.pack(16 + len(body), 5, 0, sequence) + body


class CentreSession:
    """The centre's side of one bound session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.answers: asyncio.Queue[tuple[int, int, int]] = asyncio.Queue()
        self.enquiries = 0
        self.answers_enquiries = True
        self.enquired = asyncio.Event()
        self.unbound = asyncio.Event()

    async def read(self) -> tuple[int, int, int, bytes]:
        length, command, status, sequence = HEADER.unpack(await self._reader.readexactly(16))
        return command, status, sequence, await self._reader.readexactly(length - 16)

    def write(self, octets: bytes) -> None:
        self._writer.write(octets)

    def request(self, pdu: bytes, sequence: int) -> None:
        """Send a recorded PDU under a sequence number of this session."""
        self.write(pdu[:12] + struct.pack(">I", sequence) + pdu[16:])

    async def deliver(self, pdu: bytes, sequence: int = 1) -> int:
        """Deliver, and return the status that it was answered with."""
        self.request(pdu, sequence)
        async with asyncio.timeout(20):
            _, status, answered = await self.answers.get()
        assert answered == sequence
        return status

    def cut(self) -> None:
        """Lose the connection without a word."""
        self._writer.transport.abort()

    async def serve(self) -> None:
        while True:
            command, status, sequence, _ = await self.read()
            if command == 0x15:
                self.enquiries += 1
                if self.answers_enquiries:
                    self.write(HEADER.pack(16, command | RESPONSE, 0, sequence))
                self.enquired.set()
            elif command == 0x06:
                self.write(HEADER.pack(16, command | RESPONSE, 0, sequence))
                self.unbound.set()
            else:
                await self.answers.put((command, status, sequence))


class Centre:
    """A message centre on a real port. `passwords` open it; `bind_status` refuses everybody."""

    def __init__(self) -> None:
        self.port = 0
        self.passwords = {"secret"}
        self.bind_status = 0
        self.binds: list[bytes] = []
        self.sessions: asyncio.Queue[CentreSession] = asyncio.Queue()

    async def session(self) -> CentreSession:
        """Return the next session that is bound."""
        async with asyncio.timeout(20):
            return await self.sessions.get()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = CentreSession(reader, writer)
        try:
            command, _, sequence, body = await session.read()
            self.binds.append(body)
            status = self.bind_status
            if body.split(b"\x00")[1].decode() not in self.passwords:
                status = 0x0E
            answer = b"" if status else b"centre\x00"
            session.write(
                HEADER.pack(16 + len(answer), command | RESPONSE, status, sequence) + answer
            )
            if status == 0:
                await self.sessions.put(session)
                await session.serve()
        except (EOFError, OSError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running_centre() -> AsyncIterator[Centre]:
    centre = Centre()
    server = await asyncio.start_server(centre.connected, "127.0.0.1", 0)
    centre.port = server.sockets[0].getsockname()[1]
    async with server:
        yield centre


@pytest.fixture
async def centre() -> AsyncIterator[Centre]:
    async with running_centre() as centre:
        yield centre


@pytest.fixture
def make_deliver_sm() -> Callable[..., bytes]:
    return deliver_sm
