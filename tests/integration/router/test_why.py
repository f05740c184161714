"""What was decided is recalled, made again and asked about, by command and by HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner, Result

from common.core.work import Presence
from common.edges.database import acting
from router.__main__ import app
from router.core.changes import Skill
from router.core.counterfactual import instead
from router.core.policy import Policy
from router.core.presence import Profile
from router.core.worlds import decision_in
from router.edges import rules_store
from router.edges.agents_store import register, set_presence
from router.edges.consume import Routing
from router.edges.recalling import UnknownRulesError, recall, world_of
from router.edges.roster_view import RosterView

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
NOVICE = Profile(
    name="田中 一郎",
    team="東京",
    skills={"network": 2, "japanese": 5},
    queues=("technical",),
    capacity=1,
    channels={},
)

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]
Bearer = Callable[..., dict[str, str]]
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def run(router_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `python -m router …` on this database."""
    monkeypatch.setenv("MADOGUCHI_DATABASE", router_url)

    async def invoke(*arguments: object) -> Result:
        words = [str(argument) for argument in arguments]
        # the command has a loop of its own
        return await asyncio.to_thread(CliRunner().invoke, app, words, env={"COLUMNS": "160"})

    return invoke


@pytest.fixture(scope="session")
def content(rules_path: Path) -> str:
    return rules_path.read_text("utf-8")


@pytest.fixture
def files(tmp_path: Path, content: str) -> tuple[Path, Path]:
    """The local stack's rules, and the same with a better promise."""
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(content, "utf-8")
    second.write_text(content.replace("first_response: 8h", "first_response: 6h"), "utf-8")
    return first, second


@pytest.fixture
async def case_id(
    writer: AsyncEngine, policy: Policy, rows: Rows, says: Write, content: str
) -> str:
    """An outage that the only technician signed in cannot mend; later he is gone."""
    async with writer.begin() as connection:
        await rules_store.keep(connection, content.encode(), rules_store.FILE, NOW)
    async with acting(writer, "acme") as connection:
        await register(connection, "acme", "tanaka", NOVICE, policy, NOW, "sato")
        await set_presence(connection, "acme", "tanaka", Presence.ONLINE, policy, NOW)
    view = RosterView(writer)
    await view.refresh()
    routing = Routing(lambda: policy, lambda: NOW, view.of)
    async with writer.begin() as connection:
        await routing.handle(connection, [says("障害です").received])
    async with acting(writer, "acme") as connection:
        await set_presence(connection, "acme", "tanaka", Presence.OFFLINE, policy, NOW)
    (case,) = await rows("SELECT case_id, queue FROM support_case")
    assert case.queue == "general"
    return str(case.case_id)


@pytest.mark.usefixtures("case_id")
async def test_a_recorded_decision_is_made_again_with_the_people_of_its_time(
    writer: AsyncEngine, rows: Rows
) -> None:
    (case,) = await rows("SELECT case_id, decided_by FROM support_case")
    async with writer.connect() as connection:
        recalled = await recall(connection, case.case_id, None)
        same = await recall(connection, None, case.decided_by)
        assert recalled is not None
        world = await world_of(connection, recalled)
        english = await world_of(connection, recalled, "en")
    assert recalled == same
    assert decision_in(world) == recalled.decision
    assert decision_in(english) != recalled.decision
    found = instead(world, "technical")
    assert found.answers[0].changes == (
        Skill(queue="technical", profile=dict(NOVICE.skills), skill="network", level=2, to=3),
    )


async def test_what_nobody_decided_is_not_recalled(writer: AsyncEngine) -> None:
    async with writer.connect() as connection:
        assert await recall(connection, None, None) is None


@pytest.mark.usefixtures("case_id")
async def test_without_the_rules_of_that_time_nothing_is_guessed(
    writer: AsyncEngine, rows: Rows
) -> None:
    (case,) = await rows("SELECT case_id FROM support_case")
    async with writer.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM rules_version")
        recalled = await recall(connection, case.case_id, None)
        assert recalled is not None
        with pytest.raises(UnknownRulesError, match="were not kept"):
            await world_of(connection, recalled)


async def test_a_supervisors_tool_can_ask_why_not_another_queue(
    api: httpx.AsyncClient, bearer: Bearer, case_id: str
) -> None:
    url = f"/v1/cases/{case_id}/decision/instead"
    answer = (await api.get(f"{url}?queue=technical", headers=bearer())).json()
    assert (answer["there"], answer["complete"], answer["says"]) == (False, True, None)
    assert answer["answers"][0] == {
        "cost": 1,
        "sentence": "technical の担当者(japanese 5, network 2)の network が 2 ではなく 3 だったら",
        "changes": [
            {
                "kind": "skill",
                "queue": "technical",
                "profile": {"network": 2, "japanese": 5},
                "skill": "network",
                "level": 2,
                "to": 3,
            }
        ],
    }
    there = (await api.get(f"{url}?queue=general&lang=en", headers=bearer())).json()
    assert (there["there"], there["says"]) == (True, "It does go to general.")


async def test_a_queue_that_there_was_not_and_a_strangers_case_are_refused(
    api: httpx.AsyncClient, bearer: Bearer, case_id: str, writer: AsyncEngine
) -> None:
    url = f"/v1/cases/{case_id}/decision/instead"
    assert (await api.get(f"{url}?queue=nowhere", headers=bearer())).status_code == 422
    other = bearer(tenant="other")
    assert (await api.get(f"{url}?queue=technical", headers=other)).status_code == 404
    async with writer.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM rules_version")
    forgotten = await api.get(f"{url}?queue=technical", headers=bearer())
    assert forgotten.status_code == 404
    assert "were not kept" in forgotten.text


async def test_a_recorded_decision_is_explained_by_command(
    run: Run, rows: Rows, case_id: str, router_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = await rows("SELECT decided_by FROM support_case")
    japanese = await run("explain", "--case", case_id, "--instead", "technical")
    assert japanese.exit_code == 0, japanese.output
    assert "障害です" in japanese.output
    assert "network が 2 ではなく 3 だったら" in japanese.output
    monkeypatch.delenv("MADOGUCHI_DATABASE")
    english = await run(
        "explain", "--message-event", case.decided_by, "--database", router_url, "--lang", "en"
    )
    assert "nobody signed in has network ≥ 3" in english.output
    unknown = await run("explain", "--case", case.decided_by, "--database", router_url)
    assert unknown.exit_code == 1
    assert "nothing was decided about it" in unknown.output


async def test_what_this_release_would_decide_otherwise_is_shown_as_it_was(
    run: Run, writer: AsyncEngine, case_id: str
) -> None:
    change = "UPDATE decision SET body = CAST(replace(CAST(body AS text), '\"general\"', '\"vip\"') AS json)"
    async with writer.begin() as connection:
        await connection.exec_driver_sql(change)
    result = await run("explain", "--case", case_id)
    assert "this release would decide otherwise" in result.output
    assert "vip —" in result.output


async def test_rules_are_activated_compared_and_rolled_back_by_command(
    run: Run, files: tuple[Path, Path], content: str
) -> None:
    first, second = files
    nothing = await run("rules", "rollback")
    assert (nothing.exit_code, "nothing was ever activated" in nothing.output) == (1, True)
    put = await run("rules", "activate", first, "--by", "鈴木", "--note", "はじめ")
    assert "in force: activation 1 by 鈴木" in put.output
    assert "in force already" in (await run("rules", "activate", first)).output
    alone = await run("rules", "rollback")
    assert (alone.exit_code, "no other rules are known" in alone.output) == (1, True)
    shown = await run("rules", "diff", "current", second, "--lang", "en")
    assert shown.output == "plan default.first_response: 8h → 6h\n"

    assert (await run("rules", "activate", second, "--by", "高橋")).exit_code == 0
    late = await run("rules", "activate", first, "--by", "鈴木", "--expect", 1)
    assert late.exit_code == 1
    assert "other rules came into force meanwhile: activation 2 by 高橋" in late.output
    back = await run("rules", "rollback", "--by", "鈴木")
    assert "in force: activation 3 by 鈴木" in back.output
    listed = (await run("rules", "history")).output
    for words in ("roll-back of activation 2", "はじめ", "高橋"):
        assert words in listed

    version = put.output.split()[-1]
    assert (await run("rules", "show", version[:10])).output == content
    assert (await run("rules", "show", "xyz")).exit_code == 1
    assert (await run("rules", "diff", version[:10], "nowhere")).exit_code == 1
    unknown = await run("rules", "rollback", "--to", "xyz")
    assert "no single version begins with xyz" in unknown.output
    forward = await run("rules", "rollback", "--to", version[:10], "--reason", "やはり元に")
    assert "(やはり元に)" in forward.output


@pytest.mark.usefixtures("case_id")
async def test_the_staff_of_the_database_is_held_against_the_rules(
    run: Run, rules_path: Path
) -> None:
    result = await run("rules", "check", rules_path, "--roster", "database")
    assert result.exit_code == 0
    assert "warning: nobody has the skill billing" in result.output
    assert "warning: nobody works in the queue vip" in result.output
    assert "the rule outage asks for network 3; the best has 2" in result.output


async def test_a_database_that_is_away_is_told_in_words(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADOGUCHI_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    result = await run("rules", "history")
    assert (result.exit_code, "database: " in result.output) == (1, True)
