"""Sessions that stay set for whoever asked last: nobody ever sees what is another's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from common.core.errors import TransientError
from common.edges.sessions import Question, Questions

HOW = Question.of(
    text(
        """
        SELECT current_setting('madoguchi.tenant', true) AS tenant, pg_backend_pid() AS backend,
               current_setting('enable_sort') AS sorts, :word || 'です' AS said
        """
    )
)
SLEEP = Question.of(text("SELECT pg_sleep(:seconds)"))
SLEEPING = Question.of(
    text("SELECT count(*) AS sleeping FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
)
END = Question.of(text("SELECT pg_terminate_backend(pg_backend_pid())"))
WRITE = Question.of(text("CREATE TABLE anything ()"))


@pytest.fixture
async def questions(database_url: str) -> AsyncIterator[Questions]:
    """One session only, so that everybody is handed the same."""
    questions = Questions(database_url, "public", size=1)
    yield questions
    await questions.close()


async def asked(questions: Questions, tenant: str, **settings: str) -> dict[str, Any]:
    [row] = await questions.ask_of(tenant, HOW, {"word": "返品", "and": "more"}, settings)
    return dict(row)


async def test_who_asks_after_another_has_his_own_tenant_and_settings(questions: Questions) -> None:
    first = await asked(questions, "acme", enable_sort="off")
    again = await asked(questions, "acme", enable_sort="off")
    other = await asked(questions, "globex")
    assert first == again == {**first, "tenant": "acme", "sorts": "off", "said": "返品です"}
    assert other == {**first, "tenant": "globex", "sorts": "on"}, "on the same session"


async def test_the_first_who_ask_at_the_same_time_share_what_there_is(questions: Questions) -> None:
    one, other = await asyncio.gather(asked(questions, "acme"), asked(questions, "globex"))
    assert (one["tenant"], other["tenant"]) == ("acme", "globex")
    assert one["backend"] == other["backend"]


async def test_who_names_no_tenant_after_nobody_sees_none(questions: Questions) -> None:
    [row] = await questions.ask(HOW, {"word": ""})
    assert not row["tenant"]


async def test_what_could_not_be_set_is_nobodys(questions: Questions) -> None:
    first = await asked(questions, "acme")
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await asked(questions, "globex", enable_sort="返品")
    last = await asked(questions, "initech")
    assert last["tenant"] == "initech"
    assert last["backend"] != first["backend"]


async def test_a_lost_session_is_a_passing_trouble_and_the_next_one_is_opened(
    questions: Questions,
) -> None:
    first = await asked(questions, "acme")
    with pytest.raises(TransientError):
        await questions.ask_of("acme", END, {}, {})
    assert (await asked(questions, "acme"))["backend"] != first["backend"]


async def test_who_is_cut_off_leaves_nothing_behind(questions: Questions) -> None:
    await asked(questions, "acme")
    asking = asyncio.create_task(questions.ask_of("globex", SLEEP, {"seconds": 30}, {}))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await asked(questions, "acme"))["tenant"] == "acme"
    [row] = await questions.ask_of("acme", SLEEPING, {}, {})
    assert row["sleeping"] == 0


async def test_nobody_writes_by_asking(questions: Questions) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await questions.ask_of("acme", WRITE, {}, {})
    assert (await asked(questions, "acme"))["tenant"] == "acme"


async def test_everybody_is_no_tenant(questions: Questions) -> None:
    with pytest.raises(ValueError, match="one tenant"):
        await asked(questions, "*")


async def test_who_finds_none_free_tries_again_later(
    questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.edges.sessions.CONNECT_SECONDS", 0.1)
    await asked(questions, "acme")
    slow = asyncio.create_task(questions.ask_of("acme", SLEEP, {"seconds": 1}, {}))
    await asyncio.sleep(0.02)
    with pytest.raises(TransientError):
        await asked(questions, "acme")
    await slow
