"""`python -m ingest_sms serve | migrate | replay | parse PROVIDER FILE`."""

from common.starting import collecting_later

with collecting_later():
    from common.cli import webhook_commands
    from ingest_sms.core.registry import ADAPTERS, parse
    from ingest_sms.settings import Settings
    from ingest_sms.wiring import MIGRATIONS, SERVICE, build

app = webhook_commands(SERVICE, Settings, build, ADAPTERS, parse, MIGRATIONS)

if __name__ == "__main__":
    app()
