"""What was kept is published again as the same events, read by whatever parser we have by then."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from obstore.store import MemoryStore

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.cloudevents import Event, read
from common.core.events import (
    Channel,
    Conversation,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.topics import MESSAGES
from common.edges.accounts import Accounts
from common.edges.intake import Intake
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from common.edges.parsing import Parsing
from common.edges.publisher import Publisher
from common.edges.replay import Progress, Replay
from common.testing.fakes import MemoryInbox

ACCOUNT = ChannelAccount(tenant="acme", provider="plain", account="main", team="窓口")


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Read a request as the parser did before it was mended."""
    name = f"m-{original.received_at.isoformat()}"
    message = Message(
        message_id=name,
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.APP,
        provider="plain",
        account=account.account,
        sender=Party("app:main:1"),
        conversation=Conversation("c"),
        received_at=original.received_at,
        text=original.body.decode("ascii", "replace"),
    )
    draft = Draft(provider_id=name, contact="app:main:1", time=original.received_at, data=message)
    return (draft,)


def mended(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    [draft] = parse(original, account)
    return (replace(draft, data=replace(draft.data, text=original.body.decode("cp932"))),)


class Works:
    """One ingest service's intake and replay, by a parser of one's choice, over the same objects."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.objects = ObjectStore(MemoryStore())
        self.day = 20
        self.accounts = Accounts([ACCOUNT])

    def now(self) -> datetime:
        return datetime(2026, 11, self.day, 9, 30, tzinfo=UTC)

    def originals(self) -> Originals:
        return Originals(self.objects, "ingest_plain", "one", self.now)

    def intake(self, parser: Callable[..., tuple[Draft, ...]]) -> Intake:
        return Intake(
            service="ingest_plain",
            parsing=Parsing(parser),
            accounts=self.accounts,
            publisher=self.publisher,
            inbox=MemoryInbox(),
            originals=self.originals(),
            objects=self.objects,
            retry_seconds=0.01,
        )

    def replay(self) -> Replay:
        return Replay(self.originals(), self.accounts, self.intake(mended), self.publisher, 0.01)


@pytest.fixture
async def works(publisher: Publisher, make_topic: Any) -> Works:
    """An intake whose parser spoils Japanese has taken a message a day, of the 20th to the 22nd."""
    await make_topic(MESSAGES.name)
    works = Works(publisher)
    for day in (20, 21, 22):
        works.day = day
        intake = works.intake(parse)
        await intake._drain()
        await intake.accept(
            Original(
                provider="plain",
                account="main",
                received_at=works.now(),
                body=f"{day}日の予約".encode("cp932"),
            ),
            ACCOUNT,
        )
    return works


async def published(read_topic: Callable[..., Any], topic_prefix: str) -> list[Event]:
    records = await read_topic(f"{topic_prefix}{MESSAGES.name}")
    return [read(record.headers, record.value) for record in records]


def texts(events: list[Event]) -> list[str | None]:
    return [event.data.text for event in events if isinstance(event.data, Message)]


def raw_refs(events: list[Event]) -> list[str | None]:
    return [event.data.raw_ref for event in events if isinstance(event.data, Message)]


async def test_after_a_parser_was_mended_a_replay_publishes_the_same_events_read_well(
    works: Works, read_topic: Callable[..., Any], topic_prefix: str
) -> None:
    before = await published(read_topic, topic_prefix)
    told: list[Progress] = []
    done = await works.replay().run("", told.append, dry_run=False)
    after = (await published(read_topic, topic_prefix))[len(before) :]
    assert [event.attributes for event in after] == [event.attributes for event in before]
    assert raw_refs(after) == raw_refs(before)
    assert texts(after) == ["20日の予約", "21日の予約", "22日の予約"]
    assert texts(before) != texts(after)
    assert (done.originals, done.events, done.orphans) == (3, 3, 0)
    assert [progress.originals for progress in told] == [1, 2, 3]


@pytest.mark.parametrize(
    ("since", "days"), [("2026/11/21", [21, 22]), ("2026/11", [20, 21, 22]), ("2027", [])]
)
async def test_a_replay_begins_on_the_day_that_it_is_told(
    works: Works, read_topic: Callable[..., Any], topic_prefix: str, since: str, days: list[int]
) -> None:
    await works.replay().run(since, lambda _: None, dry_run=False)
    after = (await published(read_topic, topic_prefix))[3:]
    assert texts(after) == [f"{day}日の予約" for day in days]


async def test_a_dry_run_counts_and_publishes_nothing(
    works: Works, read_topic: Callable[..., Any], topic_prefix: str
) -> None:
    keys = await works.objects.keys("")
    done = await works.replay().run("", lambda _: None, dry_run=True)
    assert (done.originals, done.events) == (3, 3)
    assert len(await published(read_topic, topic_prefix)) == 3
    assert await works.objects.keys("") == keys


async def test_what_came_to_an_account_that_was_removed_is_counted_and_left(
    works: Works, read_topic: Callable[..., Any], topic_prefix: str
) -> None:
    works.accounts = Accounts([])
    done = await works.replay().run("", lambda _: None, dry_run=False)
    assert (done.originals, done.events, done.orphans) == (3, 0, 3)
    assert len(await published(read_topic, topic_prefix)) == 3
