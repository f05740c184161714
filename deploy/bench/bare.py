"""`python -m bench.bare`: ingest_sms with everything but Kafka; the limit of its webhook surface."""

from collections.abc import Sequence

from common.core.cloudevents import Record
from common.edges.ingest import build_ingest
from common.edges.service import run
from common.settings import IngestSettings
from ingest_sms.core.registry import ADAPTERS, parse


class NoKafka:
    """Acknowledges at once."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


def main() -> None:
    """Serve until SIGTERM."""
    settings = IngestSettings()
    service = build_ingest("ingest_sms", settings, parse, ADAPTERS, publisher=NoKafka())
    run(service.app, service.health, service.components, settings)


if __name__ == "__main__":
    main()
