"""Fetching mail that Amazon SES put into a bucket, before the notification of it goes on.

Until the mail is here the notification is not taken: SNS delivers it again. An account's options
name the one bucket that may be read, so that nobody's notification leads us elsewhere.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
import structlog
from msgspec import Struct
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from common.core.adapters import ChannelAccount, Original
from common.core.errors import TransientError
from common.edges import metrics
from common.edges.ports import Accepting
from ingest_email.core.limits import MESSAGE_BYTES
from ingest_email.core.providers.ses import Place, place_of, with_mail

if TYPE_CHECKING:
    from obstore.store import S3Config  # exists for type checkers alone

logger = structlog.get_logger()

PROVIDER = "ses"
# SNS waits 15 seconds for an answer, and Kafka needs some of them.
FETCH_SECONDS = 10.0
_REFUSED = (PermissionDeniedError, UnauthenticatedError)


class TooLargeError(Exception):
    """The object is larger than any mail that would be read; it stays where it is."""


class Bucket(Struct, frozen=True, kw_only=True):
    """An account's options about its bucket. `endpoint`: a storage that speaks S3, none: Amazon's."""

    name: str
    region: str
    endpoint: str

    @classmethod
    def of(cls, account: ChannelAccount) -> "Bucket | None":
        """Return the bucket that an account may read, or None where it names none."""
        options = account.options
        name = options.get("mail_bucket", "")
        region, endpoint = options.get("mail_region", ""), options.get("mail_endpoint", "")
        return cls(name=name, region=region, endpoint=endpoint) if name else None

    def stores(self, secrets: Iterable[str]) -> list[S3Store]:
        """Return a client for each `key id:secret key`; without any, this machine's own role."""
        return [self._store(secret) for secret in list(filter(None, secrets)) or [""]]

    def _store(self, secret: str) -> S3Store:
        config: S3Config = {}
        if self.region:
            config["region"] = self.region
        if self.endpoint:
            config["endpoint"] = self.endpoint
        if secret:
            config["access_key_id"], _, config["secret_access_key"] = secret.partition(":")
        return S3Store(
            self.name,
            config=config,
            client_options={
                "timeout": timedelta(seconds=FETCH_SECONDS),
                "allow_http": self.endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=FETCH_SECONDS)},
        )


class Buckets:
    """Brings what lies in the accounts' buckets, and knows which may not be read."""

    name = "stored mail"

    def __init__(self) -> None:
        self._refused: dict[str, str] = {}

    def complaint(self) -> str | None:
        """Return which accounts may not read their bucket, or None."""
        troubles = [f"{account}: {bucket}" for account, bucket in sorted(self._refused.items())]
        return f"may not be read: {', '.join(troubles)}" if troubles else None

    async def whole(self, original: Original, account: ChannelAccount) -> Original:
        """Return a request with the mail that it points to. Raises TransientError."""
        bucket = Bucket.of(account) if original.provider == PROVIDER else None
        place = place_of(original) if bucket else None
        if bucket is None or place is None or place.bucket != bucket.name:
            return original
        try:
            return with_mail(original, await self._fetch(bucket, place, account))
        except TooLargeError as error:
            logger.warning("mail left in its bucket", account=account.account, reason=str(error))
            return original

    async def _fetch(self, bucket: Bucket, place: Place, account: ChannelAccount) -> bytes:
        refusal = ""
        for store in bucket.stores(account.secrets):
            try:
                mail = await _read(store, place.key)
            except _REFUSED as error:
                refusal = type(error).__name__
            else:
                self._note(account, bucket, refused=False)
                return mail
        self._note(account, bucket, refused=True)
        raise TransientError(f"s3://{bucket.name}: {refusal}")

    def _note(self, account: ChannelAccount, bucket: Bucket, *, refused: bool) -> None:
        if refused:
            self._refused[account.account] = f"s3://{bucket.name}"
        else:
            self._refused.pop(account.account, None)
        labels = account.provider, account.account, account.team or ""
        metrics.account_ready.labels(*labels).set(not refused)


class StoredMail:
    """Stands before the intake; a stage as common.edges.ports describes it."""

    name = "stored mail"

    def __init__(self, intake: Accepting, buckets: Buckets) -> None:
        self._intake = intake
        self._buckets = buckets

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Take in a request with the mail that it points to. Raises TransientError."""
        await self._intake.accept(await self._buckets.whole(original, account), account)

    async def run(self, stopping: asyncio.Event) -> None:
        """Have nothing to do in the background."""
        await stopping.wait()


async def _read(store: S3Store, key: str) -> bytes:
    """Return an object. Raises TooLargeError, TransientError and what `_REFUSED` names."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            found = await obstore.get_async(store, key)
            size = found.meta["size"]  # told before the content is sent
            if size > MESSAGE_BYTES:
                raise TooLargeError(f"{size} bytes")
            return bytes(await found.bytes_async())
    except _REFUSED:
        raise
    except (BaseError, OSError) as error:  # OSError: also where the object is not there (yet)
        raise TransientError(f"stored mail: {type(error).__name__}") from error
