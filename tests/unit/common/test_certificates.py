"""The one certificate that a request needs is fetched from its provider once, and nothing else is."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.samples.golden import FOLDER

from common.core import sns
from common.core.adapters import ChannelAccount
from common.core.errors import TransientError
from common.core.webhooks import WebhookAdapter
from common.edges.accounts import Accounts
from common.edges.certificates import ASK_AGAIN_AFTER, MOST, Certificates
from common.edges.outbound import AT_A_TIME, Outbound
from common.edges.webhooks import WebhookEdge, add_webhook_routes

VECTORS = json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))["sns"]
PEM: str = VECTORS["cert_pem"]
NOW = datetime(2026, 1, 15, 9, 30, 5, tzinfo=UTC)
URL = "https://sns.ap-northeast-1.amazonaws.com/SimpleNotificationService-test.pem"


class Amazon:
    """The internet, as far as it is Amazon's; `asked` are the URLs that were called."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = httpx.Response(200, text=PEM)
        self.outbound = Outbound(httpx.MockTransport(self.respond))

    async def respond(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        await asyncio.sleep(0)
        return httpx.Response(
            self.answer.status_code, headers=self.answer.headers, content=self.answer.content
        )


@pytest.fixture
async def amazon() -> AsyncIterator[Amazon]:
    amazon = Amazon()
    yield amazon
    await amazon.outbound.close()


async def test_many_requests_at_once_and_later_need_one_call(amazon: Amazon) -> None:
    certificates = Certificates(amazon.outbound)
    together = [certificates.find(URL, NOW) for _ in range(50)]
    assert set(await asyncio.gather(*together)) == {PEM}
    assert await certificates.find(URL, NOW + timedelta(days=300)) == PEM
    assert amazon.asked == [URL]


async def test_a_certificate_out_of_date_is_asked_for_again_now_and_then(amazon: Amazon) -> None:
    certificates, late = Certificates(amazon.outbound), NOW + timedelta(days=5000)
    for moment in (NOW, late, late + ASK_AGAIN_AFTER / 2, late + ASK_AGAIN_AFTER * 2):
        assert await certificates.find(URL, moment) == PEM
    assert len(amazon.asked) == 3


async def test_only_so_many_certificates_are_kept(amazon: Amazon) -> None:
    certificates = Certificates(amazon.outbound)
    for number in [*range(MOST + 1), MOST, 0]:
        await certificates.find(f"{URL}?{number}", NOW)
    assert len(amazon.asked) == MOST + 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(302, headers={"location": "https://127.0.0.1/"}),
        httpx.Response(200, text="no certificate"),
        httpx.Response(200, content=b"x" * 70_000),
    ],
    ids=["not there", "elsewhere", "something else", "too large"],
)
async def test_what_is_no_certificate_is_an_error_that_may_pass(
    amazon: Amazon, answer: httpx.Response
) -> None:
    certificates = Certificates(amazon.outbound)
    good, amazon.answer = amazon.answer, answer
    with pytest.raises(TransientError, match="outbound"):
        await certificates.find(URL, NOW)
    amazon.answer = good
    assert await certificates.find(URL, NOW) == PEM
    assert amazon.asked == [URL, URL]  # a redirect was not followed


async def test_whoever_hangs_up_does_not_take_the_certificate_from_the_others(
    amazon: Amazon,
) -> None:
    certificates = Certificates(amazon.outbound)
    first, second = (asyncio.create_task(certificates.find(URL, NOW)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == PEM


async def test_a_host_that_is_away_is_an_error_that_may_pass() -> None:
    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    outbound = Outbound(httpx.MockTransport(away))
    for url in (URL, "http://sns.ap-northeast-1.amazonaws.com/a.pem", "https://[bad"):
        with pytest.raises(TransientError, match="outbound"):
            await outbound.get(url, 100)
    await outbound.close()


async def test_strangers_cannot_keep_us_busy_with_calls(amazon: Amazon) -> None:
    calls = [amazon.outbound.get(f"{URL}?{number}", 10_000) for number in range(AT_A_TIME * 3)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, bytes) for answer in answers) == AT_A_TIME
    assert await amazon.outbound.get(URL, 10_000) == PEM.encode()


@pytest.fixture
async def client(desk: Any, amazon: Amazon) -> AsyncIterator[httpx.AsyncClient]:
    """A webhook of Amazon's whose account has one topic."""
    await desk.drain()
    account = ChannelAccount(
        tenant="acme",
        provider="aws",
        account="main",
        options={"topics": VECTORS["cases"][0]["message"]["TopicArn"]},
    )
    adapter = WebhookAdapter(
        provider="aws",
        certificate=sns.certificate,
        authentic=sns.authentic,
        confirmation=sns.confirmation,
        parse=desk.adapter.parse,
    )
    edge = WebhookEdge(
        {"aws": adapter}, Accounts([account]), desk.intake, lambda: NOW, amazon.outbound, 100_000
    )
    app = FastAPI()
    add_webhook_routes(app, edge)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


async def deliver(client: httpx.AsyncClient, message: dict[str, str]) -> int:
    headers = {
        "x-amz-sns-message-type": message["Type"],
        "x-amz-sns-message-id": message["MessageId"],
    }
    body = json.dumps(message).encode()
    answer = await client.post("/v1/webhooks/aws/main", content=body, headers=headers)
    return answer.status_code


async def test_what_our_topic_signed_is_taken_with_a_certificate_fetched_once(
    client: httpx.AsyncClient, desk: Any, amazon: Amazon
) -> None:
    messages = [case["message"] for case in VECTORS["cases"][:4]]
    assert [await deliver(client, message) for message in messages] == [200] * 4
    assert await deliver(client, messages[0] | {"Message": "changed"}) == 403
    assert (len(desk.texts()), amazon.asked) == (4, [URL])


async def test_nothing_is_fetched_for_a_topic_that_is_not_ours_or_from_another_host(
    client: httpx.AsyncClient, amazon: Amazon
) -> None:
    message = VECTORS["cases"][0]["message"]
    theirs = {"TopicArn": "arn:aws:sns:us-east-1:999999999999:theirs"}
    elsewhere = {"SigningCertURL": "https://evil.example/a.pem"}
    for change in (theirs, elsewhere):
        assert await deliver(client, message | change) == 403
    assert amazon.asked == []


async def test_a_subscription_of_our_topic_is_confirmed_at_amazon_and_never_by_its_own_link(
    client: httpx.AsyncClient, amazon: Amazon
) -> None:
    asked = VECTORS["cases"][4]["message"]
    assert await deliver(client, asked | {"SubscribeURL": "https://evil.example/"}) == 403
    assert amazon.asked == [URL]
    assert await deliver(client, asked) == 200
    [_, confirmation] = amazon.asked
    assert confirmation.startswith(
        "https://sns.ap-northeast-1.amazonaws.com/?Action=ConfirmSubscription&"
    )
