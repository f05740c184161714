"""What we do in aiosmtpd's stead does the same."""

import asyncio
import inspect
from collections.abc import Iterable, Iterator
from unittest.mock import Mock

import pytest
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from hypothesis import example, given, strategies as some
from typing_extensions import override

from ingest_email.edges.lean_smtp import LeanSmtp, hooks


class Nobody:
    """A handler."""

    async def handle_RCPT(self) -> str:  # noqa: N802 - aiosmtpd's name for it
        return "550 nobody"


class LeanNobody(Nobody):
    """The same, showing its hooks only."""

    @override
    def __dir__(self) -> Iterable[str]:
        return hooks(type(self))


class LeanLocal(LeanSmtp, LMTP):
    """Both together, as we serve LMTP."""


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def made(kind: type[SMTP], loop: asyncio.AbstractEventLoop, handler: object = None) -> SMTP:
    return kind(handler or Nobody(), hostname="mx.example.jp", enable_SMTPUTF8=True, loop=loop)


PARTS = some.one_of(
    some.sampled_from('<>@.,;() "\\-=[]:\t'),
    some.sampled_from(["a", "B7", "tanaka", "example.jp", "田中", "é", "SIZE=10", "BODY=8BITMIME"]),
)


@given(some.lists(PARTS, max_size=12).map("".join))
@example("<hanako.suzuki@example.jp> SIZE=1024 BODY=8BITMIME")
@example("<tanaka@example.jp>")
@example("<tanaka..ichiro.@docomo.example.jp> SIZE=1")
@example("<tanaka@example.jp>SIZE=1")
@example("<tanaka@example.jp> (a comment) SIZE=1")
@example('<"田中"@example.jp>')
@example("<>")
@example("")
def test_an_address_is_read_as_aiosmtpd_reads_it(argument: str) -> None:
    loop = asyncio.new_event_loop()
    try:
        whole, lean = made(SMTP, loop), made(LeanSmtp, loop)
        assert answer(lean, argument) == answer(whole, argument)
    finally:
        loop.close()


def answer(connection: SMTP, argument: str) -> object:
    """Return what was read, or how that failed: aiosmtpd answers either."""
    try:
        return connection._getaddr(argument)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return type(error)


@pytest.mark.parametrize(("whole", "lean"), [(SMTP, LeanSmtp), (LMTP, LeanLocal)])
def test_no_hook_is_missed(
    whole: type[SMTP], lean: type[SMTP], loop: asyncio.AbstractEventLoop
) -> None:
    known, ours = made(whole, loop), made(lean, loop, LeanNobody())
    assert ours._smtp_methods.keys() == known._smtp_methods.keys()
    assert ours._auth_methods.keys() == known._auth_methods.keys()
    assert ours._handle_hooks.keys() == known._handle_hooks.keys() == {"RCPT"}
    assert len(inspect.getmembers(ours)) < len(inspect.getmembers(known)) / 2


async def test_lines_of_one_reply_leave_together() -> None:
    sent: list[bytes] = []
    connection = made(LeanSmtp, asyncio.get_running_loop())
    connection.session = Mock(peer="")
    connection._writer = Mock(write=sent.append, drain=lambda: asyncio.sleep(0))
    for line in ("250-mx.example.jp", "250-SIZE 1", "250 HELP"):
        await connection.push(line)
    await connection.push(b"354 go on")
    assert sent == [b"250-mx.example.jp\r\n250-SIZE 1\r\n250 HELP\r\n", b"354 go on\r\n"]
