"""Parts of long messages on a real database: any order, restarts, replicas, outages."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.errors import TransientError
from common.edges.accounts import Accounts
from common.edges.clock import system_clock
from common.edges.database import create_writer_engine
from common.testing.locks import until_somebody_waits
from ingest_sms.core.registry import JOINERS
from ingest_sms.edges.joining import Joining, Patience
from ingest_sms.edges.parts import PartStore
from local_stack.ports import free_port

SMPP = ChannelAccount(tenant="acme", provider="smpp", account="main", team="電話窓口")
VONAGE = ChannelAccount(tenant="acme", provider="vonage-sms", account="main", team="電話窓口")
DAY = timedelta(hours=24)
WORDS = {1: "荷物がまだ", 2: "届いて", 3: "いません。"}


def vonage(number: int, said: str, reference: str = "7") -> Original:
    fields = {
        "msisdn": "819012345678",
        "to": "815012345678",
        "messageId": f"0B{reference}{number}",
        "text": said,
        "type": "unicode",
        "concat": "true",
        "concat-ref": reference,
        "concat-total": "3",
        "concat-part": str(number),
    }
    return Original(
        provider="vonage-sms",
        account="main",
        received_at=system_clock(),
        body=urlencode(fields).encode(),
    )


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
async def test_parts_in_any_order_over_restarts_are_one_message(
    order: tuple[int, ...],
    start_replica: Callable[[], Awaitable[Any]],
    bus: Any,
    smpp_part: Callable[..., Original],
) -> None:
    for number in order:
        replica = await start_replica()
        await replica.joining.accept(smpp_part(number, WORDS[number]), SMPP)
        await replica.joining.accept(smpp_part(number, WORDS[number]), SMPP)  # once more
    assert bus.texts == ["荷物がまだ届いていません。"]
    (event,) = bus.events.values()
    assert event["attributes"] == {"parts": "3"}


async def test_vonages_parts_are_one_message_named_by_the_part_that_came_first(
    replica: Any, bus: Any
) -> None:
    for number in (2, 3, 1):
        await replica.joining.accept(vonage(number, WORDS[number]), VONAGE)
    (event,) = bus.events.values()
    assert (event["text"], event["message_id"]) == ("荷物がまだ届いていません。", "0B72")
    assert event["attributes"] == {"parts": "3", "parts_reference": "7"}


async def test_a_part_that_comes_after_its_message_went_on_changes_nothing(
    replica: Any, bus: Any, clock: Any, smpp_part: Callable[..., Original]
) -> None:
    for number in (1, 2, 3, 2):
        await replica.joining.accept(smpp_part(number, WORDS[number]), SMPP)
    clock.pass_by(DAY)
    await replica.joining.sweep()
    assert len(bus.records) == 1


async def test_a_reference_that_came_round_again_begins_another_message(
    replica: Any, bus: Any, smpp_part: Callable[..., Original]
) -> None:
    for words in (WORDS, {1: "ありがとう", 2: "ござい", 3: "ます"}):
        for number, said in words.items():
            await replica.joining.accept(smpp_part(number, said), SMPP)
    assert bus.texts == ["荷物がまだ届いていません。", "ありがとうございます"]


async def test_what_stays_incomplete_goes_on_flagged_after_its_time_and_once_of_two_replicas(
    start_replica: Callable[[], Awaitable[Any]],
    bus: Any,
    clock: Any,
    smpp_part: Callable[..., Original],
) -> None:
    first, second = await start_replica(), await start_replica()
    await first.joining.accept(smpp_part(1, WORDS[1], at=clock()), SMPP)
    await second.joining.accept(smpp_part(3, WORDS[3], at=clock()), SMPP)
    clock.pass_by(DAY - timedelta(seconds=1))
    await first.joining.sweep()
    assert bus.records == []
    clock.pass_by(timedelta(seconds=1))
    await asyncio.gather(first.joining.sweep(), second.joining.sweep())
    assert len(bus.records) == 1
    assert bus.texts == ["荷物がまだ […] いません。"]
    (event,) = bus.events.values()
    assert event["attributes"] == {"parts": "3", "missing_parts": "2"}


async def test_two_replicas_that_get_the_last_parts_together_publish_one_message(
    start_replica: Callable[[], Awaitable[Any]], bus: Any, smpp_part: Callable[..., Original]
) -> None:
    replicas = [await start_replica() for _ in WORDS]
    await asyncio.gather(
        *(
            replica.joining.accept(smpp_part(number, said), SMPP)
            for replica, (number, said) in zip(replicas, WORDS.items(), strict=True)
        )
    )
    assert len(bus.records) == 1
    assert bus.texts == ["荷物がまだ届いていません。"]


async def test_a_part_that_comes_while_its_message_goes_on_without_it_is_not_lost(
    replica: Any,
    engine: AsyncEngine,
    bus: Any,
    clock: Any,
    smpp_part: Callable[..., Original],
) -> None:
    await replica.joining.accept(smpp_part(1, WORDS[1], total=2, at=clock()), SMPP)
    store = PartStore(engine)
    (message,) = await store.due(clock(), 1)
    async with store.joining(message, clock()) as originals:
        assert len(originals) == 1
        late = smpp_part(2, WORDS[2], total=2, at=clock())
        coming = asyncio.create_task(replica.joining.accept(late, SMPP))
        await until_somebody_waits(engine)
    await coming
    clock.pass_by(DAY)
    await replica.joining.sweep()
    assert bus.texts == ["届いて"]


async def test_an_interrupted_join_is_repeated_as_the_same_event(
    start_replica: Callable[[], Awaitable[Any]], bus: Any, smpp_part: Callable[..., Original]
) -> None:
    """Published, and then killed before the commit: the sweep of the next life publishes it again."""
    replica = await start_replica()
    for number in (1, 2):
        await replica.joining.accept(smpp_part(number, WORDS[number]), SMPP)

    bus.kills = True
    with pytest.raises(Exception, match=r"^$"):
        await replica.joining.accept(smpp_part(3, WORDS[3]), SMPP)
    bus.kills = False
    await (await start_replica()).joining.sweep()
    assert len(bus.records) == 2
    assert len(bus.events) == 1


async def test_while_kafka_is_away_the_joined_message_waits_in_the_inbox_in_its_turn(
    replica: Any,
    bus: Any,
    count: Callable[[str], Awaitable[int]],
    smpp_part: Callable[..., Original],
) -> None:
    bus.away = True
    for number, said in WORDS.items():
        await replica.joining.accept(smpp_part(number, said), SMPP)
    await replica.joining.accept(smpp_part(1, "それと", total=1), SMPP)
    assert await count("inbox") == 2
    bus.away = False
    await replica.drained()
    assert bus.texts == ["荷物がまだ届いていません。", "それと"]


async def test_a_message_of_an_account_that_was_removed_becomes_a_dead_letter(
    replica: Any, bus: Any
) -> None:
    gone = ChannelAccount(tenant="acme", provider="vonage-sms", account="gone")
    for number, said in WORDS.items():
        await replica.joining.accept(
            Original(
                provider="vonage-sms",
                account="gone",
                received_at=system_clock(),
                body=vonage(number, said).body,
            ),
            gone,
        )
    await replica.drained()
    assert [record.topic for record in bus.records] == ["dead-letter.v1"]


@pytest.fixture
async def nowhere() -> AsyncIterator[AsyncEngine]:
    """A database that does not answer."""
    engine = create_writer_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/none", "none")
    yield engine
    await engine.dispose()


async def test_without_a_database_no_part_is_acknowledged_and_whole_messages_go_on(
    replica: Any, nowhere: AsyncEngine, bus: Any, clock: Any, smpp_part: Callable[..., Original]
) -> None:
    joining = Joining(
        joiners=JOINERS,
        store=PartStore(nowhere),
        intake=replica.intake,
        inbox=replica.inbox,
        accounts=Accounts([]),
        clock=clock,
        patience=Patience(1, 1),
    )
    await joining.accept(smpp_part(1, "はい", total=1), SMPP)
    with pytest.raises(TransientError):
        await joining.accept(smpp_part(1, WORDS[1]), SMPP)
    assert bus.texts == ["はい"]


class Stumbling(PartStore):
    """Postgres is away at the first look; afterwards nothing is due, and the service stops."""

    looks = 0

    def __init__(self, engine: AsyncEngine, stopping: asyncio.Event) -> None:
        super().__init__(engine)
        self._stopping = stopping

    @override
    async def due(self, begun_by: datetime, most: int) -> Sequence[int]:
        self.looks += 1
        if self.looks == 1:
            raise TransientError("database: away")
        self._stopping.set()
        return await super().due(begun_by, most)


async def test_the_sweep_goes_on_after_an_outage(
    replica: Any, engine: AsyncEngine, clock: Any
) -> None:
    stopping = asyncio.Event()
    store = Stumbling(engine, stopping)
    joining = Joining(
        joiners=JOINERS,
        store=store,
        intake=replica.intake,
        inbox=replica.inbox,
        accounts=Accounts([]),
        clock=clock,
        patience=Patience(1, 0.01),
    )
    await joining.run(stopping)
    assert store.looks == 2
