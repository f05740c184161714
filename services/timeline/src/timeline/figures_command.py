"""`python -m timeline figures follow | rebuild`."""

import asyncio

import typer

from common.edges.database import create_writer_engine
from common.edges.logs import configure_logs
from common.edges.service import run
from common.edges.tracing import configure_tracing
from timeline.edges.figures_follow import erased_names
from timeline.edges.figures_rebuild import (
    FiguresRebuildError,
    Progress,
    Rebuilding,
    rebuild_figures,
)
from timeline.figures_service import FIGURES_GROUP, build_figures
from timeline.settings import Settings
from timeline.wiring import SERVICE

figures = typer.Typer(no_args_is_help=True, help="The service figures.")


@figures.command("rebuild")
def rebuild_all() -> None:
    """Count everything anew from the timeline; questions ask the old counts until it is done."""
    try:
        number = asyncio.run(_rebuild(Settings()))
    except FiguresRebuildError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"questions ask generation {number} now")


@figures.command("follow")
def follow() -> None:
    """Count what the bus tells, in a process of its own, until told to stop."""
    settings = Settings()
    configure_logs(SERVICE, settings.log_level)
    configure_tracing(SERVICE, settings)
    service = build_figures(settings, SERVICE)
    run(service.app, service.health, service.components, settings)


async def _rebuild(settings: Settings) -> int:
    engine = create_writer_engine(settings.database, SERVICE, pool_size=2)
    rebuilding = Rebuilding(
        counting=settings.topic_prefix + FIGURES_GROUP,
        writing=settings.topic_prefix + SERVICE,
        region=settings.region,
        names=erased_names(settings.privacy_key),
    )
    try:
        return await rebuild_figures(engine, rebuilding, _tell)
    finally:
        await engine.dispose()


def _tell(progress: Progress) -> None:
    share = progress.done / progress.total if progress.total else 1
    typer.echo(
        f"{share:4.0%}  {progress.done} of {progress.total} contacts, {progress.counted} events"
    )
