"""`python -m ingest_email serve | migrate | replay | parse [--provider NAME] FILE…`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from common.starting import collecting_later

with collecting_later():
    import msgspec
    import typer

    from common.cli import add_replay
    from common.core.adapters import ChannelAccount, Original
    from common.core.cloudevents import structured
    from common.core.naming import attributes_of
    from common.edges.clock import system_clock
    from common.edges.ingest import migrate_ingest
    from common.edges.logs import configure_logs
    from common.edges.parsing import Parsing, read_all
    from common.edges.service import run
    from common.edges.tracing import configure_tracing
    from ingest_email.core.providers.registry import ADAPTERS
    from ingest_email.core.reading import read, unread
    from ingest_email.edges.mailbox_store import MIGRATIONS
    from ingest_email.edges.mailroom import PROVIDER
    from ingest_email.settings import Settings
    from ingest_email.wiring import SERVICE, build

PROVIDERS = (PROVIDER, *sorted(ADAPTERS))  # the first: a mail and nothing around it

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def serve() -> None:
    """Receive mail until told to stop."""
    settings = Settings()
    configure_logs(SERVICE, settings.log_level)
    configure_tracing(SERVICE, settings)
    service = build(settings)
    ingest = service.ingest
    run(ingest.app, ingest.health, service.components, settings)


@app.command()
def migrate() -> None:
    """Bring the service's database schema to the newest revision."""
    settings = Settings()
    migrate_ingest(SERVICE, settings)
    migrate_ingest(SERVICE, settings, MIGRATIONS)


@app.command()
def parse(
    files: Annotated[
        list[Path],
        typer.Argument(help="mails or requests' bodies, as they came", exists=True, dir_okay=False),
    ],
    *,
    provider: Annotated[
        str, typer.Option(help=f"whose requests they are: {', '.join(PROVIDERS)}")
    ] = PROVIDER,
    account: Annotated[str, typer.Option(help="which of our accounts they came to")] = "main",
    tenant: Annotated[str, typer.Option(help="whose account that is")] = "local",
    received_at: Annotated[datetime | None, typer.Option(help="when; now by default")] = None,
) -> None:
    """Print the events in mails as JSON, a line each with several files.

    Needs neither servers nor secrets: what a provider sent is read, not verified.
    """
    if provider not in PROVIDERS:
        raise typer.BadParameter(f"unknown provider {provider}; known: {', '.join(PROVIDERS)}")
    owner = ChannelAccount(tenant=tenant, provider=provider, account=account)
    moment = received_at.astimezone() if received_at else system_clock()
    indent = 2 if len(files) == 1 else -1  # -1: one line
    originals = (
        Original(provider=provider, account=account, received_at=moment, body=file.read_bytes())
        for file in files
    )
    for draft in read_all(Parsing(read, unread), originals, owner):
        event = structured(attributes_of(SERVICE, owner, draft), draft.data)
        typer.echo(msgspec.json.format(event, indent=indent))


add_replay(app, SERVICE, lambda: build(Settings()).ingest)

if __name__ == "__main__":
    app()
