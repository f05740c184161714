"""`python -m router serve | migrate | explain | simulate | rules …`."""

from common.starting import collecting_later

with collecting_later():
    import typer

    from common.edges.logs import configure_logs
    from common.edges.service import run
    from common.edges.tracing import configure_tracing
    from router import rules_command
    from router.command_line import listed, refuse
    from router.core.loading import RulesError
    from router.explain_command import explain
    from router.settings import Settings
    from router.simulate_command import simulate
    from router.wiring import MIGRATIONS, SERVICE, build

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(rules_command.app, name="rules")
app.command()(explain)
app.command()(simulate)


@app.command()
def serve() -> None:
    """Route messages and answer questions about it until told to stop."""
    settings = Settings()
    configure_logs(SERVICE, settings.log_level)
    configure_tracing(SERVICE, settings)
    try:
        service = build(settings)
    except RulesError as error:
        refuse(listed(settings.rules, error))
    except OSError as error:
        refuse(f"no rules: {error}")
    run(service.app, service.health, service.components, settings)


@app.command()
def migrate() -> None:
    """Bring the service's database schema to the newest revision."""
    from common.edges import migrations  # noqa: PLC0415 - Alembic, which nobody serves with

    migrations.migrate(MIGRATIONS, Settings().database, SERVICE)


if __name__ == "__main__":
    app()
