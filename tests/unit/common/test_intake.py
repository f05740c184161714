"""What was acknowledged is published once Kafka is there, in the order of the acknowledgements."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from common.core.cloudevents import read
from common.core.errors import PoisonError, TransientError
from common.core.events import AttachmentState, Message


async def test_a_message_is_published_with_its_original_and_its_files(desk: Any) -> None:
    await desk.drain()
    await desk.intake.accept(desk.original("返品したい"), desk.account)
    [record] = desk.publisher.records
    event = read(record.headers, record.value)
    assert isinstance(event.data, Message)
    assert event.attributes.tenant == "acme"
    assert event.data.team == "お客様相談室"
    assert event.data.attachments[0].state is AttachmentState.STORED
    assert await desk.objects.get(event.data.attachments[0].location or "") == b"\x89PNG"
    assert event.data.attachments[1].state is AttachmentState.REMOTE
    assert await desk.originals.find(event.data.raw_ref or "") == desk.original("返品したい")


async def test_a_stop_is_published_right_behind_the_message_that_said_it(desk: Any) -> None:
    await desk.drain()
    await desk.intake.accept(desk.original("配信停止"), desk.account)
    topics = [record.topic for record in desk.publisher.records]
    assert topics == ["messages.v1", "consent.v1"]


async def test_nothing_overtakes_what_an_earlier_life_left_in_the_inbox(desk: Any) -> None:
    desk.inbox.originals.append(desk.original("first"))
    assert desk.intake.complaint_at_start() is not None
    await desk.intake.accept(desk.original("second"), desk.account)
    assert desk.texts() == []
    await desk.drain()
    assert desk.texts() == ["first", "second"]
    assert desk.intake.complaint_at_start() is None
    assert desk.intake.complaint() is None


async def test_while_kafka_is_away_the_inbox_takes_messages(desk: Any) -> None:
    await desk.drain()
    desk.publisher.away = True
    await desk.intake.accept(desk.original("a"), desk.account)
    assert desk.intake.complaint() is not None
    desk.publisher.away = False
    await desk.intake.accept(desk.original("b"), desk.account)
    assert desk.texts() == []
    await desk.drain()
    await desk.intake.accept(desk.original("c"), desk.account)
    assert desk.texts() == ["a", "b", "c"]


async def test_when_both_are_away_nothing_is_acknowledged(desk: Any) -> None:
    await desk.drain()
    desk.publisher.away = desk.inbox.away = True
    with pytest.raises(TransientError):
        await desk.intake.accept(desk.original("a"), desk.account)
    assert desk.texts() == []


async def test_a_drain_that_fails_keeps_what_it_could_not_publish(desk: Any) -> None:
    desk.publisher.away = True
    await desk.intake.accept(desk.original("a"), desk.account)
    with pytest.raises(TransientError):
        await desk.drain()
    assert len(desk.inbox.originals) == 1


async def test_what_waited_together_is_kept_together_and_published_in_its_order(desk: Any) -> None:
    texts = [f"{number} 通目" for number in range(50)]
    desk.inbox.originals += [desk.original(text) for text in texts]
    await desk.drain()
    assert desk.texts() == texts
    events = [read(record.headers, record.value) for record in desk.publisher.records]
    segments = {event.data.raw_ref.partition("#")[0] for event in events}
    assert len(segments) == 1


async def test_an_original_is_kept_once_however_often_its_publishing_fails(desk: Any) -> None:
    await desk.drain()
    desk.publisher.away = True
    await desk.intake.accept(desk.original("1 通目"), desk.account)  # kept, then sent to the inbox
    await desk.intake.accept(desk.original("2 通目"), desk.account)
    for _ in range(5):
        with pytest.raises(TransientError):
            await desk.drain()
    desk.publisher.away = False
    await desk.drain()
    kept = [original async for _, original in desk.originals.since()]
    assert kept == [desk.original("1 通目"), desk.original("2 通目")]
    events = [read(record.headers, record.value) for record in desk.publisher.records]
    assert [await desk.originals.find(event.data.raw_ref) for event in events] == kept


async def test_an_original_that_is_sent_again_after_it_was_published_is_kept_again(
    desk: Any,
) -> None:
    desk.inbox.originals.append(desk.original("返品"))
    await desk.drain()
    desk.inbox.originals.append(desk.original("返品"))
    await desk.drain()
    assert len([original async for _, original in desk.originals.since()]) == 2


async def test_an_account_that_was_removed_meanwhile_does_not_block_the_others(desk: Any) -> None:
    desk.inbox.originals += [desk.original("x", "gone"), desk.original("a")]
    await desk.drain()
    assert [record.topic for record in desk.publisher.records] == ["dead-letter.v1", "messages.v1"]


async def test_a_request_without_events_is_acknowledged_and_leaves_nothing(desk: Any) -> None:
    await desk.drain()
    await desk.intake.accept(desk.original(""), desk.account)
    assert desk.publisher.records == []


async def test_the_drain_runs_until_told_to_stop(desk: Any) -> None:
    stopping = asyncio.Event()
    desk.inbox.away = True
    running = asyncio.create_task(desk.intake.run(stopping))
    await asyncio.sleep(0)
    desk.inbox.away = False
    desk.inbox.originals.append(desk.original("a"))
    while desk.texts() != ["a"]:  # noqa: ASYNC110 - the fake has no event to wait for
        await asyncio.sleep(0.001)
    stopping.set()
    await running


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.sampled_from(["message", "kafka away", "kafka back", "drain"]), max_size=30)
)
async def test_any_history_of_outages_keeps_order_and_loses_nothing(
    desk: Any, steps: list[str]
) -> None:
    desk = type(desk)()  # a fresh one for every example
    sent: list[str] = []
    for step in steps:
        if step == "message":
            sent.append(f"message {len(sent)}")
            await desk.intake.accept(desk.original(sent[-1]), desk.account)
        elif step == "drain" and not desk.publisher.away:
            await desk.drain()
        else:
            desk.publisher.away = step == "kafka away"
    desk.publisher.away = False
    await desk.drain()
    assert desk.texts() == sent


async def test_originals_that_arrive_together_share_a_segment_and_are_found_again(
    desk: Any,
) -> None:
    texts = [f"本文{n}" for n in range(50)]
    originals = [desk.original(text) for text in texts]
    references = await asyncio.gather(*(desk.originals.keep(item) for item in originals))
    assert len({reference.partition("#")[0] for reference in references}) < len(texts)
    assert [await desk.originals.find(reference) for reference in references] == originals
    assert dict([item async for item in desk.originals.since("2026/01")]) == dict(
        zip(references, originals, strict=True)
    )
    assert msgspec.msgpack.encode(originals[0])


async def test_an_original_is_not_kept_when_the_store_is_away(desk: Any) -> None:
    class Away:
        async def put(self, key: str, content: bytes) -> None:
            raise TransientError(f"objects: {key} {len(content)}")

    desk.originals._objects = Away()
    with pytest.raises(TransientError):
        await desk.originals.keep(desk.original("a"))


async def test_an_unknown_reference_is_a_key_error(desk: Any) -> None:
    with pytest.raises(KeyError):
        await desk.originals.find("originals/none#4+10")
    with pytest.raises(KeyError):
        await desk.objects.get("none")


async def test_a_damaged_segment_is_said_to_be_damaged(desk: Any) -> None:
    key = "originals/ingest_plain/2026/01/15/093005.000000-one-1"
    await desk.objects.put(key, b"\0\0\0\x02\x91\0")
    with pytest.raises(PoisonError, match="bad-original"):
        _ = [found async for found in desk.originals.since()]
    with pytest.raises(PoisonError, match="bad-original"):
        await desk.originals.find(f"{key}#4+2")
