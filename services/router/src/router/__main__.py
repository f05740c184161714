"""`python -m router serve | migrate | explain | simulate | rules check`."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from common.edges.logs import configure_logs
from common.edges.migrations import migrate as migrate_schema
from common.edges.service import run
from router.core.facts import Unrouted
from router.core.loading import Loaded, RulesError, load
from router.core.policy import compiled
from router.edges.explaining import UnreadableError, explained, read_messages, read_profile
from router.edges.presentation import decision_tables
from router.settings import Settings
from router.simulate_command import simulate
from router.wiring import MIGRATIONS, SERVICE, build

app = typer.Typer(no_args_is_help=True, add_completion=False)
rules_app = typer.Typer(no_args_is_help=True, help="Work with rules files.")
app.add_typer(rules_app, name="rules")
app.command()(simulate)

RulesFile = Annotated[Path, typer.Option("--rules", help="the rules file", exists=True)]


class Spoken(StrEnum):
    """The languages that reasons can be in."""

    EN = "en"
    JA = "ja"


@app.command()
def serve() -> None:
    """Route messages and answer questions about it until told to stop."""
    settings = Settings()
    configure_logs(SERVICE, settings.log_level)
    try:
        service = build(settings)
    except RulesError as error:
        _refuse(_listed(settings.rules, error))
    except OSError as error:
        _refuse(f"no rules: {error}")
    run(service.app, service.health, service.components, settings)


@app.command()
def migrate() -> None:
    """Bring the service's database schema to the newest revision."""
    migrate_schema(MIGRATIONS, Settings().database, SERVICE)


@app.command()
def explain(
    rules: RulesFile,
    message: Annotated[
        Path, typer.Option(help="JSON: one message or event, or one a line", exists=True)
    ],
    profile: Annotated[
        Path | None, typer.Option(help="JSON: what a CRM says of the sender", exists=True)
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(help="when it is decided, UTC; the message's time by default")
    ] = None,
    lang: Annotated[Spoken | None, typer.Option(help="the company's language by default")] = None,
) -> None:
    """Print where a message would go and why. Needs no servers."""
    loaded = _loaded(rules)
    language = lang.value if lang else loaded.rules.language
    policy = compiled(loaded.rules, loaded.version, language)
    zone = ZoneInfo(policy.desks[policy.default_queue].hours.zone.key)
    now = at.replace(tzinfo=UTC) if at else None
    console = Console(soft_wrap=False)
    try:
        arrivals = read_messages(message)
        known = read_profile(profile) if profile else None
    except UnreadableError as error:
        _refuse(str(error))
    for outcome in explained(arrivals, known, policy, now):
        if isinstance(outcome, Unrouted):
            console.print(outcome.reason)
        else:
            console.print(decision_tables(outcome.decision, language, zone))


@rules_app.command()
def check(file: Annotated[Path, typer.Argument(help="the rules file", exists=True)]) -> None:
    """Say whether a rules file can be used; list everything wrong with it, each with its line."""
    loaded = _loaded(file)
    rules = loaded.rules
    typer.echo(
        f"{file}: {len(rules.rules)} rules, {len(rules.queues)} queues, {len(rules.plans)} plans, "
        f"version {loaded.version}"
    )


def _loaded(file: Path) -> Loaded:
    try:
        return load(file.read_bytes())
    except RulesError as error:
        _refuse(_listed(file, error))


def _listed(file: Path, error: RulesError) -> str:
    return "\n".join(f"{file}:{problem.line}: {problem.reason}" for problem in error.problems)


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
