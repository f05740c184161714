"""A start imports what every process of the service needs: pods and tests pay for it each time."""

import subprocess
import sys

import pytest

# Who needs it imports it: `migrate`, a traced process, a calendar that names a country.
LATER = ("alembic", "mako", "opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf")
SERVICES = {
    "ingest_email": LATER,
    "ingest_sms": LATER,
    "ingest_social": LATER,
    "router": (*LATER, "holidays"),
    "timeline": LATER,
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_start_does_not_import_what_only_some_need(service: str) -> None:
    program = f"import {service}.__main__, sys; print(*sys.modules)"
    imported = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    ).stdout.split()
    assert f"{service}.wiring" in imported
    assert not set(SERVICES[service]).intersection(imported)
