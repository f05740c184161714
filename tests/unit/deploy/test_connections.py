"""Customers' webhooks go over connections that are kept, and each is sent once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress

import pytest

from local_stack.ports import LOOPBACK
from pretend.connections import WebhookSender, connect
from pretend.webhooks import WebhookRequest

BODY = "配送はいつになりますか？".encode()
REQUEST = WebhookRequest("/v1/webhooks/line/main", {"x-line-signature": "c2ln"}, BODY)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LAST = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
NONE = b""

Heard = list[int]  # by request: over which connection it came, counted from 1


@asynccontextmanager
async def served(*answers: bytes) -> AsyncIterator[tuple[WebhookSender, Heard]]:
    """Yield a sender to a server that gives these answers in turn, then hangs up."""
    heard: Heard = []
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        number = connections
        with closing(writer), suppress(asyncio.IncompleteReadError):
            while len(heard) < len(answers):
                await reader.readuntil(BODY)
                heard.append(number)
                if not (answer := answers[len(heard) - 1]):
                    return
                writer.write(answer)

    async with await asyncio.start_server(talk, LOOPBACK, 0) as server:
        with closing(WebhookSender(server.sockets[0].getsockname()[1])) as sender:
            yield sender, heard


@pytest.mark.parametrize(
    ("answer", "accepted"), [(OK, True), (CHUNKED, True), (BUSY, False), (b"what?\r\n\r\n", False)]
)
async def test_a_webhook_counts_as_acknowledged_if_it_is_answered_2xx(
    answer: bytes, *, accepted: bool
) -> None:
    async with served(answer) as (sender, heard):
        assert await sender.post(REQUEST) is accepted
        assert heard == [1]


async def test_a_connection_is_kept_for_the_next_one_and_a_busy_one_is_not_waited_for() -> None:
    async with served(*[OK] * 6) as (sender, heard):
        assert all(await asyncio.gather(*(sender.post(REQUEST) for _ in range(3))))
        assert sorted(heard) == [1, 2, 3]
        assert all([await sender.post(REQUEST) for _ in range(3)])
        assert len(set(heard)) == 3


async def test_after_the_last_answer_on_a_connection_comes_a_new_one() -> None:
    async with served(LAST, OK, OK) as (sender, heard):
        assert all([await sender.post(REQUEST) for _ in range(3)])
        assert heard == [1, 2, 2]


async def test_what_was_sent_and_not_answered_has_failed_and_is_not_sent_again() -> None:
    async with served(NONE, OK) as (sender, heard):
        assert not await sender.post(REQUEST)
        assert heard == [1]
        assert await sender.post(REQUEST)


async def test_who_is_refused_a_connection_is_not_acknowledged() -> None:
    with socket.socket() as nobody:
        nobody.bind((LOOPBACK, 0))  # and nobody listens
        with closing(WebhookSender(nobody.getsockname()[1])) as sender:
            assert not await sender.post(REQUEST)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Listen beside the event loop, which hears only later of what is done here."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server


async def test_patience_ends(silent: socket.socket) -> None:
    with closing(WebhookSender(silent.getsockname()[1], patience=0.05)) as sender:
        assert not await sender.post(REQUEST)


async def test_an_answer_that_nobody_waits_for_any_more_is_not_taken_for_the_next_one(
    silent: socket.socket,
) -> None:
    with closing(await connect(silent.getsockname()[1])) as connection:
        asking = asyncio.create_task(connection.send(b"POST / HTTP/1.1\r\n\r\n"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        assert not connection.is_open


async def test_a_connection_is_not_used_once_the_server_has_hung_up(
    silent: socket.socket,
) -> None:
    with closing(await connect(silent.getsockname()[1])) as connection:
        other_end, _ = silent.accept()
        assert connection.is_open
        other_end.close()
        assert not connection.is_open
