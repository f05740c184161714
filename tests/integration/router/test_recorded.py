"""A day that Postgres recorded is read again whole, decided again byte for byte, and simulated."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from common.core.events import Contract, CustomerChanged
from common.core.work import Presence
from router.__main__ import app
from router.core.loading import load
from router.core.policy import Policy, compiled
from router.core.presence import Profile
from router.core.simulation.history import History
from router.core.simulation.replaying import checked
from router.core.simulation.report import Asked, Report
from router.edges.agents_store import register, set_presence
from router.edges.consume import Routing
from router.edges.recorded import recorded
from router.edges.roster_view import RosterView
from router.edges.simulating import recorded_report
from router.edges.simulation_words import EN

TARO, HANAKO = "line:main:U4af4980629", "line:main:U2"
NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
START, END = NOW - timedelta(hours=1), NOW + timedelta(hours=8)
MINUTE = timedelta(minutes=1)
TECHNICIAN = Profile(
    queues=("technical", "general", "billing"),
    skills={"network": 4, "japanese": 5, "billing": 3, "retention": 2},
    team="technicians",
)


@pytest.fixture
async def history(
    writer: AsyncEngine,
    reader: AsyncEngine,
    policy: Policy,
    says: Callable[..., Any],
    tells: Callable[..., Any],
) -> History:
    """A morning: a technician comes, customers write, he leaves, they write again."""
    view, clock = RosterView(writer), [NOW]
    routing = Routing(lambda: policy, lambda: clock[0], view.of)
    profile = CustomerChanged(
        customer_ref="crm-77",
        contacts=(TARO,),
        changed_at=NOW - timedelta(days=1),
        tier="vip",
        contracts=(
            Contract(contract_id="K-1", plan="standard", starts_at=NOW - timedelta(days=9)),
        ),
    )

    async def handle(*batch: Any, minutes: float) -> None:
        clock[0] = NOW + minutes * MINUTE
        await view.refresh()
        async with writer.begin() as connection:
            await routing.handle(connection, [item.received for item in batch])

    async def is_there(presence: Presence, minutes: float) -> None:
        async with writer.begin() as connection:
            at = NOW + minutes * MINUTE
            await set_presence(connection, "acme", "sato", presence, policy, at)

    await handle(tells(profile), says("こんにちは", contact=HANAKO), minutes=-10)
    async with writer.begin() as connection:
        await register(connection, "acme", "sato", TECHNICIAN, policy, NOW - 9 * MINUTE, "田中")
    await is_there(Presence.ONLINE, -8)
    await handle(says("ルーターがつながりません。"), minutes=0)
    await handle(says("請求書をください", contact=HANAKO), says("至急です", minutes=1), minutes=1)
    await is_there(Presence.OFFLINE, 60)
    await handle(says("障害です", contact="line:main:U3", minutes=70), minutes=70)
    await handle(says("よその会社です", contact="line:main:U9", tenant="globex"), minutes=71)
    return await recorded(reader, "acme", START, END)


async def test_every_decision_of_the_day_is_made_again_byte_for_byte(
    history: History, policy: Policy
) -> None:
    check = checked(history, policy)
    assert (check.same, check.differing, check.others) == (5, (), 0)
    assert [kept.inputs.roster is None for kept in history.kept] == [True, *[False] * 4]


async def test_only_what_lies_within_the_time_and_the_tenant_is_read(
    history: History, reader: AsyncEngine
) -> None:
    assert {case.tenant for case in history.cases} == {"acme"}
    assert [event.agent.presence for event in history.roster] == ["offline", "online", "offline"]
    later = await recorded(reader, "acme", NOW + 65 * MINUTE, END)
    assert len(later.kept) == 1
    assert len(later.cases) == 3
    assert len(later.roster) == 3


@pytest.fixture
def report(history: History, policy: Policy, rules_path: Any) -> Callable[..., Report]:
    """Ask what the day would have been under rules in which something is replaced."""

    def run(old: str = "", new: str = "", current: Policy | None = None) -> Report:
        content = rules_path.read_text("utf-8").replace(old, new, 1) if old else None
        changed = load(content.encode()) if content else None
        candidate = compiled(changed.rules, changed.version) if changed else policy
        asked = Asked(candidate="candidate.yaml", start=START, end=END)
        told: list[float] = []
        given = (asked, history, candidate, current, 10, 10 * MINUTE, EN, told.append)
        found = recorded_report(*given)
        assert told[-1] == 1.0
        return found

    return run


async def test_the_same_rules_send_nothing_elsewhere(report: Callable[..., Report]) -> None:
    found = report()
    assert found.differences is not None
    assert (found.differences.messages, found.differences.moved, found.differences.changed) == (
        5,
        0,
        0,
    )
    assert "5 decisions are equal" in found.notes[0]
    # the technician takes what waits until he leaves; the outage waits
    assert (found.candidate.total.arrived, found.candidate.total.taken) == (3, 2)
    assert [agent.team for agent in found.candidate.agents] == ["technicians"]


async def test_other_rules_show_what_they_send_elsewhere(
    report: Callable[..., Report], policy: Policy
) -> None:
    found = report('"請求", "領収書"', '"領収書"', policy)
    assert found.current is not None
    assert found.differences is not None
    assert found.differences.moves == (("billing", "general", 1),)
    assert "5 decisions are equal" in found.notes[0]


async def test_a_time_of_which_nothing_is_recorded_says_so(
    reader: AsyncEngine, history: History, policy: Policy
) -> None:
    assert history.offers == ()
    empty = await recorded(reader, "initech", START, END)
    asked = Asked(candidate="candidate.yaml", start=START, end=END)
    found = recorded_report(asked, empty, policy, None, 0, MINUTE, EN, lambda _: None)
    assert found.candidate.total.arrived == 0
    assert found.notes[-1] == EN.nobody_there


@pytest.fixture
def candidate(rules_path: Path, tmp_path: Path) -> Path:
    """The rules, but 請求 alone no longer makes a message one for billing."""
    path = tmp_path / "candidate.yaml"
    text = rules_path.read_text("utf-8").replace('"請求", "領収書"', '"領収書"')
    path.write_text(text, "utf-8")
    return path


async def test_the_command_reads_the_day_and_compares_with_the_rules_in_force(
    history: History, router_url: str, rules_path: Path, candidate: Path, tmp_path: Path
) -> None:
    options = {
        "--rules": candidate,
        "--against": "current",
        "--from": "2026-11-24T10:40:00",  # by the clock in Tokyo
        "--to": "2026-11-24T19:40:00",
        "--lang": "ja",
        "--html": tmp_path / "page.html",
        "--json": tmp_path / "report.json",
    }
    words = ["simulate", *(str(word) for option in options.items() for word in option)]
    given = {"MADOGUCHI_DATABASE": router_url, "MADOGUCHI_RULES": str(rules_path), "COLUMNS": "180"}
    shown = await asyncio.to_thread(partial(CliRunner().invoke, app, words, env=given))
    assert shown.exit_code == 0, shown.output
    assert f"{len(history.kept)} 件がバイト単位で一致し" in shown.output
    report = msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=Report)
    assert report.differences is not None
    assert report.differences.moves == (("billing", "general", 1),)
    assert report.asked.start == START
    assert "別のキューへ行くメッセージ" in (tmp_path / "page.html").read_text("utf-8")


async def test_the_command_says_when_the_database_is_away(rules_path: Path) -> None:
    words = ["simulate", "--rules", str(rules_path), "--from", "2026-11-24", "--to", "2026-11-25"]
    nowhere = {"MADOGUCHI_DATABASE": "postgresql://nobody@127.0.0.1:9/none"}
    shown = await asyncio.to_thread(partial(CliRunner().invoke, app, words, env=nowhere))
    assert shown.exit_code == 1
    assert "database" in shown.output
