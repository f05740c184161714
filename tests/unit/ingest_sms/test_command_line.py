"""`python -m ingest_sms parse` shows the events of a request without any server."""

import json

from tests.samples.golden import FOLDER
from typer.testing import CliRunner

from ingest_sms.__main__ import app

SAMPLE = FOLDER / "sms" / "twilio" / "text.form"


def parse(*arguments: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, ["parse", *arguments])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_request_becomes_a_line_of_json_per_event() -> None:
    (event,) = parse("twilio", str(SAMPLE), "--tenant", "acme", "--account", "osaka")
    assert event["type"] == "io.madoguchi.message.received"
    assert event["source"] == "/ingest_sms/twilio/osaka"
    assert event["subject"] == "tel:+819012345678"


def test_the_same_request_is_the_same_event_whenever_it_is_parsed() -> None:
    first = parse("twilio", str(SAMPLE), "--received-at", "2026-01-15T09:30:00")
    second = parse("twilio", str(SAMPLE), "--received-at", "2026-01-16T09:30:00")
    assert first[0]["id"] == second[0]["id"]


def test_an_unknown_provider_is_named() -> None:
    result = CliRunner().invoke(app, ["parse", "pigeon", str(SAMPLE)])
    assert result.exit_code != 0
    assert "pigeon" in result.output
