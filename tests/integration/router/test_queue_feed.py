"""The live stream of a queue, from the bus to a wallboard over real connections."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc.jwk import KeySet
from msgspec import Struct
from tests.integration.router.conftest import ISSUER, KEY, RULES, TARO, TUESDAY

from common.core.cloudevents import Attributes, event_type, record
from common.core.events import Channel
from common.core.ids import derived_id
from common.core.topics import ROUTING
from common.core.work import CaseRequeued, OfferDeclined, OfferMade, SlaAtRisk, Target
from common.edges.consuming import ConsumingService
from common.edges.kafka import KafkaAccess
from common.edges.publisher import Publisher
from common.testing.working import streaming
from local_stack.shared_servers import TopicMaker
from router.edges.queue_feed import QueuesHub
from router.settings import Settings
from router.wiring import build

PATIENCE = 30
CASE = UUID(int=77)


class Events:
    """Server-sent events as they come: (name, data). `last` is the last id that was given."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.last = ""

    async def next(self, *, depths: bool = False) -> tuple[str, dict[str, Any]]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                    continue
                self.last = fields.get("id", self.last)
                if "data" in fields and (depths or fields["event"] != "depth"):
                    return fields["event"], json.loads(fields["data"])
                fields = {}
        raise AssertionError("the stream ended")

    async def names(self, count: int) -> list[str]:
        return [(await self.next())[0] for _ in range(count)]


@pytest.fixture
async def publisher(
    kafka_server: str, topic_prefix: str, make_topic: TopicMaker
) -> AsyncIterator[Publisher]:
    await make_topic(ROUTING.name, 2)
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
    yield publisher
    await publisher.stop()


@pytest.fixture
def service(
    router_url: str, tmp_path: Path, kafka_server: str, topic_prefix: str
) -> ConsumingService:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    settings = Settings(
        database=router_url,
        jwks=str(keys),
        issuer=ISSUER,
        rules=RULES,
        kafka=kafka_server,
        topic_prefix=topic_prefix,
    )
    return build(settings)


@pytest.fixture
async def live(service: ConsumingService, publisher: Publisher) -> AsyncIterator[str]:
    """The service's HTTP surface and its streams of queues, running; nothing else."""
    del publisher  # its topic is what matters
    async with streaming(service, QueuesHub) as address:
        yield address


@pytest.fixture
def watching(live: str, bearer: Callable[..., dict[str, str]]) -> Callable[..., Any]:
    """Watch a queue; the first event, that the stream is open, is taken off."""

    @asynccontextmanager
    async def run(
        queue: str = "technical", after: str | None = None, tenant: str = "acme"
    ) -> AsyncIterator[Events]:
        headers = bearer(tenant=tenant) | ({"Last-Event-ID": after} if after else {})
        async with (
            httpx.AsyncClient(base_url=live, timeout=PATIENCE) as client,
            client.stream("GET", f"/v1/queues/{queue}/events", headers=headers) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            events = Events(answer)
            assert (await events.next(depths=True))[0] == "following"
            yield events

    return run


@pytest.fixture
def tell(publisher: Publisher) -> Callable[..., Any]:
    async def tell(*said: Struct, tenant: str = "acme") -> None:
        for data in said:
            attributes = Attributes(
                id=derived_id("test", repr(data)),
                source="/router",
                type=event_type(data),
                subject=TARO,
                time=TUESDAY,
                tenant=tenant,
            )
            await publisher.publish([record(ROUTING.name, attributes, data)])

    return tell


def requeued(queue: str, version: int, before: str | None = None) -> CaseRequeued:
    return CaseRequeued(
        case_id=CASE,
        contact=TARO,
        queue=queue,
        requeued_at=TUESDAY,
        reason="請求の話だった",
        case_version=version,
        previous_queue=before,
    )


OFFER: dict[str, Any] = {
    "offer_id": UUID(int=3),
    "case_id": CASE,
    "contact": TARO,
    "agent": "tanaka",
}
MADE = OfferMade(
    **OFFER,
    queue="technical",
    channel=Channel.LINE,
    units=1,
    made_at=TUESDAY,
    expires_at=TUESDAY + timedelta(seconds=30),
    reason="順番",
    case_version=2,
    agent_version=1,
)
DECLINED = OfferDeclined(**OFFER, declined_at=TUESDAY, case_version=3, agent_version=2)
AT_RISK = SlaAtRisk(
    case_id=CASE,
    contact=TARO,
    target=Target.FIRST_RESPONSE,
    due=TUESDAY,
    at=TUESDAY,
    queue="technical",
    plan="standard",
    case_version=4,
)
TOLD = ["case.entered", "offer.made", "offer.declined", "sla.at_risk", "case.left"]


async def test_a_wallboard_is_told_what_happens_and_who_comes_back_what_he_missed(
    watching: Callable[..., Any], tell: Callable[..., Any]
) -> None:
    async with watching() as events:
        start = events.last
        said = (requeued("technical", 1), MADE, DECLINED, AT_RISK)
        await tell(*said, requeued("billing", 5, "technical"))
        assert await events.names(2) == TOLD[:2]
        middle = events.last
        assert await events.names(3) == TOLD[2:]
    async with watching(after=start) as events:
        assert await events.names(5) == TOLD
    async with watching(after=middle) as events:
        assert await events.names(3) == TOLD[2:]
        await tell(requeued("technical", 6, "billing"))
        name, entered = await events.next()
        assert (name, entered["before"], entered["reason"]) == (
            "case.entered",
            "billing",
            "請求の話だった",
        )


async def test_a_stream_says_first_how_the_queue_stands(watching: Callable[..., Any]) -> None:
    async with watching() as events:
        name, depth = await events.next(depths=True)
        assert (name, depth["queue"], depth["waiting"]) == ("depth", "technical", 0)


@pytest.mark.parametrize("after", ["0", "999999.999999", "0.0.0"])
async def test_who_comes_from_where_the_bus_has_never_been_is_told_to_reload(
    watching: Callable[..., Any], tell: Callable[..., Any], after: str
) -> None:
    async with watching(after=after) as events:
        assert (await events.next())[0] == "reload"
        await tell(requeued("technical", 1))
        assert (await events.next())[0] == "case.entered"


async def test_other_tenants_hear_nothing(
    watching: Callable[..., Any], tell: Callable[..., Any]
) -> None:
    async with watching(tenant="globex") as events:
        await tell(requeued("technical", 1), MADE)
        await tell(AT_RISK, tenant="globex")
        assert (await events.next())[0] == "sla.at_risk"


async def test_a_queue_that_nobody_knows_is_not_found(
    live: str, bearer: Callable[..., dict[str, str]]
) -> None:
    async with httpx.AsyncClient(base_url=live, timeout=PATIENCE) as client:
        answer = await client.get("/v1/queues/nowhere/events", headers=bearer())
        assert answer.status_code == 404
        wrong = await client.get("/v1/queues/technical/events?after=x", headers=bearer())
        assert wrong.status_code == 422
