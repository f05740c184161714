"""A replay waits for what is away, and a command that was mistyped does nothing."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
import typer
from typer.testing import CliRunner

from common.cli import add_replay
from common.core.errors import TransientError
from common.edges.components import Closing
from common.edges.ingest import IngestService
from common.edges.replay import BATCH_RECORDS, Replay
from common.edges.service import Health


async def test_a_replay_waits_for_kafka_and_the_objects_and_goes_on(desk: Any) -> None:
    class Flaky:
        """Fails every other time; keeps the promises of what is behind it the other times."""

        def __init__(self, behind: Any) -> None:
            self.behind, self.calls, self.records = behind, 0, 0

        def stumble(self) -> None:
            self.calls += 1
            if self.calls % 2:
                raise TransientError("away")

        async def drafts(self, *given: Any) -> Any:
            return await self.behind.drafts(*given)

        async def completed(self, *given: Any) -> Any:
            self.stumble()
            return await self.behind.completed(*given)

        async def publish(self, records: Any) -> None:
            self.stumble()
            self.records += len(records)

    await desk.drain()
    texts = [f"予約{number}" for number in range(BATCH_RECORDS + 1)]
    for text in texts:
        await desk.originals.keep(desk.original(text))
    publisher: Any = Flaky(desk.publisher)
    replay = Replay(desk.originals, desk.accounts, Flaky(desk.intake), publisher, 0)
    done = await replay.run("", lambda _: None, dry_run=False)
    assert (done.events, publisher.records) == (len(texts), len(texts))


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def command(desk: Any, closed: list[str]) -> typer.Typer:
    async def close() -> None:
        closed.append("closed")

    def build() -> IngestService:
        closing = Closing(close)
        replay = Replay(desk.originals, desk.accounts, desk.intake, desk.publisher, 0)
        parts: dict[str, Any] = dict.fromkeys(IngestService.__struct_fields__) | {
            "health": Health(),
            "replay": replay,
            "closing": closing,
            "components": (closing,),
        }
        return IngestService(**parts)

    app = typer.Typer()
    add_replay(app, "ingest_plain", build)
    return app


def test_the_command_tells_what_it_did_and_lets_go_of_everything(desk: Any) -> None:
    closed: list[str] = []
    told = CliRunner().invoke(command(desk, closed), ["--since", "2026/11", "--dry-run"])
    assert (told.exit_code, told.stdout.strip(), closed) == (0, "0 originals, 0 events", ["closed"])


@pytest.mark.parametrize("since", ["yesterday", "2026-11-21", "2026/1", "../files"])
def test_a_day_that_is_none_is_refused(desk: Any, since: str) -> None:
    assert CliRunner().invoke(command(desk, []), ["--since", since]).exit_code == 2
