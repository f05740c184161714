"""`python -m timeline export CUSTOMER` and `python -m timeline access-log verify`."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from common.edges.clock import system_clock
from common.edges.database import create_reader_engine, create_writer_engine
from common.edges.objects import ObjectStore
from timeline.core.access import BEGINNING, first_broken
from timeline.edges.access_log import whole
from timeline.edges.export_build import Built, Exporter, NobodyError
from timeline.settings import Settings
from timeline.wiring import SERVICE

access_log = typer.Typer(no_args_is_help=True, help="Who read whom.")


def export(
    customer: Annotated[UUID, typer.Argument(help="a customer's id, current or merged away")],
    tenant: Annotated[str, typer.Option(help="whose customer it is")],
    to: Annotated[Path, typer.Option(help="the ZIP to write")] = Path("export.zip"),
) -> None:
    """Write down all that is known of a customer: data.json, a page to read, and the files."""
    try:
        built = asyncio.run(_export(Settings(), customer, tenant, to))
    except NobodyError as error:
        raise typer.BadParameter("there is no such customer") from error
    typer.echo(f"{to}: {built.entries} entries, {built.size} bytes, SHA-256 {built.sha256}")


@access_log.command("verify")
def verify(tenant: Annotated[str, typer.Option(help="whose log")]) -> None:
    """Read a tenant's whole log; fail where a record was changed or is missing."""
    last, broken = asyncio.run(_verify(Settings().database, tenant))
    if broken is not None:
        typer.echo(f"record {broken} is not as it was written, or is missing", err=True)
        raise typer.Exit(1)
    typer.echo(f"{last[0]} records, all as they were written; the last one's hash: {last[1].hex()}")


async def _export(settings: Settings, customer: UUID, tenant: str, to: Path) -> Built:
    engine = create_reader_engine(settings.database, SERVICE, pool_size=1)
    try:
        exporter = Exporter(engine, ObjectStore.open(settings.objects), tenant)
        return await exporter.build(customer, system_clock(), to)
    finally:
        await engine.dispose()


async def _verify(database: str, tenant: str) -> tuple[tuple[int, bytes], int | None]:
    engine = create_writer_engine(database, SERVICE, pool_size=1)
    last = (0, BEGINNING)
    try:
        async for records in whole(engine, tenant):
            broken = first_broken(records, *last)
            if broken is not None:
                return last, broken
            last = (records[-1].sequence, records[-1].hash)
        return last, None
    finally:
        await engine.dispose()
