"""Sessions with a message centre over TCP: nothing is answered before it is stored, nothing ends them."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from itertools import count as counting
from typing import Any

import pytest
import smpp34
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.edges.ports import Accepting
from ingest_sms.core.smpp.session import bind_options
from ingest_sms.edges.deliveries import DeliveryStore
from ingest_sms.edges.smpp import Backoff, Bind, SmppBinds
from ingest_sms.edges.smpp_session import Mailbag
from local_stack.ports import free_port

TRY_AGAIN = 0x64
Vectors = dict[str, list[bytes]]
StartBinds = Callable[..., AbstractAsyncContextManager[SmppBinds]]


def account(port: int, *secrets: str, **options: str) -> ChannelAccount:
    return ChannelAccount(
        tenant="acme",
        provider="smpp",
        account="main",
        team="電話窓口",
        secrets=secrets or ("secret",),
        options={"host": "127.0.0.1", "port": str(port), "system_id": "madoguchi", **options},
    )


@pytest.fixture
def bound(engine: AsyncEngine, clock: Any, replica: Any) -> StartBinds:
    """Stay bound within a block; when it ends, drain as at SIGTERM."""
    numbers = counting()

    @asynccontextmanager
    async def run(
        owner: ChannelAccount, entrance: Accepting | None = None
    ) -> AsyncIterator[SmppBinds]:
        mailbag = Mailbag(owner, entrance or replica.joining, DeliveryStore(engine), clock)
        bind = Bind(bind_options(owner), mailbag, Backoff(0.01, 0.1), lambda: f"s{next(numbers)}")
        binds, stopping = SmppBinds([bind]), asyncio.Event()
        running = asyncio.create_task(binds.run(stopping))
        yield binds
        stopping.set()
        await running

    return run


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what it waits for is the service's work
            await asyncio.sleep(0.005)


def ready() -> float | None:
    labels = {"provider": "smpp", "account": "main", "team": "電話窓口"}
    return REGISTRY.get_sample_value("madoguchi_account_ready", labels)


async def test_every_recorded_message_arrives_with_its_text(
    centre: Any,
    bound: StartBinds,
    bus: Any,
    vectors: Vectors,
    vector_texts: dict[str, str | None],
) -> None:
    async with bound(account(centre.port)):
        session = await centre.session()
        sequence = counting(1)
        for pdus in vectors.values():
            for pdu in pdus:
                assert await session.deliver(pdu, next(sequence)) == 0
    wanted = [said for said in vector_texts.values() if said is not None]
    assert sorted(bus.texts) == sorted(wanted)
    (receipt,) = [event for event in bus.events.values() if "text" not in event]
    assert (receipt["message_id"], receipt["status"]) == ("0123456789", "delivered")


async def test_a_bind_names_us_and_a_drain_unbinds(
    centre: Any, bound: StartBinds, make_deliver_sm: Callable[..., bytes], bus: Any
) -> None:
    async with bound(account(centre.port, system_type="SMS")) as binds:
        session = await centre.session()
        await until(lambda: binds.complaint() is None)
        assert ready() == 1
        session.request(make_deliver_sm(b"hi"), 7)  # still unanswered when the drain begins
    assert session.unbound.is_set()
    assert (await session.answers.get())[1:] == (0, 7)
    assert bus.texts == ["hi"]
    assert centre.binds == [b"madoguchi\x00secret\x00SMS\x00\x34\x00\x00\x00"]


async def test_a_refused_bind_shows_and_the_next_password_is_tried(
    centre: Any, bound: StartBinds
) -> None:
    centre.bind_status = 0x0D
    async with bound(account(centre.port, "secret", "former")) as binds:
        await until(lambda: binds.complaint() == "main: bind refused: 0x0d bind failed")
        assert ready() == 0
        centre.bind_status, centre.passwords = 0, {"former"}
        await centre.session()
        await until(lambda: binds.complaint() is None)
        assert ready() == 1


async def test_a_centre_that_is_away_is_called_until_it_answers(
    bound: StartBinds,
) -> None:
    async with bound(account(free_port())) as binds:
        await until(lambda: "Connect call failed" in (binds.complaint() or ""))


class Full:
    """Cannot take anything for the first time; `publishes` although it says so, as when in doubt."""

    def __init__(self, entrance: Accepting, *, publishes: bool) -> None:
        self._entrance = entrance
        self._publishes = publishes
        self.asked = 0

    async def accept(self, original: Original, owner: ChannelAccount) -> None:
        self.asked += 1
        if self.asked > 1 or self._publishes:
            await self._entrance.accept(original, owner)
        if self.asked == 1:
            raise BackPressureError("full")


@pytest.mark.parametrize("publishes", [False, True])
async def test_what_cannot_be_taken_now_is_asked_for_again_and_counts_once(
    *,
    publishes: bool,
    centre: Any,
    bound: StartBinds,
    replica: Any,
    bus: Any,
    make_deliver_sm: Callable[..., bytes],
) -> None:
    async with bound(account(centre.port), Full(replica.joining, publishes=publishes)):
        session = await centre.session()
        assert await session.deliver(make_deliver_sm(b"hi"), 1) == TRY_AGAIN
        assert await session.deliver(make_deliver_sm(b"hi"), 2) == 0
    assert bus.texts == ["hi"]


async def test_a_delivery_whose_answer_was_lost_is_the_same_event_when_it_comes_again(
    centre: Any,
    bound: StartBinds,
    bus: Any,
    clock: Any,
    make_deliver_sm: Callable[..., bytes],
) -> None:
    async with bound(account(centre.port)):
        session = await centre.session()
        assert await session.deliver(make_deliver_sm(b"hi"), 1) == 0
        session.cut()
        clock.pass_by(timedelta(minutes=5))
        session = await centre.session()
        assert await session.deliver(make_deliver_sm(b"hi"), 9) == 0
    assert len(bus.records) == 2
    assert bus.texts == ["hi"]


async def test_the_same_words_written_twice_are_two_messages(
    centre: Any,
    bound: StartBinds,
    bus: Any,
    clock: Any,
    count: Callable[[str], Awaitable[int]],
    make_deliver_sm: Callable[..., bytes],
) -> None:
    async with bound(account(centre.port, enquire_link_seconds="0.05")):
        session = await centre.session()
        for sequence in (1, 2):  # in one session
            clock.pass_by(timedelta(seconds=1))
            assert await session.deliver(make_deliver_sm(b"hi"), sequence) == 0
        async with asyncio.timeout(20):
            while await count("delivery"):
                session.enquired.clear()
                await session.enquired.wait()
        session.cut()  # the centre has read our answer: it answered a request that we sent later
        clock.pass_by(timedelta(seconds=1))
        session = await centre.session()
        assert await session.deliver(make_deliver_sm(b"hi"), 1) == 0
    assert bus.texts == ["hi", "hi", "hi"]
    assert await count("delivery") == 0  # settled by unbinding


async def test_a_process_killed_between_storing_and_answering_costs_nothing(
    centre: Any,
    bound: StartBinds,
    bus: Any,
    clock: Any,
    make_deliver_sm: Callable[..., bytes],
) -> None:
    async def killed() -> None:
        async with bound(account(centre.port)):
            session = await centre.session()
            session.request(make_deliver_sm(b"hi"), 1)
            await until(lambda: len(bus.records) == 1)
        assert session.answers.empty()

    bus.kills = True
    with pytest.raises(ExceptionGroup):
        await killed()
    bus.kills = False
    clock.pass_by(timedelta(minutes=1))
    async with bound(account(centre.port)):
        assert await (await centre.session()).deliver(make_deliver_sm(b"hi"), 1) == 0
    assert len(bus.records) == 2
    assert bus.texts == ["hi"]


async def test_parts_come_in_any_order_over_two_sessions(
    centre: Any, bound: StartBinds, bus: Any, vectors: Vectors, vector_texts: dict[str, str | None]
) -> None:
    name = next(name for name in vectors if "reverse" in name)
    for pdu in vectors[name]:
        async with bound(account(centre.port)):
            assert await (await centre.session()).deliver(pdu) == 0
    assert bus.texts == [vector_texts[name]]


class Held:
    """Keeps the first original until told to go on."""

    def __init__(self, entrance: Accepting) -> None:
        self._entrance = entrance
        self._asked = 0
        self.go_on = asyncio.Event()

    async def accept(self, original: Original, owner: ChannelAccount) -> None:
        self._asked += 1
        if self._asked == 1:
            await self.go_on.wait()
        await self._entrance.accept(original, owner)


async def test_one_customer_waits_for_his_own_messages_only(
    centre: Any,
    bound: StartBinds,
    replica: Any,
    bus: Any,
    make_deliver_sm: Callable[..., bytes],
) -> None:
    held = Held(replica.joining)
    async with bound(account(centre.port), held):
        session = await centre.session()
        session.request(make_deliver_sm("一".encode("utf-16-be"), 0, 8), 1)
        session.request(make_deliver_sm("二".encode("utf-16-be"), 0, 8), 2)
        other = make_deliver_sm(b"other").replace(b"819012345678", b"819087654321")
        assert await session.deliver(other, 3) == 0
        held.go_on.set()
        answered = [(await session.answers.get())[2] for _ in range(2)]
    assert answered == [1, 2]
    assert bus.texts == ["other", "一", "二"]


class Forgetful(DeliveryStore):
    """Postgres is away when the first answers are to be settled."""

    failures = 0

    @override
    async def settle(self, account: str, session: str, fingerprints: Sequence[str]) -> None:
        if not self.failures:
            self.failures += 1
            raise TransientError("database: away")
        await super().settle(account, session, fingerprints)


async def test_answers_that_could_not_be_settled_are_settled_with_the_next(
    centre: Any,
    engine: AsyncEngine,
    clock: Any,
    replica: Any,
    count: Callable[[str], Awaitable[int]],
    make_deliver_sm: Callable[..., bytes],
) -> None:
    owner = account(centre.port, enquire_link_seconds="0.05")
    deliveries = Forgetful(engine)
    mailbag = Mailbag(owner, replica.joining, deliveries, clock)
    bind = Bind(bind_options(owner), mailbag, Backoff(0.01, 0.1), lambda: "session")
    stopping = asyncio.Event()
    running = asyncio.create_task(bind.run(stopping))
    assert await (await centre.session()).deliver(make_deliver_sm(b"hi")) == 0
    await until(lambda: deliveries.failures == 1)
    stopping.set()
    await running
    assert await count("delivery") == 0


def request(command: int, body: bytes = b"", sequence: int = 3) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, 0, sequence) + body


HOSTILE = {
    "empty": b"",
    "cut short": b"\x00\x01\x01819",
    "unknown number types": b"\x00\xff\xff1\x00\xff\xff2\x00" + bytes(8) + b"\x02hi",
    "a text longer than the message": b"\x00\x01\x011\x00\x01\x012\x00" + bytes(8) + b"\xffhi",
    "half a parameter": b"\x00\x01\x011\x00\x01\x012\x00" + bytes(8) + b"\x02hi\x02\x0c\x00",
    "a header longer than its text": b"\x00\x01\x011\x00\x01\x012\x00\x40"
    + bytes(7)
    + b"\x02\xffi",
    "a receipt with a date nobody writes": b"\x00\x01\x011\x00\x01\x012\x00\x04"
    + bytes(7)
    + b"\x2did:1 done date:260115093101 stat:DELIVRD err:00A",
    "no UTF-16": b"\x00\x01\x011\x00\x01\x012\x00" + bytes(6) + b"\x08\x00\x03\xd8\x00\x30",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_no_message_ends_the_session(
    body: bytes, centre: Any, bound: StartBinds, bus: Any, make_deliver_sm: Callable[..., bytes]
) -> None:
    async with bound(account(centre.port)):
        session = await centre.session()
        assert await session.deliver(request(5, body), 1) == 0
        assert await session.deliver(make_deliver_sm(b"hi"), 2) == 0
    assert len(bus.events) == 2
    assert "hi" in bus.texts


async def test_what_is_no_request_of_ours_is_refused_and_answers_to_nothing_are_ignored(
    centre: Any, bound: StartBinds, make_deliver_sm: Callable[..., bytes]
) -> None:
    async with bound(account(centre.port)):
        session = await centre.session()
        session.write(request(0x04) + request(0x8000_0000) + request(0x8000_0015, sequence=999))
        assert (await session.answers.get()) == (0x8000_0000, 0x03, 3)
        session.write(request(0x15))
        assert (await session.answers.get()) == (0x8000_0015, 0, 3)
        assert await session.deliver(make_deliver_sm(b"hi"), 4) == 0


@pytest.mark.parametrize("length", [0, 15, 0xFFFF_FFFF])
async def test_a_stream_out_of_step_is_left_and_the_session_renewed(
    length: int, centre: Any, bound: StartBinds, make_deliver_sm: Callable[..., bytes]
) -> None:
    async with bound(account(centre.port)):
        session = await centre.session()
        session.write(struct.pack(">IIII", length, 5, 0, 1))
        session = await centre.session()
        assert await session.deliver(make_deliver_sm(b"hi"), 1) == 0


async def test_a_centre_that_falls_silent_is_left(centre: Any, bound: StartBinds) -> None:
    async with bound(account(centre.port, enquire_link_seconds="0.05")):
        session = await centre.session()
        session.answers_enquiries = False
        assert await centre.session() is not session


async def test_a_centre_that_unbinds_is_answered_and_bound_again(
    centre: Any, bound: StartBinds
) -> None:
    async with bound(account(centre.port)):
        session = await centre.session()
        session.write(request(0x06))
        assert (await session.answers.get())[0] == 0x8000_0006
        assert await centre.session() is not session


async def test_an_answer_to_bind_that_is_none_is_no_bind(bound: StartBinds) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(16)
        writer.write(request(0x15))
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server, bound(account(server.sockets[0].getsockname()[1])) as binds:
        await until(lambda: "an answer to bind that is none" in (binds.complaint() or ""))


async def test_another_implementation_of_smpp_is_understood(bound: StartBinds, bus: Any) -> None:
    port = free_port()
    server = smpp34.Server("127.0.0.1", port)
    await server.start()
    try:
        async with bound(account(port)):
            async with asyncio.timeout(20):
                esme = await server.next()
            assert isinstance(esme, smpp34.Esme)
            for number, said in ((2, "いません。"), (1, "荷物が届いて")):
                header = bytes((5, 0, 3, 9, 2, number))
                answer = await esme.deliver_sm(
                    "815012345678",
                    header + said.encode("utf-16-be"),
                    source_addr="819012345678",
                    source_addr_ton=1,
                    dest_addr_ton=1,
                    esm_class=0x40,
                    data_coding=8,
                )
                assert answer.is_success
    finally:
        await server.stop()
    assert bus.texts == ["荷物が届いていません。"]
