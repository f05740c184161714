"""Mail that lies in a bucket, read from a real HTTP server that speaks as much S3 as that takes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from msgspec.structs import replace
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tests.samples.golden import FOLDER, account_of, request

from common.core.adapters import ChannelAccount, Original
from common.core.errors import TransientError
from common.core.events import Message, MessageKind
from ingest_email.core.limits import MESSAGE_BYTES
from ingest_email.core.providers.registry import parse
from ingest_email.edges.stored_mail import Buckets, StoredMail
from local_stack.ports import free_port

OBJECT = "/acme-mail/inbound/d6iitobk75ur44p8kdnnp7g2n800"
MAIL = (
    "From: 山田 太郎 <taro@example.jp>\r\nMessage-ID: <ses-1@example.jp>\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\nログインできません。至急ご確認ください。\r\n"
).encode()


class Bucket:
    """Objects by their path, for those who sign with a key that is known."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.objects: dict[str, bytes] = {}
        self.keys = {"AKIANEW"}
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(Request(scope, receive))(scope, receive, send)

    def _answer(self, asked: Request) -> Response:
        self.asked += 1
        signed = asked.headers.get("authorization", "")
        algorithm, _, rest = signed.partition(" Credential=")
        key, _, place = rest.partition("/")
        if algorithm != "AWS4-HMAC-SHA256" or key not in self.keys:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403)
        assert "/ap-northeast-1/s3/aws4_request" in place
        content = self.objects.get(asked.url.path)
        if content is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404)
        return Response(content, headers={"last-modified": "Thu, 15 Jan 2026 00:30:00 GMT"})


class Kept:
    """An intake that remembers."""

    def __init__(self) -> None:
        self.originals: list[Original] = []

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        assert original.account == account.account
        self.originals.append(original)


@pytest.fixture
async def bucket() -> AsyncIterator[Bucket]:
    bucket = Bucket(free_port())
    options = uvicorn.Config(
        bucket, host="127.0.0.1", port=bucket.port, log_config=None, lifespan="off", ws="none"
    )
    server = uvicorn.Server(options)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells of it in no other way
        await asyncio.sleep(0.01)
    yield bucket
    server.should_exit = True
    await serving


@pytest.fixture
def account(bucket: Bucket) -> ChannelAccount:
    return replace(
        account_of("ses"),
        secrets=("AKIANEW:secret",),
        options={
            "mail_bucket": "acme-mail",
            "mail_region": "ap-northeast-1",
            "mail_endpoint": f"http://127.0.0.1:{bucket.port}",
        },
    )


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def notification() -> Original:
    return request("ses", (FOLDER / "mail-webhooks" / "ses" / "stored-in-s3.json").read_bytes())


def event(original: Original, account: ChannelAccount) -> Message:
    (draft,) = parse(original, account)
    assert isinstance(draft.data, Message)
    return draft.data


def ready(account: ChannelAccount) -> float | None:
    labels = {"provider": "ses", "account": account.account, "team": account.team or ""}
    return REGISTRY.get_sample_value("madoguchi_account_ready", labels)


async def test_the_mail_comes_along_as_the_same_event_that_its_headers_alone_would_be(
    bucket: Bucket, account: ChannelAccount, notification: Original, kept: Kept
) -> None:
    bucket.objects[OBJECT] = MAIL
    await StoredMail(kept, Buckets()).accept(notification, account)
    (whole,) = kept.originals
    message = event(whole, account)
    assert message.text == "ログインできません。至急ご確認ください。\n"
    assert (message.kind, message.sender.name) == (MessageKind.MESSAGE, "山田 太郎")
    assert message.attributes["stored_at"] == f"s3:/{OBJECT}"
    assert parse(whole, account)[0].provider_id == parse(notification, account)[0].provider_id


async def test_a_mail_that_is_not_there_yet_is_asked_for_again(
    bucket: Bucket, account: ChannelAccount, notification: Original, kept: Kept
) -> None:
    buckets = Buckets()
    stored = StoredMail(kept, buckets)
    with pytest.raises(TransientError):
        await stored.accept(notification, account)
    assert (kept.originals, buckets.complaint()) == ([], None)
    bucket.objects[OBJECT] = MAIL
    await stored.accept(notification, account)
    assert len(kept.originals) == 1


async def test_who_may_not_read_is_told_by_account_until_it_may(
    bucket: Bucket, account: ChannelAccount, notification: Original, kept: Kept
) -> None:
    bucket.objects[OBJECT] = MAIL
    bucket.keys = {"AKIAOTHER"}
    buckets = Buckets()
    stored = StoredMail(kept, buckets)
    with pytest.raises(TransientError, match="s3://acme-mail: PermissionDenied"):
        await stored.accept(notification, account)
    assert buckets.complaint() == "may not be read: main: s3://acme-mail"
    assert ready(account) == 0
    bucket.keys = {"AKIANEW"}
    await stored.accept(notification, account)
    assert (buckets.complaint(), ready(account)) == (None, 1)


async def test_the_older_key_still_opens_while_keys_are_changed(
    bucket: Bucket, account: ChannelAccount, notification: Original, kept: Kept
) -> None:
    bucket.objects[OBJECT] = MAIL
    secrets = ("AKIANEXT:next", "AKIANEW:secret")
    buckets = Buckets()
    stored = StoredMail(kept, buckets)
    await stored.accept(notification, replace(account, secrets=secrets))
    assert (len(kept.originals), buckets.complaint()) == (1, None)


async def test_a_mail_that_is_too_large_stays_where_it_is_and_is_told_by_its_headers(
    bucket: Bucket, account: ChannelAccount, notification: Original, kept: Kept
) -> None:
    bucket.objects[OBJECT] = bytes(MESSAGE_BYTES + 1)
    await StoredMail(kept, Buckets()).accept(notification, account)
    assert kept.originals == [notification]
    assert event(notification, account).kind is MessageKind.UNSUPPORTED


@pytest.mark.parametrize("options", [{}, {"mail_bucket": "another-bucket"}])
async def test_no_notification_leads_to_a_bucket_that_the_account_does_not_name(
    bucket: Bucket,
    account: ChannelAccount,
    notification: Original,
    kept: Kept,
    options: dict[str, str],
) -> None:
    named = replace(account, options={**account.options, "mail_bucket": "", **options})
    await StoredMail(kept, Buckets()).accept(notification, named)
    assert (kept.originals, bucket.asked) == ([notification], 0)


async def test_a_storage_that_is_away_is_asked_again_later(
    account: ChannelAccount, notification: Original, kept: Kept
) -> None:
    options = account.options | {"mail_endpoint": f"http://127.0.0.1:{free_port()}"}
    with pytest.raises(TransientError):
        await StoredMail(kept, Buckets()).accept(notification, replace(account, options=options))


@pytest.mark.parametrize("name", ["content-base64", "subscription", "unsubscribed"])
async def test_what_points_to_no_object_goes_on_as_it_is(
    bucket: Bucket, account: ChannelAccount, kept: Kept, name: str
) -> None:
    told = request("ses", (FOLDER / "mail-webhooks" / "ses" / f"{name}.json").read_bytes())
    await StoredMail(kept, Buckets()).accept(told, account)
    assert (kept.originals, bucket.asked) == ([told], 0)
