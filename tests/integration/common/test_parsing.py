"""Large originals are read by processes that may hang or die: each is kept, marked, in bounded time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from obstore.store import MemoryStore

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.cloudevents import read
from common.core.events import Message, MessageKind
from common.edges.accounts import Accounts
from common.edges.intake import Intake
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from common.edges.parsing import INLINE_BYTES, Parsing, ParsingLimits, read_all
from common.testing.fakes import MemoryInbox, MemoryPublisher
from common.testing.parsers import parse, unread

MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ACCOUNT = ChannelAccount(tenant="acme", provider="plain", account="main")
LIMITS = ParsingLimits(seconds=0.5, workers=1)


def original(words: str, size: int = INLINE_BYTES + 1) -> Original:
    body = words.encode().ljust(size)
    return Original(provider="plain", account="main", received_at=MOMENT, body=body)


def told(drafts: tuple[Draft, ...]) -> list[tuple[MessageKind, str | None, str | None]]:
    messages = [draft.data for draft in drafts if isinstance(draft.data, Message)]
    return [(item.kind, item.text, item.attributes.get("unreadable")) for item in messages]


@pytest.fixture
async def parsing() -> AsyncIterator[Parsing]:
    """One process that is given half a second of a processor for each original."""
    made = Parsing(parse, limits=LIMITS)
    yield made
    await made.close()


async def test_a_large_original_is_read_elsewhere_as_a_small_one_is_here(parsing: Parsing) -> None:
    small, large = original("解約したい", 100), original("解約したい")
    assert await parsing.drafts(large, ACCOUNT) == await parsing.drafts(small, ACCOUNT)


@pytest.mark.parametrize(
    ("words", "reason"), [("hang", "time"), ("sleep", "time"), ("crash", "crash")]
)
async def test_what_the_parser_hangs_on_or_dies_of_is_marked_and_the_next_one_is_read(
    parsing: Parsing, words: str, reason: str
) -> None:
    bad, good = await asyncio.gather(
        parsing.drafts(original(words), ACCOUNT), parsing.drafts(original("返品"), ACCOUNT)
    )
    assert told(bad) == [(MessageKind.UNSUPPORTED, None, reason)]
    assert told(good) == [(MessageKind.MESSAGE, "返品", None)]


async def test_while_the_parser_hangs_small_originals_are_read() -> None:
    parsing = Parsing(parse, limits=ParsingLimits(seconds=60, workers=1))
    hanging = asyncio.create_task(parsing.drafts(original("hang"), ACCOUNT))
    await asyncio.sleep(0)
    assert told(await parsing.drafts(original("返品", 100), ACCOUNT))
    assert not hanging.done()
    hanging.cancel()  # as a sender does who hangs up; the process goes with it
    await asyncio.gather(hanging, return_exceptions=True)
    await parsing.close()


async def test_unread_says_what_it_can_of_an_original_and_is_held_to_the_same_limits() -> None:
    parsing = Parsing(parse, unread, LIMITS)
    told_by_unread = await parsing.drafts(original("crash"), ACCOUNT)
    set_aside = await parsing.drafts(original("crash then hang"), ACCOUNT)
    assert told(told_by_unread) == [(MessageKind.MESSAGE, "set aside for crash", None)]
    assert told(set_aside) == [(MessageKind.UNSUPPORTED, None, "crash")]
    await parsing.close()


async def test_a_fault_that_the_parser_raises_is_raised_here(parsing: Parsing) -> None:
    with pytest.raises(ValueError, match="a fault of ours"):
        await parsing.drafts(original("fail"), ACCOUNT)
    assert told(await parsing.drafts(original("返品"), ACCOUNT))


async def test_set_aside_originals_are_events_of_their_own_and_the_same_ones_again(
    parsing: Parsing,
) -> None:
    first, again = [await parsing.drafts(original("crash"), ACCOUNT) for _ in range(2)]
    other = await parsing.drafts(original("crash", INLINE_BYTES + 2), ACCOUNT)
    assert first == again
    assert first[0].provider_id != other[0].provider_id


async def test_an_acknowledged_message_that_crashed_the_parser_is_published_with_its_original(
    parsing: Parsing,
) -> None:
    publisher, objects = MemoryPublisher(), ObjectStore(MemoryStore())
    originals = Originals(objects, "ingest_plain", "one", lambda: MOMENT)
    intake = Intake(
        service="ingest_plain",
        parsing=parsing,
        accounts=Accounts([ACCOUNT]),
        publisher=publisher,
        inbox=MemoryInbox(),
        originals=originals,
        objects=objects,
        retry_seconds=0.01,
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(intake.run(stopping))
    while intake.complaint_at_start():  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0.001)
    await intake.accept(original("crash"), ACCOUNT)
    stopping.set()
    await running
    [record] = publisher.records
    message = read(record.headers, record.value).data
    assert isinstance(message, Message)
    assert message.attributes["unreadable"] == "crash"
    assert await originals.find(message.raw_ref or "") == original("crash")


def test_a_command_line_is_held_to_the_same_limits() -> None:
    drafts = read_all(Parsing(parse, limits=LIMITS), [original("hang"), original("返品")], ACCOUNT)
    assert told(tuple(drafts)) == [
        (MessageKind.UNSUPPORTED, None, "time"),
        (MessageKind.MESSAGE, "返品", None),
    ]


async def test_no_process_is_started_for_small_originals_only() -> None:
    parsing = Parsing(parse, limits=replace(LIMITS, workers=0))
    async with asyncio.timeout(10):
        assert told(await parsing.drafts(original("返品", INLINE_BYTES), ACCOUNT))
