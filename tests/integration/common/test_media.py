"""Files are fetched over real TLS, queued in a real Postgres, and told of on a real bus."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace
from obstore.store import MemoryStore
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.adapters import ChannelAccount
from common.core.addresses import is_public
from common.core.cloudevents import Attributes, Record, read, record
from common.core.events import (
    Attachment,
    AttachmentState,
    AttachmentStored,
    Channel,
    Conversation,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.media import NotYetError, Refusal, RefusedError
from common.core.signatures import sha256_hex
from common.edges.accounts import Accounts
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.database import create_writer_engine
from common.edges.fetching import FetchLimits, MediaClient, Surroundings, resolve
from common.edges.ingest import MIGRATIONS
from common.edges.kafka import KafkaAccess
from common.edges.media import MediaFetcher, media_queue
from common.edges.migrations import migrate
from common.edges.objects import ObjectStore
from common.edges.outbox import OutboxRelay

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)
TWILIO = ChannelAccount(
    tenant="acme",
    provider="twilio",
    account="main",
    options={"media_credential": "AC1:token"},
)
ACCOUNTS = Accounts([TWILIO])


class Provider:
    """Answers by host and path over TLS, and remembers who asked with which credential."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.wanted: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.port = 0

    def serves(self, where: str, body: bytes, head: str = "", status: int = 200) -> None:
        length = "" if "content-length" in head else f"content-length: {len(body)}\r\n"
        answer = f"HTTP/1.1 {status} OK\r\n{length}{head}connection: close\r\n\r\n"
        self.answers[where] = answer.encode() + body

    def serves_only(self, where: str, body: bytes, credential: str) -> None:
        self.serves(where, body)
        self.wanted[where] = credential.lower()

    def leads(self, where: str, to: str) -> None:
        self.serves(where, b"", f"location: {to}\r\n", 302)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        where = headers["host"].partition(":")[0] + lines[0].split()[1]
        self.asked.append((where, headers.get("authorization")))
        if self.wanted.get(where, headers.get("authorization")) != headers.get("authorization"):
            writer.write(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n")
        else:
            writer.write(self.answers.get(where, b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"))
        await writer.drain()
        writer.close()


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.now(UTC)  # noqa: TID251 - a certificate is checked against the real day
    names = [x509.DNSName(host) for host in ("*.twilio.com", "*.twiliocdn.com")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
async def provider(pem: Path) -> AsyncIterator[Provider]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    provider = Provider()
    server = await asyncio.start_server(provider.answer, "127.0.0.1", 0, ssl=context)
    provider.port = server.sockets[0].getsockname()[1]
    yield provider
    server.close()
    await server.wait_closed()


async def at_home(host: str, port: int) -> Sequence[str]:
    del host, port
    return ["127.0.0.1"]


@pytest.fixture
async def client(provider: Provider, pem: Path) -> AsyncIterator[MediaClient]:
    around = Surroundings(
        admits=lambda address: address == "127.0.0.1",
        ports=[provider.port],
        trusts=ssl.create_default_context(cafile=pem),
    )
    client = MediaClient(FetchLimits(max_bytes=4000, seconds=20), at_home, around)
    yield client
    await client.close()


def at(provider: Provider, place: str) -> str:
    host, _, path = place.partition("/")
    return f"https://{host}:{provider.port}/{path}"


async def test_a_redirect_is_followed_and_the_credential_stays_behind(
    provider: Provider, client: MediaClient
) -> None:
    provider.leads("api.twilio.com/ME1", at(provider, "media.twiliocdn.com/x"))
    provider.serves("media.twiliocdn.com/x", PNG)
    assert await client.fetch(at(provider, "api.twilio.com/ME1"), TWILIO) == PNG
    assert provider.asked == [
        ("api.twilio.com/ME1", "basic qumxonrva2vu"),  # lower-cased by the server
        ("media.twiliocdn.com/x", None),
    ]


async def test_while_credentials_change_each_is_tried_and_the_refused_one_shows(
    provider: Provider, client: MediaClient
) -> None:
    where = at(provider, "api.twilio.com/ME1")
    provider.serves_only("api.twilio.com/ME1", PNG, "Basic QUMxOnRva2Vu")
    changing = replace(TWILIO, options={"media_credential": "AC1:new AC1:token"})
    assert [await client.fetch(where, changing) for _ in range(2)] == [PNG, PNG]
    assert len(provider.asked) == 3  # the second time with the one that worked
    assert client.complaint() == "twilio/main: refused: credential 1 of 2"


async def test_a_file_that_no_credential_opens_is_asked_for_again(
    provider: Provider, client: MediaClient
) -> None:
    provider.serves_only("api.twilio.com/ME1", PNG, "nobody has it")
    changing = replace(TWILIO, options={"media_credential": "AC1:new AC1:token"})
    with pytest.raises(NotYetError):
        await client.fetch(at(provider, "api.twilio.com/ME1"), changing)
    assert client.complaint() == "twilio/main: refused: credential 1, 2 of 2"


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (lambda p: p.leads("api.twilio.com/m", "https://169.254.169.254/"), Refusal.HOST),
        (lambda p: p.leads("api.twilio.com/m", "http://api.twilio.com/"), Refusal.BAD_URL),
        (lambda p: p.leads("api.twilio.com/m", at(p, "api.twilio.com/m")), Refusal.REDIRECTS),
        (lambda p: p.serves("api.twilio.com/m", bytes(4001)), Refusal.TOO_LARGE),
        (
            lambda p: p.serves("api.twilio.com/m", b"x", "content-encoding: gzip\r\n"),
            Refusal.TYPE,
        ),
        (lambda p: p.serves("api.twilio.com/m", b"", status=410), Refusal.GONE),
    ],
)
async def test_what_must_not_be_fetched_is_refused(
    provider: Provider,
    client: MediaClient,
    make: Callable[[Provider], None],
    refusal: Refusal,
) -> None:
    make(provider)
    with pytest.raises(RefusedError) as refused:
        await client.fetch(at(provider, "api.twilio.com/m"), TWILIO)
    assert refused.value.refusal is refusal


async def test_a_body_that_tells_no_length_is_cut_off_at_the_limit(
    provider: Provider, client: MediaClient
) -> None:
    provider.answers["api.twilio.com/m"] = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(9000)
    with pytest.raises(RefusedError):
        await client.fetch(at(provider, "api.twilio.com/m"), TWILIO)


async def test_a_body_that_breaks_off_is_asked_for_again(
    provider: Provider, client: MediaClient
) -> None:
    provider.serves("api.twilio.com/m", b"half", "content-length: 100\r\n")
    with pytest.raises(NotYetError):
        await client.fetch(at(provider, "api.twilio.com/m"), TWILIO)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "::ffff:10.0.0.1"]])
async def test_a_name_that_leads_into_the_house_is_never_connected_to(
    provider: Provider, addresses: list[str]
) -> None:
    async def into_the_house(_host: str, _port: int) -> Sequence[str]:
        return addresses

    around = Surroundings(admits=is_public, ports=[provider.port])
    client = MediaClient(FetchLimits(), into_the_house, around)
    with pytest.raises(RefusedError) as refused:
        await client.fetch(at(provider, "api.twilio.com/m"), TWILIO)
    await client.close()
    assert refused.value.refusal is Refusal.ADDRESS
    assert provider.asked == []


async def test_a_certificate_has_to_be_the_hosts(provider: Provider, client: MediaClient) -> None:
    other = ChannelAccount(
        tenant="acme", provider="generic", account="a", options={"media_hosts": "files.example.jp"}
    )
    provider.serves("files.example.jp/m", PNG)
    with pytest.raises(NotYetError):
        await client.fetch(at(provider, "files.example.jp/m"), other)
    assert provider.asked == []


async def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    with pytest.raises(NotYetError):
        await resolve("nowhere.invalid", 443)


# ---- the queue


class Times:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def queue_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    await asyncio.to_thread(migrate, MIGRATIONS, database_url, "ingest_sms")
    engine = create_writer_engine(database_url, "ingest_sms")
    yield engine
    await engine.dispose()


class Desk:
    """The queue, one worker and what they leave, with a clock of their own."""

    def __init__(self, engine: AsyncEngine, client: MediaClient) -> None:
        self.engine = engine
        self.clock = Times()
        self.objects = ObjectStore(MemoryStore())
        self.queue = media_queue("ingest_sms", ACCOUNTS, self.clock)
        self.fetcher = MediaFetcher(engine, client, ACCOUNTS, self.objects, self.clock, workers=2)

    async def note(self, *urls: str) -> None:
        received: Any = [_Received(read(item.headers, item.value)) for item in [message(*urls)]]
        async with self.engine.begin() as connection:
            await self.queue(connection, received)

    async def told(self) -> list[AttachmentStored]:
        async with self.engine.connect() as connection:
            rows = (await connection.execute(text("SELECT record FROM outbox ORDER BY id"))).all()
        records = [msgspec.msgpack.decode(row.record, type=Record) for row in rows]
        return [read(item.headers, item.value).data for item in records]

    async def waiting(self) -> int:
        async with self.engine.connect() as connection:
            return int(
                (await connection.execute(text("SELECT count(*) FROM media_fetch"))).scalar_one()
            )


class _Received:
    def __init__(self, event: Any) -> None:
        self.event = event


@pytest.fixture
def desk(queue_engine: AsyncEngine, client: MediaClient) -> Desk:
    return Desk(queue_engine, client)


def message(*urls: str) -> Any:
    attachments = tuple(
        Attachment(
            name=f"写真-{number}.png",
            media_type="image/png",
            state=AttachmentState.REMOTE,
            provider_ref=url,
        )
        for number, url in enumerate(urls, 1)
    )
    data = Message(
        message_id="MM1",
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        sender=Party("tel:+819012345678"),
        conversation=Conversation("c"),
        received_at=NOW,
        attachments=attachments,
    )
    attributes = Attributes(
        id=UUID(int=7),
        source="/ingest_sms/twilio/main",
        type="io.madoguchi.message.received",
        subject="tel:+819012345678",
        time=NOW,
        tenant="acme",
    )
    return record("messages.v1", attributes, data)


async def test_a_file_that_is_not_there_yet_is_stored_when_it_comes(
    desk: Desk, provider: Provider
) -> None:
    await desk.note(at(provider, "api.twilio.com/ME1"))
    await desk.note(at(provider, "api.twilio.com/ME1"))  # the same message, heard twice
    assert await desk.fetcher.fetch_next()
    assert not await desk.fetcher.fetch_next()  # it is not due
    provider.serves("api.twilio.com/ME1", PNG)
    desk.clock.now += timedelta(seconds=5)
    assert await desk.fetcher.fetch_next()
    [event] = await desk.told()
    stored = event.attachment
    assert (stored.state, stored.sha256) == (AttachmentState.STORED, sha256_hex(PNG))
    assert await desk.objects.get(stored.location or "") == PNG
    assert await desk.waiting() == 0


async def test_how_many_files_wait_is_shown(desk: Desk, provider: Provider) -> None:
    provider.serves("api.twilio.com/good", PNG)
    await desk.note(*(at(provider, f"api.twilio.com/{name}") for name in ("later", "good")))
    shown = []
    for _ in range(2):
        await desk.fetcher.count_waiting()
        shown.append(REGISTRY.get_sample_value("madoguchi_media_waiting_files"))
        while await desk.fetcher.fetch_next():
            pass
    assert shown == [2, 1]


async def test_waiting_for_a_file_ends(desk: Desk, provider: Provider) -> None:
    await desk.note(at(provider, "api.twilio.com/never"))
    while await desk.waiting():
        assert await desk.fetcher.fetch_next()
        desk.clock.now += timedelta(minutes=5)
    [event] = await desk.told()
    assert (event.attachment.state, event.reason) == (AttachmentState.REFUSED, "never-there")
    assert desk.clock.now - NOW <= timedelta(minutes=20)


async def test_what_is_not_what_it_was_said_to_be_is_told_as_refused(
    desk: Desk, provider: Provider
) -> None:
    provider.serves("api.twilio.com/evil", b"<html><script>")
    provider.serves("api.twilio.com/good", PNG)
    await desk.note(*(at(provider, f"api.twilio.com/{name}") for name in ("evil", "good")))
    while await desk.fetcher.fetch_next():
        pass
    outcomes = {event.position: event.reason for event in await desk.told()}
    assert outcomes == {0: "type-mismatch", 1: None}


async def test_a_file_that_a_killed_process_was_fetching_is_fetched_by_the_next(
    desk: Desk, provider: Provider
) -> None:
    provider.serves("api.twilio.com/ME1", PNG)
    await desk.note(at(provider, "api.twilio.com/ME1"))
    assert await desk.fetcher._claim() is not None  # and then it is killed
    assert not await desk.fetcher.fetch_next()
    desk.clock.now += timedelta(minutes=5)
    assert await desk.fetcher.fetch_next()
    assert len(await desk.told()) == 1


async def test_from_a_message_on_the_bus_to_the_event_that_its_file_is_stored(
    desk: Desk,
    provider: Provider,
    publisher: Any,
    kafka_server: str,
    make_topic: Any,
    read_topic: Callable[..., Any],
    running: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    async def on_the_bus() -> int:
        return len(await read_topic(topic))

    topic = await make_topic("messages.v1")
    provider.serves("api.twilio.com/ME1", PNG)
    await publisher.publish([message(at(provider, "api.twilio.com/ME1"))])
    relay = OutboxRelay(desk.engine, publisher)
    options = ConsumerOptions(
        kafka=KafkaAccess(kafka_server),
        group="media",
        topics=("messages.v1",),
        prefix=topic.removesuffix("messages.v1"),
    )
    consumer = Consumer(options, desk.engine, desk.queue)
    async with running(relay), running(desk.fetcher), running(consumer):
        await eventually(on_the_bus, 2)
    records = await read_topic(topic)
    event = read(records[1].headers, records[1].value)
    assert event.attributes.type == "io.madoguchi.attachment.stored"
    assert event.data.attachment.state is AttachmentState.STORED
    assert records[0].key == records[1].key
