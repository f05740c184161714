"""The parts of an ingest service that fetch media, put together."""

from collections.abc import Collection

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.media import is_fetched
from common.core.topics import MESSAGES
from common.edges.accounts import Accounts
from common.edges.clock import system_clock
from common.edges.components import Closing, Component
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.fetching import FetchLimits, MediaClient, Surroundings
from common.edges.kafka import kafka_access
from common.edges.media import MediaFetcher, media_queue
from common.edges.objects import ObjectStore
from common.edges.outbox import OutboxRelay
from common.edges.ports import Publishing
from common.settings import IngestSettings


class MediaParts(Struct, frozen=True):
    """`components` in the order in which they stop."""

    consumer: Consumer
    client: MediaClient
    components: tuple[Component, ...]


def build_media(
    service: str,
    settings: IngestSettings,
    accounts: Accounts,
    providers: Collection[str],
    engine: AsyncEngine,
    objects: ObjectStore,
    publisher: Publishing,
    surroundings: Surroundings | None = None,
) -> MediaParts | None:
    """Return what fetches the files of a service's messages, or None where no account has any.

    `providers` are the service's own: the accounts file is everybody's. Nothing is read from the
    bus where there is no file that we could fetch.
    """
    ours = [account for name in providers for account in accounts.of_provider(name)]
    if not settings.media_workers or not any(map(is_fetched, ours)):
        return None
    limits = FetchLimits(max_bytes=settings.media_max_bytes, seconds=settings.media_seconds)
    client = MediaClient(limits, surroundings=surroundings or Surroundings())
    relay = OutboxRelay(engine, publisher)
    fetcher = MediaFetcher(
        engine,
        client,
        accounts,
        objects,
        system_clock,
        workers=settings.media_workers,
        after_commit=relay.wake,
    )
    options = ConsumerOptions(
        kafka=kafka_access(settings),
        group=f"{service}.media",
        topics=(MESSAGES.name,),
        prefix=settings.topic_prefix,
        batch_max_records=settings.batch_max_records,
        client_id=service,
        session_timeout_seconds=settings.session_timeout_seconds,
    )
    queue = media_queue(service, accounts, system_clock)
    consumer = Consumer(options, engine, queue, after_commit=relay.wake)
    return MediaParts(consumer, client, (consumer, fetcher, relay, Closing(client.close)))
