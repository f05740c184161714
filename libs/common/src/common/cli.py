"""The commands of a service that takes messages in: `serve`, `migrate`, `replay`, and `parse`."""

import asyncio
import re
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from common.core.adapters import ChannelAccount, Original, Parse
from common.core.cloudevents import structured
from common.core.naming import attributes_of
from common.edges.clock import system_clock
from common.edges.ingest import MIGRATIONS, IngestService, migrate_ingest
from common.edges.logs import configure_logs
from common.edges.parsing import Parsing, read_all
from common.edges.replay import Progress
from common.edges.service import run
from common.edges.tracing import configure_tracing
from common.settings import IngestSettings

_SINCE = re.compile(r"([0-9]{4}(/[0-9]{2}(/[0-9]{2})?)?)?")
_TELL_EVERY = 1000

SettingsT = TypeVar("SettingsT", bound=IngestSettings)


def webhook_commands(
    service: str,
    settings: Callable[[], SettingsT],
    build: Callable[[SettingsT], IngestService],
    providers: Collection[str],
    read: Parse,
    migrations: Path = MIGRATIONS,
) -> typer.Typer:
    """Return the command line of one ingest service. The environment is read when a command runs."""
    app = typer.Typer(no_args_is_help=True, add_completion=False)

    @app.command()
    def serve() -> None:
        """Receive webhooks until told to stop."""
        told = settings()
        configure_logs(service, told.log_level)
        configure_tracing(service, told)
        built = build(told)
        run(built.app, built.health, built.components, told)

    @app.command()
    def migrate() -> None:
        """Bring the service's database schema to the newest revision."""
        migrate_ingest(service, settings(), migrations)

    @app.command()
    def parse(
        provider: Annotated[str, typer.Argument(help=f"one of {', '.join(sorted(providers))}")],
        file: Annotated[Path, typer.Argument(help="a request's body, as the provider sent it")],
        *,
        account: Annotated[str, typer.Option(help="which of our accounts it came to")] = "main",
        tenant: Annotated[str, typer.Option(help="whose account that is")] = "local",
        received_at: Annotated[datetime | None, typer.Option(help="when; now by default")] = None,
    ) -> None:
        """Print the events in a request, a line of JSON each. Needs neither servers nor secrets."""
        if provider not in providers:
            raise typer.BadParameter(f"unknown provider {provider}")
        original = Original(
            provider=provider,
            account=account,
            received_at=received_at.astimezone() if received_at else system_clock(),
            body=file.read_bytes(),
        )
        owner = ChannelAccount(tenant=tenant, provider=provider, account=account)
        for draft in read_all(Parsing(read), [original], owner):
            typer.echo(structured(attributes_of(service, owner, draft), draft.data))

    add_replay(app, service, lambda: build(settings()))
    return app


def add_replay(app: typer.Typer, service: str, build: Callable[[], IngestService]) -> None:
    """Add `replay` to a service's command line."""

    @app.command()
    def replay(
        *,
        since: Annotated[
            str, typer.Option(help="a day, month or year (UTC), e.g. 2026/11/21")
        ] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="parse and count only")] = False,
    ) -> None:
        """Publish the kept originals again, read by today's parsers, as the same events."""
        if not _SINCE.fullmatch(since):
            raise typer.BadParameter("since: a day, month or year such as 2026/11/21")
        configure_logs(service, "WARNING")
        done = asyncio.run(_replay(build(), since, dry_run=dry_run))
        typer.echo(_told(done))


async def _replay(built: IngestService, since: str, *, dry_run: bool) -> Progress:
    try:
        return await built.replay.run(since, _tell, dry_run=dry_run)
    finally:
        await built.closing.close()


def _tell(progress: Progress) -> None:
    if progress.originals % _TELL_EVERY == 0:
        typer.echo(_told(progress), err=True)


def _told(progress: Progress) -> str:
    orphans = f", {progress.orphans} of removed accounts" if progress.orphans else ""
    told = f"{progress.originals} originals{orphans}, {progress.events} events"
    return f"{told}, up to {progress.reference}" if progress.reference else told
