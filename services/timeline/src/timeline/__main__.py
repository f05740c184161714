"""`python -m timeline serve | search-index | search rebuild | figures rebuild | migrate | share CONTACT --tenant TENANT`."""

import asyncio
from typing import Annotated

from common.starting import collecting_later

with collecting_later():
    import typer

    from common.core.identity_events import DecisionKind, IdentityDecided
    from common.edges.clock import system_clock
    from common.edges.database import create_writer_engine
    from common.edges.logs import configure_logs
    from common.edges.service import run
    from common.edges.tracing import configure_tracing
    from timeline.core.values import canonical
    from timeline.edges.deciding import decide
    from timeline.figures_command import figures
    from timeline.rebuild_command import rebuild_timeline
    from timeline.rights_command import access_log, export
    from timeline.search_command import search, search_index
    from timeline.settings import Settings
    from timeline.wiring import MIGRATIONS, SERVICE, build

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(search, name="search")
app.add_typer(figures, name="figures")
app.command("search-index")(search_index)
app.command("rebuild")(rebuild_timeline)
app.add_typer(access_log, name="access-log")
app.command("export")(export)


@app.command()
def serve() -> None:
    """Write down what the bus tells and answer questions about it until told to stop."""
    settings = Settings()
    configure_logs(SERVICE, settings.log_level)
    configure_tracing(SERVICE, settings)
    service = build(settings)
    run(service.app, service.health, service.components, settings)


@app.command()
def migrate() -> None:
    """Bring the service's database schema to the newest revision."""
    from common.edges import migrations  # noqa: PLC0415 - Alembic, which nobody serves with

    migrations.migrate(MIGRATIONS, Settings().database, SERVICE)


@app.command()
def share(
    contact: Annotated[str, typer.Argument(help="for example email:info@example.jp")],
    tenant: Annotated[str, typer.Option(help="whose customers use it")],
) -> None:
    """Mark a contact as used by several people: from now on it links nobody to anybody."""
    settings = Settings()
    address = canonical(contact, settings.region)
    if address is None:
        raise typer.BadParameter("not a contact, want kind:value")
    asyncio.run(_share(settings.database, tenant, address))
    typer.echo(f"{address} is shared")


async def _share(database: str, tenant: str, contact: str) -> None:
    engine = create_writer_engine(database, SERVICE, pool_size=1)
    blocked = IdentityDecided(
        kind=DecisionKind.BLOCK, person="operator", decided_at=system_clock(), contacts=(contact,)
    )

    async def make() -> IdentityDecided:
        return blocked

    async with engine.begin() as connection:
        await decide(connection, tenant, make)
    await engine.dispose()


if __name__ == "__main__":
    app()
