"""The tool that the documents show follows a customer of running services live."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

import httpx
import pytest
from tests.contract.conftest import CONTACT, SECONDS, Known, Surfaces, webhook_of
from tests.samples.golden import FOLDER
from tests.samples.signing import signed

from common.edges.clock import system_clock
from local_stack.layout import ROOT

TOOL = ROOT / "docs" / "examples" / "follow.py"


@pytest.fixture
def tool(
    surfaces: Surfaces, environment: Mapping[str, str], known: Known
) -> Iterator[subprocess.Popen[str]]:
    """The tool, following whoever wrote; it is told where to ask and by which token."""
    assert CONTACT in known["contact"]
    told = {"BASE": surfaces["timeline"], "TOKEN": environment["TOKEN"], "PYTHONUTF8": "1"}
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-u", str(TOOL), CONTACT],
        env={**os.environ, **told},  # noqa: TID251 - what a program is started with
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as running:
        yield running
        running.kill()


def written(surfaces: Surfaces, text: str, number: str) -> None:
    """Write as the customer, on LINE."""
    body = json.loads((FOLDER / "social" / "line" / "text.json").read_bytes())
    [event] = body["events"]
    event["webhookEventId"] = event["webhookEventId"][: -len(number)] + number
    event["message"] |= {"id": event["message"]["id"][: -len(number)] + number, "text": text}
    original = signed("line", json.dumps(body).encode(), system_clock())
    url = webhook_of(surfaces, "line")
    answer = httpx.post(url, content=original.body, headers=original.headers, timeout=SECONDS)
    assert answer.status_code == 200


def line_with(tool: subprocess.Popen[str], words: str) -> str:
    """Return the line in which the tool prints these words; it may print others before."""
    assert tool.stdout
    return next(line for line in tool.stdout if words in line)


def test_the_tool_prints_the_history_and_then_japanese_messages_as_they_arrive(
    surfaces: Surfaces, tool: subprocess.Popen[str]
) -> None:
    assert CONTACT in line_with(tool, CONTACT)
    assert line_with(tool, "case.routed").startswith("  ")
    for number, words in enumerate(("注文番号は1204です。", "領収書もお願いできますか。")):
        written(surfaces, words, f"70{number}")
        assert line_with(tool, words).startswith("+")


def test_the_documents_show_the_tool_as_it_is() -> None:
    shown = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert f"```python\n{TOOL.read_text('utf-8')}```" in shown


def test_the_tool_is_sixty_lines_at_most() -> None:
    assert len(TOOL.read_text("utf-8").splitlines()) <= 60
