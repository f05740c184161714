"""Mailboxes read from a real Dovecot with cursors in a real Postgres; only what keeps mail is pretended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from imapclient import IMAPClient
from msgspec.structs import replace
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.ingest_email.dovecot import PASSWORD, Dovecot, access_token
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.errors import TransientError
from common.core.events import Message, MessageKind
from common.edges.clock import system_clock
from common.edges.database import create_writer_engine
from common.edges.inbox import Inbox
from common.edges.ingest import MIGRATIONS as COMMON_MIGRATIONS, migrate_ingest
from common.edges.leases import LeaseOptions, Leases
from common.edges.migrations import migrate
from common.settings import IngestSettings
from ingest_email.core.folders import Cursor, parsing_what_was_fetched
from ingest_email.core.limits import MESSAGE_BYTES
from ingest_email.core.message import parse
from ingest_email.edges.imap import ImapOptions, Mailboxes, MailboxReader
from ingest_email.edges.mailbox_store import MIGRATIONS, MailboxStore

SERVICE = "ingest_email"
# Only the server's word can bring news in the time of a test.
OPTIONS = ImapOptions(idle=900, poll=900, batch=50, first_pause=0.05, longest_pause=0.2)
PATIENCE = 30.0
LEASES = LeaseOptions(term=60, beat=0.3)


def mail(number: int) -> bytes:
    return (
        f"From: taro@example.jp\r\nTo: support@acme.example\r\nMessage-ID: <{number}@example.jp>\r\n"
        f"Subject: =?UTF-8?B?5rOo5paH?= {number}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        f"{number}番の注文はいつ届きますか。\r\n"
    ).encode()


class Keeper:
    """Keeps mail in a list, or refuses it; `have` returns once there are so many."""

    def __init__(self) -> None:
        self.kept: list[Original] = []
        self.failure: Exception | None = None
        self._changed = asyncio.Condition()

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        assert original.account == account.account
        if self.failure:
            raise self.failure
        async with self._changed:
            self.kept.append(original)
            self._changed.notify_all()

    async def have(self, count: int) -> list[bytes]:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self.kept) >= count)
        return [original.body for original in self.kept]


class WatchedStore(MailboxStore):
    """The real store, which tells what it stores and can lose its database."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.away = False
        self.stored: asyncio.Queue[Cursor] = asyncio.Queue()

    @override
    async def store(self, account: str, folder: str, cursor: Cursor) -> None:
        if self.away:
            raise TransientError("database: away")
        await super().store(account, folder, cursor)
        self.stored.put_nowait(cursor)

    async def reaches(self, uid: int) -> Cursor:
        async with asyncio.timeout(PATIENCE):
            while (cursor := await self.stored.get()).last_uid < uid:
                continue
        return cursor


Reading = Callable[..., AbstractAsyncContextManager[MailboxReader]]


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[WatchedStore]:
    await asyncio.to_thread(migrate, COMMON_MIGRATIONS, database_url, SERVICE)
    await asyncio.to_thread(migrate, MIGRATIONS, database_url, SERVICE)
    engine = create_writer_engine(database_url, SERVICE, pool_size=2)
    yield WatchedStore(engine)
    await engine.dispose()


@pytest.fixture
def account(dovecot: Dovecot) -> ChannelAccount:
    return ChannelAccount(
        tenant="acme",
        provider="imap",
        account="support",
        secrets=(PASSWORD,),
        team="お客様サポート",
        options={
            "host": "127.0.0.1",
            "port": str(dovecot.port),
            "user": "support",
            "tls": "none",
        },
    )


@asynccontextmanager
async def replica(
    store: MailboxStore, *readers: MailboxReader, options: LeaseOptions = LEASES
) -> AsyncIterator[Mailboxes]:
    """Run what one process runs."""
    leases, stopping = Leases(store._engine, "replica", options), asyncio.Event()
    mailboxes, ended = Mailboxes(readers, leases), asyncio.Event()
    reading = asyncio.create_task(mailboxes.run(stopping))
    renewing = asyncio.create_task(leases.run(ended))
    try:
        yield mailboxes
    finally:
        stopping.set()
        await reading
        ended.set()
        await renewing


@pytest.fixture
def reading(account: ChannelAccount, store: WatchedStore, keeper: Keeper) -> Reading:
    @asynccontextmanager
    async def read(
        options: ImapOptions = OPTIONS, account: ChannelAccount = account
    ) -> AsyncIterator[MailboxReader]:
        reader = MailboxReader(account, options, store, keeper, system_clock)
        async with replica(store, reader):
            await until(lambda: ready(account.account) is not None)
            yield reader

    return read


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - readiness has no event; nobody but tests waits for it
            await asyncio.sleep(0.01)


def ready(account: str = "support") -> float | None:
    labels = {"provider": "imap", "account": account, "team": "お客様サポート"}
    return REGISTRY.get_sample_value("madoguchi_account_ready", labels)


async def test_what_lies_in_the_mailbox_is_taken_in_order_and_left_as_it_is(
    dovecot: Dovecot, reading: Reading, keeper: Keeper
) -> None:
    for number in range(5):
        dovecot.deliver(mail(number))
    async with reading(replace(OPTIONS, batch=2)) as reader:
        assert await keeper.have(5) == [mail(number) for number in range(5)]
        assert reader.complaint() is None
        assert ready() == 1
    assert dovecot.flags() == [""] * 5, "nobody's unread mail becomes read"
    folder, _, uid = keeper.kept[-1].headers["imap-uid"].split("\n")
    assert (folder, uid) == ("INBOX", "5")


async def test_the_server_tells_of_new_mail(
    dovecot: Dovecot, reading: Reading, keeper: Keeper
) -> None:
    async with reading():
        for number in range(3):
            dovecot.deliver(mail(number))
            assert (await keeper.have(number + 1))[-1] == mail(number)


async def test_a_server_that_tells_of_nothing_is_asked(
    dovecot: Dovecot, reading: Reading, keeper: Keeper
) -> None:
    dovecot.stop()
    dovecot.configure(capability="IMAP4rev1 SASL-IR LITERAL+")
    dovecot.start()
    async with reading(replace(OPTIONS, poll=0.05)):
        dovecot.deliver(mail(1))
        await keeper.have(1)
        dovecot.deliver(mail(2))
        assert await keeper.have(2) == [mail(1), mail(2)]


async def test_waiting_is_begun_anew_before_the_server_tires_of_it(
    dovecot: Dovecot, reading: Reading, keeper: Keeper
) -> None:
    async with reading(replace(OPTIONS, idle=0.05)):
        dovecot.deliver(mail(1))
        await keeper.have(1)
        dovecot.deliver(mail(2))
        assert await keeper.have(2) == [mail(1), mail(2)]


async def test_a_new_process_goes_on_where_the_last_one_was(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, store: WatchedStore
) -> None:
    dovecot.deliver(mail(1))
    async with reading():
        await store.reaches(1)
    async with reading():
        dovecot.deliver(mail(2))
        assert await keeper.have(2) == [mail(1), mail(2)]


async def test_a_mail_whose_cursor_was_lost_comes_again_as_the_same_event(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, store: WatchedStore, account: ChannelAccount
) -> None:
    dovecot.deliver(mail(1))
    store.away = True
    async with reading() as reader:
        await until(lambda: reader.complaint() == "database: away")
        assert ready() == 1, "the account is not to blame"
    store.away = False
    async with reading():
        await store.reaches(1)
    first, again = keeper.kept[0], keeper.kept[-1]
    assert first == again
    assert parse(first, account) == parse(again, account)


async def test_a_mail_that_nobody_keeps_is_not_remembered_as_read(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, store: WatchedStore
) -> None:
    dovecot.deliver(mail(1))
    keeper.failure = TransientError("neither kafka nor inbox")
    async with reading() as reader:
        await until(lambda: reader.complaint() == "neither kafka nor inbox")
        assert await store.load("support", "INBOX") is None
        keeper.failure = None
        assert await keeper.have(1) == [mail(1)]
        await store.reaches(1)


async def test_a_renumbered_folder_is_read_again_from_its_beginning(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, store: WatchedStore
) -> None:
    for number in (1, 2):
        dovecot.deliver(mail(number))
    async with reading():
        before = await store.reaches(2)
        dovecot.stop()
        dovecot.renumber()
        dovecot.start()
        await keeper.have(4)
        after = await store.reaches(2)
    assert after.validity != before.validity
    assert sorted(original.body for original in keeper.kept) == sorted([mail(1), mail(2)] * 2)


async def test_a_server_that_went_away_is_found_again(
    dovecot: Dovecot, reading: Reading, keeper: Keeper
) -> None:
    async with reading() as reader:
        await until(lambda: reader.complaint() is None)
        dovecot.stop()
        await until(lambda: reader.complaint() is not None)
        assert ready() == 0
        dovecot.deliver(mail(1))
        dovecot.start()
        assert await keeper.have(1) == [mail(1)]
        assert reader.complaint() is None


async def test_a_wrong_password_stops_its_own_mailbox_only(
    dovecot: Dovecot, keeper: Keeper, store: WatchedStore, account: ChannelAccount
) -> None:
    locked_out = replace(account, account="sales", secrets=("wrong", ""))
    readers = [
        MailboxReader(each, OPTIONS, store, keeper, lambda: datetime(2026, 1, 15, tzinfo=UTC))
        for each in (locked_out, account)
    ]
    async with replica(store, *readers) as mailboxes:
        dovecot.deliver(mail(1))
        assert await keeper.have(1) == [mail(1)]
        await until(lambda: "credentials" in (mailboxes.complaint() or ""))
        assert (mailboxes.complaint() or "").startswith("sales: credentials: refused")
        assert "wrong" not in (mailboxes.complaint() or "")
        assert (ready("sales"), ready("support")) == (0, 1)
        dovecot.give_password("wrong")
        await until(lambda: ready("sales") == 1)


async def test_the_older_secret_still_opens_while_passwords_are_changed(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, account: ChannelAccount
) -> None:
    dovecot.deliver(mail(1))
    async with reading(account=replace(account, secrets=("next-password", PASSWORD))):
        assert await keeper.have(1) == [mail(1)]


async def test_a_token_opens_a_mailbox_and_is_read_anew_at_each_login(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, account: ChannelAccount, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("expired")
    dovecot.deliver(mail(1))
    options = account.options | {"login": "xoauth2", "token_file": str(token)}
    async with reading(account=replace(account, options=options)) as reader:
        await until(lambda: "credentials: refused" in (reader.complaint() or ""))
        token.write_text(access_token("support"))
        assert await keeper.have(1) == [mail(1)]


@pytest.mark.parametrize("protection", ["tls", "starttls"])
async def test_the_way_is_protected_and_the_server_has_to_be_known(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, account: ChannelAccount, protection: str
) -> None:
    port = dovecot.tls_port if protection == "tls" else dovecot.port
    options = {"host": "localhost", "port": str(port), "user": "support", "tls": protection}
    async with reading(account=replace(account, options=options)) as reader:
        await until(lambda: "certificate verify failed" in (reader.complaint() or ""))
    trusting = options | {"ca_file": str(dovecot.certificate)}
    async with reading(account=replace(account, options=trusting)):
        dovecot.deliver(mail(1))
        await keeper.have(1)
        dovecot.deliver(mail(2))
        assert await keeper.have(2) == [mail(1), mail(2)]


async def test_options_that_cannot_be_used_are_told(
    reading: Reading, account: ChannelAccount
) -> None:
    async with reading(account=replace(account, options={"host": "mail.example.jp"})) as reader:
        await until(lambda: (reader.complaint() or "").startswith("options: "))


async def test_mail_from_before_a_day_is_left_alone(
    dovecot: Dovecot, reading: Reading, account: ChannelAccount, keeper: Keeper
) -> None:
    dovecot.deliver(mail(1))
    options = account.options | {"since": "2999-01-01"}
    async with reading(account=replace(account, options=options)) as reader:
        await until(lambda: reader.complaint() is None)
    assert keeper.kept == []


async def test_a_mail_that_is_too_large_stays_in_its_folder_and_is_told(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, account: ChannelAccount
) -> None:
    dovecot.deliver(mail(1) + b"x" * 98 + b"\r\n" + (b"y" * 98 + b"\r\n") * (MESSAGE_BYTES // 100))
    dovecot.deliver(mail(2))
    async with reading():
        await keeper.have(2)
    large, small = keeper.kept
    assert len(large.body) < 1_000
    assert small.body == mail(2)
    (draft,) = parsing_what_was_fetched(parse)(large, account)
    assert isinstance(draft.data, Message)
    assert draft.data.kind is MessageKind.UNSUPPORTED
    assert draft.data.subject == "注文 1"
    assert draft.data.attributes["unreadable"] == "size"


async def test_a_mailbox_that_waits_ends_when_told(reading: Reading) -> None:
    async with asyncio.timeout(PATIENCE), reading() as reader:
        await until(lambda: reader.complaint() is None)


async def test_the_table_is_made_beside_those_that_all_ingest_services_have(
    database_url: str,
) -> None:
    settings = IngestSettings(database=database_url)
    for _ in range(2):
        await asyncio.to_thread(migrate_ingest, SERVICE, settings)
        await asyncio.to_thread(migrate, MIGRATIONS, database_url, SERVICE)
    engine = create_writer_engine(database_url, SERVICE, pool_size=1)
    assert await MailboxStore(engine).load("support", "INBOX") is None
    assert await Inbox(engine).rows() == 0
    await engine.dispose()


async def test_of_two_replicas_one_reads_and_speaks_and_the_other_goes_on_after_it(
    dovecot: Dovecot, keeper: Keeper, store: WatchedStore, account: ChannelAccount
) -> None:
    other = Keeper()
    first, second = (
        MailboxReader(account, OPTIONS, store, keeping, system_clock) for keeping in (keeper, other)
    )
    dovecot.deliver(mail(1))
    async with replica(store, first):
        assert await keeper.have(1) == [mail(1)]
        await store.reaches(1)
        waiting = replica(store, second)
        mailboxes = await waiting.__aenter__()
        dovecot.deliver(mail(2))
        assert await keeper.have(2) == [mail(1), mail(2)]
        await store.reaches(2)
        dovecot.give_password("changed")
        dovecot.stop()
        await until(lambda: first.complaint() is not None)
        assert mailboxes.complaint() is None
        dovecot.give_password(PASSWORD)
        dovecot.start()
    dovecot.deliver(mail(3))
    assert await other.have(1) == [mail(3)]
    assert (first.complaint(), ready()) == (None, 1)
    await waiting.__aexit__(None, None, None)
    assert ready() is None, "nobody here reads it any more"


async def test_a_mailbox_that_is_missing_or_renamed_is_told_and_read_once_it_is_there(
    dovecot: Dovecot, reading: Reading, keeper: Keeper, account: ChannelAccount
) -> None:
    options = account.options | {"folder": "問い合わせ"}
    people = IMAPClient("127.0.0.1", dovecot.port, ssl=False)
    people.sasl_login("PLAIN", lambda _: f"\0support\0{PASSWORD}".encode())
    people.create_folder("未整理")
    async with reading(account=replace(account, options=options)) as reader:
        await until(lambda: "select failed" in (reader.complaint() or ""))
        assert ready() == 0
        people.rename_folder("未整理", "問い合わせ")
        people.append("問い合わせ", mail(1))
        assert await keeper.have(1) == [mail(1)]
        assert reader.complaint() is None
        people.rename_folder("問い合わせ", "済み")
        await until(lambda: reader.complaint() is not None)
    people.logout()


async def test_every_secret_is_tried_though_the_server_hangs_up_on_refusals(
    reading: Reading, account: ChannelAccount
) -> None:
    tried: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while line := await reader.readline():
            tag, command, *rest = line.split(maxsplit=2)
            if command == b"LOGIN":
                tried.extend(rest)
                writer.write(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
                break
            writer.write(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    options = account.options | {"port": str(server.sockets[0].getsockname()[1])}
    async with reading(account=replace(account, options=options, secrets=("new", "old"))) as reader:
        await until(lambda: "credentials: refused" in (reader.complaint() or ""))
    server.close()
    assert tried[:2] == [b'support "new"\r\n', b'support "old"\r\n']
