"""What could not be handled is found, read, published again once, or put aside by somebody with a reason."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.adapters import Original
from common.core.cloudevents import Attributes, Record, record
from common.core.dead_letters import orphan
from common.core.errors import PoisonError
from common.core.events import Activity
from common.core.ids import event_id
from common.core.topics import ACTIVITIES, DEAD_LETTER
from common.edges.batches import Received
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.inbox import Inbox
from common.edges.kafka import KafkaAccess
from common.edges.outbox import OutboxRelay
from common.edges.publisher import Publisher

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
CONTACT = "tel:+819012345678"
WRITTEN = "山田様より、返品のご相談"


def call(summary: str) -> Record:
    data = Activity(kind="call", contact=CONTACT, occurred_at=MOMENT, summary=summary)
    attributes = Attributes(
        id=event_id("test", "main", summary),
        source="/test",
        type="io.madoguchi.activity.recorded",
        subject=CONTACT,
        time=MOMENT,
        tenant="acme",
    )
    return record(ACTIVITIES.name, attributes, data)


@pytest.fixture
async def bus(make_topic: Any) -> None:
    await make_topic(ACTIVITIES.name)
    await make_topic(DEAD_LETTER.name, partitions=3)


@pytest.fixture
async def refused(
    bus: None,
    kafka_server: str,
    topic_prefix: str,
    engine: AsyncEngine,
    publisher: Publisher,
    running: Any,
    eventually: Any,
    read_topic: Any,
) -> None:
    """Two groups have refused one call: two dead letters."""
    del bus

    async def refuse(connection: AsyncConnection, batch: Sequence[Received]) -> None:
        del connection, batch
        raise PoisonError("bad-data", f"Invalid enum value '{WRITTEN}' - at `$.summary`")

    await publisher.publish([call(WRITTEN)])
    for number, group in enumerate(("router", "timeline"), start=1):
        options = ConsumerOptions(
            kafka=KafkaAccess(kafka_server),
            group=group,
            topics=(ACTIVITIES.name,),
            prefix=topic_prefix,
        )
        relay = OutboxRelay(engine, publisher)
        async with (
            running(Consumer(options, engine, refuse, after_commit=relay.wake)),
            running(relay),
        ):

            async def letters() -> int:
                return len(await read_topic(topic_prefix + DEAD_LETTER.name))

            await eventually(letters, number)


@pytest.mark.usefixtures("refused")
async def test_open_letters_are_listed_with_who_refused_what_and_why(
    ops: Any, ops_json: Any, topic_prefix: str
) -> None:
    listed = await ops_json("dead-letters", "list")
    assert [one["refused_by"].removeprefix(topic_prefix) for one in listed] == [
        "router",
        "timeline",
    ]
    assert {(one["topic"], one["offset"], one["reason"]) for one in listed} == {
        (ACTIVITIES.name, 0, "bad-data")
    }
    shown = await ops("dead-letters", "list")
    assert "bad-data" in shown.stdout
    assert await ops_json("dead-letters", "list", "--topic", "messages.v1") == []
    assert await ops_json("dead-letters", "list", "--since", "2200-01-01") == []
    assert len(await ops_json("dead-letters", "list", "--since", "2026-01-01")) == 2


@pytest.mark.usefixtures("refused")
async def test_a_letter_is_shown_without_the_person_unless_that_is_asked_for(
    ops: Any, ops_json: Any
) -> None:
    [letter, _] = await ops_json("dead-letters", "list")
    veiled = await ops("dead-letters", "show", letter["name"])
    assert WRITTEN not in veiled.stdout
    assert "9012345678" not in veiled.stdout
    assert "io.madoguchi.activity.recorded, id " in veiled.stdout, "today's code would read it"
    whole = await ops_json("dead-letters", "show", letter["name"], "--personal")
    assert whole["content"]["value"]["summary"] == WRITTEN
    assert whole["headers"]["ce_subject"] == CONTACT
    assert (await ops("dead-letters", "show", "9-9")).exit_code == 2


@pytest.mark.usefixtures("refused")
async def test_a_record_is_published_again_once_for_all_who_refused_it(
    ops: Any, ops_json: Any, read_topic: Any, topic_prefix: str
) -> None:
    [letter, sibling] = await ops_json("dead-letters", "list")
    wish = ("dead-letters", "replay", letter["name"])
    dry = await ops(*wish, "--dry-run")
    assert "would publish 1 records again" in dry.stderr
    asked = await ops(*wish)
    assert asked.exit_code == 1, "who does not say yes changes nothing"
    done = await ops_json(*wish, "--by", "tanaka", "--why", "規則を直した")
    assert done["done"].keys() == {letter["name"], sibling["name"]}
    [first, again] = await read_topic(topic_prefix + ACTIVITIES.name)
    assert (again.key, again.value) == (first.key, first.value)
    assert again.headers[: len(first.headers)] == first.headers
    added = dict(again.headers[len(first.headers) :])
    assert added["replayed_from"] == f"dead-letter.v1/{letter['name']}".encode()
    assert added["replayed_by"] == b"tanaka"
    assert await ops_json("dead-letters", "list") == []
    twice = await ops(*wish, "--yes")
    assert twice.exit_code == 2
    assert "was replayed by tanaka" in twice.stderr
    assert len(await read_topic(topic_prefix + ACTIVITIES.name)) == 2


@pytest.mark.usefixtures("refused")
async def test_whoever_drops_letters_says_who_and_why_and_they_stay_on_the_bus(
    ops: Any, ops_json: Any
) -> None:
    wish = ("dead-letters", "drop", "--reason", "bad-data")
    assert (await ops(*wish, "--yes")).exit_code == 2, "without a reason nothing is dropped"
    done = await ops_json(*wish, "--why", "試験の送信", "--by", "sato")
    assert set(done["done"].values()) == {"dropped"}
    assert (await ops("dead-letters", "list")).stdout == "no dead letters\n"
    every = await ops_json("dead-letters", "list", "--all")
    assert [(one["mark"]["by"], one["mark"]["why"]) for one in every] == [
        ("sato", "試験の送信")
    ] * 2
    assert (await ops("dead-letters", "drop", "--why", "x", "--yes")).exit_code == 2, "which?"


@pytest.mark.usefixtures("bus")
async def test_the_request_of_a_removed_account_goes_back_to_its_services_inbox(
    ops: Any, ops_json: Any, publisher: Publisher, engine: AsyncEngine
) -> None:
    request = Original(provider="line", account="main", received_at=MOMENT, body=WRITTEN.encode())
    spoilt = msgspec.structs.replace(orphan(request, "work"), value=b"\xc1")
    await publisher.publish([orphan(request, "work"), spoilt])
    [letter, broken] = await ops_json("dead-letters", "list")
    shown = await ops("dead-letters", "show", letter["name"])
    assert "a request that never became an event" in shown.stdout
    assert WRITTEN not in shown.stdout
    done = await ops_json("dead-letters", "replay", "--reason", "no-account", status=1)
    assert done["done"] == {letter["name"]: "published again on inbox of work"}
    assert done["refused"].keys() == {broken["name"]}
    async with Inbox(engine).next_batch(10) as kept:
        assert list(kept) == [request]


async def test_a_bus_without_the_topic_says_so(ops: Any) -> None:
    result = await ops("dead-letters", "list")
    assert result.exit_code == 3
    assert "there is no topic" in result.stderr
