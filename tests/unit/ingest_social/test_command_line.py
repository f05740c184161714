"""`python -m ingest_social parse` shows the events of a request without any server."""

import json

from tests.samples.golden import FOLDER
from typer.testing import CliRunner

from ingest_social.__main__ import app

SAMPLE = FOLDER / "social" / "line" / "odd-events-between-good-ones.json"


def test_a_request_becomes_a_line_of_json_per_event() -> None:
    result = CliRunner().invoke(app, ["parse", "line", str(SAMPLE), "--tenant", "acme"])
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(events) == len(json.loads(SAMPLE.read_bytes())["events"])
    assert {event["tenant"] for event in events} == {"acme"}
    assert events[0]["data"]["text"] == "一"
