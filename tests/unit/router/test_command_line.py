"""`explain` and `rules check` tell people what the router would do, without any server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from common.core.events import Contract, CustomerChanged, MessageKind
from router.__main__ import app
from router.core.facts import Arrival
from router.core.loading import load

Written = Callable[..., Arrival]


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run `python -m router …` on a terminal wide enough for whole sentences."""

    def invoke(*arguments: object) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, words, env={"COLUMNS": "160"})

    return invoke


@pytest.fixture
def rules(tmp_path: Path, rules_text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(rules_text, "utf-8")
    return path


@pytest.fixture
def message(tmp_path: Path, written: Written) -> Path:
    """A bare message in a file."""
    path = tmp_path / "message.json"
    path.write_bytes(msgspec.json.encode(written("至急!障害です").message))
    return path


@pytest.fixture
def profile(tmp_path: Path, written: Written) -> Path:
    arrival = written()
    contract = Contract(
        contract_id="K-1", plan="gold", starts_at=arrival.message.received_at.replace(year=2025)
    )
    known = CustomerChanged(
        customer_ref="crm-1",
        contacts=(arrival.contact,),
        changed_at=arrival.message.received_at,
        tier="vip",
        contracts=(contract, msgspec.structs.replace(contract, contract_id="K-2", plan="silver")),
    )
    path = tmp_path / "profile.json"
    path.write_bytes(msgspec.json.encode(known))
    return path


def test_a_decision_is_explained_with_all_its_reasons(
    run: Callable[..., Result], rules: Path, message: Path, profile: Path
) -> None:
    result = run("explain", "--rules", rules, "--message", message, "--profile", profile)
    assert result.exit_code == 0, result.output
    for words in (
        "technical — rule outage (outages go to the technicians): open, taken as staffed",
        "gold (K-1)",
        "first response due",
        "2026-11-24 12:40:00",
        "2026-11-24 09:50:00 = 2026-11-24 12:40:00 less 2:50:00 for 85 points; earliest first",
        "in force, but K-1 (plan gold) promises an earlier answer",
        "tier vip: dear to us",
        "words of urgency: 至急",
        "≥ 3",
        "all its conditions hold; found: 障害",
        'does not hold: mentions("請求")',
    ):
        assert words in result.output


def test_the_same_decision_can_be_read_in_japanese(
    run: Callable[..., Result], rules: Path, message: Path
) -> None:
    result = run("explain", "--rules", rules, "--message", message, "--lang", "ja")
    for words in ("初回応答の期限", "契約なし", "案件を開く", "急ぎを示す言葉: 至急", "受付中"):
        assert words in result.output


def test_it_can_be_asked_what_would_happen_at_another_hour(
    run: Callable[..., Result], rules: Path, message: Path
) -> None:
    night = "2026-11-24T18:00:00"  # three in the morning in Tokyo
    result = run("explain", "--rules", rules, "--message", message, "--at", night)
    assert "closed, opens 2026-11-25 09:00" in result.output
    assert "nightshift — takes what technical cannot (rule outage)" in result.output


def test_events_a_line_each_are_one_conversation(
    run: Callable[..., Result], rules: Path, tmp_path: Path, written: Written
) -> None:
    """What `python -m ingest_… parse` prints can be fed in as it is."""
    kinds = (MessageKind.MESSAGE, MessageKind.REACTION, MessageKind.SYSTEM)
    lines = [_event(written("障害です", kind=k, message_id=str(k))) for k in kinds]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(lines) + "\n\n", "utf-8")
    result = run("explain", "--rules", rules, "--message", file, "--lang", "en")
    assert result.exit_code == 0, result.output
    assert result.output.count("Decision") == 2
    assert "(opens a case)" in result.output
    assert "belongs to the open case and changes nothing" in result.output
    assert "a message of kind system asks nobody for anything" in result.output


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "JSON is malformed"),
        ("{}", "missing required field"),
        ('{"specversion": "1.0"}', "bad-envelope"),
    ],
)
def test_a_file_that_is_no_message_is_refused_in_words(
    run: Callable[..., Result], rules: Path, tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "message.json"
    file.write_text(content)
    result = run("explain", "--rules", rules, "--message", file)
    assert result.exit_code == 1
    assert complaint in result.output
    assert "Traceback" not in result.output


def test_an_event_of_another_type_and_two_profiles_are_refused(
    run: Callable[..., Result],
    rules: Path,
    message: Path,
    profile: Path,
    tmp_path: Path,
    written: Written,
) -> None:
    event = tmp_path / "event.json"
    event.write_text(_event(written()), "utf-8")
    wrong = run("explain", "--rules", rules, "--message", message, "--profile", event)
    both = tmp_path / "two.jsonl"
    both.write_bytes(profile.read_bytes() + b"\n" + profile.read_bytes())
    two = run("explain", "--rules", rules, "--message", message, "--profile", both)
    assert (wrong.exit_code, two.exit_code) == (1, 1)
    assert "not what is asked for here" in wrong.output
    assert "one profile, please" in two.output


def test_it_tells_what_would_have_led_to_another_queue(
    run: Callable[..., Result], rules: Path, message: Path
) -> None:
    asked = ("explain", "--rules", rules, "--message", message, "--instead", "billing")
    english, japanese = run(*asked), run(*asked, "--lang", "ja")
    assert "Why not billing?" in english.output
    assert "the text mentioned 請求 (rule bills), and rule bills stood above" in english.output
    assert "billing にならなかったのは?" in japanese.output
    assert "さらにルール bills がルール outage より上にあったら" in japanese.output
    there = run("explain", "--rules", rules, "--message", message, "--instead", "technical")
    assert "It does go to technical." in there.output
    nowhere = run("explain", "--rules", rules, "--message", message, "--instead", "nowhere")
    assert nowhere.exit_code == 1
    assert "no queue is called nowhere" in nowhere.output


def test_it_needs_something_to_explain(run: Callable[..., Result]) -> None:
    result = run("explain")
    assert result.exit_code == 1
    assert "--rules and --message, or --case or --message-event" in result.output


def test_the_priority_of_what_can_wait_is_told_as_what_it_is(
    run: Callable[..., Result], rules: Path, message: Path, rules_text: str
) -> None:
    rules.write_text(rules_text.replace("points: 25", "points: -60"), "utf-8")
    result = run("explain", "--rules", rules, "--message", message)
    assert (
        "2026-11-25 13:20:00 = 2026-11-25 11:40:00 and 1:40:00 more for -50 points" in result.output
    )


def test_what_is_odd_about_rules_is_told_with_its_line_and_is_no_failure_unless_asked(
    run: Callable[..., Result], rules: Path, rules_text: str
) -> None:
    rules.write_text(rules_text.replace('["障害", "outage"]', '["障害", "全国障害"]'), "utf-8")
    line = rules_text[: rules_text.index("    when: mentions([")].count("\n") + 1
    result = run("rules", "check", rules)
    assert result.exit_code == 0
    assert (
        f"{rules}:{line}: warning: the rule outage finds 全国障害 already by 障害" in result.output
    )
    assert run("rules", "check", rules, "--strict").exit_code == 1


def test_staff_and_a_sample_are_held_against_the_rules(
    run: Callable[..., Result], rules: Path, message: Path, tmp_path: Path
) -> None:
    staff = tmp_path / "agents.json"
    agents = [{"agent": "suzuki", "skills": {"network": 2}, "queues": ["technical"]}]
    staff.write_text(json.dumps(agents))
    result = run("rules", "check", rules, "--roster", staff, "--sample", message, "--strict")
    assert result.exit_code == 1
    for words in (
        "nobody has the skill japanese",
        "nobody works in the queue billing",
        "the rule outage asks for network 3; the best has 2",
        "no message of the sample matches the rule bills",
    ):
        assert words in result.output
    assert "matches the rule outage" not in result.output
    staff.write_text("{}")
    refused = run("rules", "check", rules, "--roster", staff)
    assert refused.exit_code == 1
    assert "Expected `array`" in refused.output


def test_two_files_are_compared_in_words(
    run: Callable[..., Result], rules: Path, tmp_path: Path, rules_text: str
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(rules_text.replace("first_response: 8h", "first_response: 6h"), "utf-8")
    assert run("rules", "diff", rules, other).output == "plan default.first_response: 8h → 6h\n"
    japanese = run("rules", "diff", rules, other, "--lang", "ja")
    assert japanese.output == "プラン default.first_response: 8h → 6h\n"


def test_where_the_file_is_the_only_truth_nothing_can_be_activated(
    run: Callable[..., Result], rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADOGUCHI_RULES_SOURCE", "file")
    for command in (("activate", rules), ("rollback",)):
        result = run("rules", *command)
        assert result.exit_code == 1
        assert "change the file" in result.output
    monkeypatch.setenv("MADOGUCHI_RULES", str(rules))
    assert run("rules", "diff", "current", rules).output == ""


def test_good_rules_are_counted_and_named_by_their_version(
    run: Callable[..., Result], rules: Path
) -> None:
    result = run("rules", "check", rules)
    assert result.exit_code == 0
    assert "3 rules, 4 queues, 3 plans" in result.output
    assert load(rules.read_bytes()).version in result.output


def test_bad_rules_are_refused_with_every_mistake_and_its_line(
    run: Callable[..., Result], rules: Path, message: Path, rules_text: str
) -> None:
    rules.write_text(rules_text.replace("calendar: night}", "calendar: x}"), "utf-8")
    line = rules_text[: rules_text.index("  nightshift:")].count("\n") + 1
    for words in (("rules", "check", rules), ("explain", "--rules", rules, "--message", message)):
        result = run(*words)
        assert result.exit_code == 1
        assert f"{rules}:{line}: no calendar is called x" in result.output


def _event(arrival: Arrival) -> str:
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(arrival.event),
        "source": "/test",
        "type": "io.madoguchi.message.received",
        "subject": arrival.contact,
        "time": arrival.message.received_at.isoformat(),
        "tenant": arrival.tenant,
        "data": msgspec.to_builtins(arrival.message),
    }
    return json.dumps(envelope, ensure_ascii=False)
