"""What an operator can do about the figures on the command line."""

import asyncio

import asyncpg
import pytest
from typer.testing import CliRunner

from timeline.__main__ import app


@pytest.fixture
def command(migrated: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("MADOGUCHI_DATABASE", migrated)
    return CliRunner()


async def hold_the_rebuild(url: str, held: asyncio.Event, done: asyncio.Event) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext('timeline.figures.rebuild'))")
        held.set()
        await done.wait()
    finally:
        await connection.close()


def test_figures_are_counted_anew_with_a_word_on_how_far_it_is(command: CliRunner) -> None:
    result = command.invoke(app, ["figures", "rebuild"])
    assert result.exit_code == 0, result.output
    assert "0 of 0 contacts, 0 events" in result.output
    assert "questions ask generation 2 now" in result.output


async def test_a_second_rebuild_is_refused_in_one_sentence(
    command: CliRunner, migrated: str
) -> None:
    held, done = asyncio.Event(), asyncio.Event()
    holding = asyncio.create_task(hold_the_rebuild(migrated, held, done))
    await held.wait()
    result = await asyncio.to_thread(command.invoke, app, ["figures", "rebuild"])
    done.set()
    await holding
    assert result.exit_code == 2
    assert "already" in result.output
