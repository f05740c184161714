"""`python -m timeline rebuild`."""

import asyncio

import typer

from common.edges.clock import system_clock
from common.edges.consumer import ConsumerOptions
from common.edges.database import create_writer_engine
from common.edges.kafka import kafka_access
from timeline.core.entry import TOPICS
from timeline.edges.consume import Historian
from timeline.edges.erasure_guard import ErasureGuard
from timeline.edges.rebuilding import NotEmptyError, RebuiltProgress, rebuild_from_bus
from timeline.settings import Settings
from timeline.wiring import SERVICE


def rebuild_timeline() -> None:
    """Make an empty timeline anew from what the bus holds, and say how fast that was."""
    try:
        rebuilt = asyncio.run(_rebuild(Settings()))
    except NotEmptyError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"{rebuilt.total} events in {rebuilt.seconds:.0f} s")


async def _rebuild(settings: Settings) -> RebuiltProgress:
    engine = create_writer_engine(settings.database, SERVICE)
    options = ConsumerOptions(
        kafka=kafka_access(settings),
        group=SERVICE,
        topics=TOPICS,
        prefix=settings.topic_prefix,
        batch_max_records=settings.batch_max_records,
        client_id=SERVICE,
    )
    historian = Historian(system_clock, settings.region, ErasureGuard(settings.privacy_key))
    try:
        return await rebuild_from_bus(options, engine, historian, _tell)
    finally:
        await engine.dispose()


def _tell(progress: RebuiltProgress) -> None:
    share = progress.done / progress.total if progress.total else 1
    typer.echo(
        f"{share:4.0%}  {progress.done} of {progress.total} events, {progress.per_second:.0f}/s"
    )
