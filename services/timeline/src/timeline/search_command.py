"""`python -m timeline search rebuild` and `python -m timeline search-index`."""

import asyncio

import typer

from common.edges.database import create_writer_engine
from common.edges.logs import configure_logs
from common.edges.service import run
from common.edges.tracing import configure_tracing
from timeline.edges.search_rebuild import Progress, RebuildingError, rebuild
from timeline.settings import Settings
from timeline.wiring import SERVICE, build_search_index

search = typer.Typer(no_args_is_help=True, help="The index of the search.")


@search.command("rebuild")
def rebuild_index() -> None:
    """Build the index anew from the timeline; searches ask the old one until it is done."""
    try:
        number = asyncio.run(_rebuild(Settings().database))
    except RebuildingError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"searches ask generation {number} now")


def search_index() -> None:
    """Index for the search what the bus tells, in a process of its own, until told to stop."""
    settings = Settings()
    configure_logs(SERVICE, settings.log_level)
    configure_tracing(SERVICE, settings)
    service = build_search_index(settings)
    run(service.app, service.health, service.components, settings)


async def _rebuild(database: str) -> int:
    engine = create_writer_engine(database, SERVICE, pool_size=2)
    try:
        return await rebuild(engine, _tell)
    finally:
        await engine.dispose()


def _tell(progress: Progress) -> None:
    share = progress.done / progress.total if progress.total else 1
    typer.echo(
        f"{share:4.0%}  {progress.done} of {progress.total} events, {progress.found} can be found"
    )
