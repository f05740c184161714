"""`python -m ingest_social serve | migrate | replay | parse PROVIDER FILE`."""

from common.starting import collecting_later

with collecting_later():
    from common.cli import webhook_commands
    from ingest_social.core.registry import ADAPTERS, parse
    from ingest_social.settings import Settings
    from ingest_social.wiring import build

app = webhook_commands("ingest_social", Settings, build, ADAPTERS, parse)

if __name__ == "__main__":
    app()
