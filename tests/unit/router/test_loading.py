"""A rules file is read whole or refused with every mistake and its line."""

import pytest
from hypothesis import given, strategies as st

from router.core.loading import RulesError, load
from router.core.marked_yaml import parse
from router.core.rules import seconds


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(RulesError) as refused:
        load(text.encode())
    return [(problem.line, problem.reason) for problem in refused.value.problems]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_rules_keep_their_order_and_their_version(rules_text: str) -> None:
    loaded = load(rules_text.encode())
    assert [rule.id for rule in loaded.rules.rules] == ["outage", "bills", "japanese"]
    assert len(loaded.version) == 64


def test_the_version_is_of_what_the_rules_say_not_of_how_they_are_laid_out(rules_text: str) -> None:
    moved = "# a comment\n" + rules_text.replace(
        "skills: {japanese: speaks it, network: knows routers",
        "skills: {network: knows routers, japanese: speaks it",
    )
    said = rules_text.replace("first_response: 8h", "first_response: 7h")
    assert load(moved.encode()).version == load(rules_text.encode()).version
    assert load(said.encode()).version != load(rules_text.encode()).version


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("first_response: 8h", "first_response: 8 hours", "Expected a duration such as 30m"),
        ('"09:00-12:00", ', '"9-12", ', "Expected a period such as 09:00-12:00"),
        ("  gold: {", "  Gold: {", "Expected a name of lower-case letters"),
        ("language: en", "language: fr", "language: Invalid enum value 'fr'"),
        ("priority: {points: 25", "priority: {points: 250", "Expected `int` <= 100"),
        ("priority: {points: 25, reason: an outage}", "prio: 25", "unknown field `prio`"),
        ("credit: {per_point", "credits: {per_point", "no section is called credits"),
        ("skills: {network: 3}", "skills: {network: 6}", "Expected `int` <= 5"),
        ("sentence: everybody, ", "", "missing required field `sentence`"),
        ("zone: Asia/Tokyo", "zone: Asia/Tokio", "no time zone is called Asia/Tokio"),
        ("zone: Asia/Tokyo", "zone: ../etc/passwd", "no time zone is called ../etc/passwd"),
        ('open: {mon-fri: ["09', 'open: {mon-foo: ["09', "`mon-foo` is no weekday"),
        ('{mon-sun: ["00:00-06:00"]}', "{}", "the calendar night is never open"),
        ("calendar: night", "calendar: nigth", "no calendar is called nigth"),
        ("calendar: always, priority", "calendar: allways, priority", "no calendar is called"),
        ("overflow: [nightshift]", "overflow: [nightshft]", "no queue is called nightshft"),
        ("overflow: [nightshift]", "overflow: [technical]", "technical overflows into itself"),
        ("skills: {billing: 1}", "skills: {bill: 1}", "no skill is called bill"),
        ("    queue: billing", "    queue: bill", "no queue is called bill"),
        ("skills: {japanese: 3}", "skills: {korean: 3}", "no skill is called korean"),
        ("id: bills", "id: outage", "2 rules are called outage"),
        ("resolution: 4h", "resolution: 1m", "the resolution is due before the first response"),
        ("office, default: true}\n  gold", "office}\n  gold", "must be `default: true`, not none"),
        ("calendar: night}", "calendar: night, default: true}", "not general and nightshift"),
        ('"outage"])', '"outage"', "the condition of outage: Failed to parse"),
        ('message.language == "ja"', "message.language", "neither true nor false"),
        ("holidays: [2026-11-23]", "holidays: [2026-02-30]", "cannot read `2026-02-30`"),
        ("company: アクメ", "company: アクメ\ncompany: アクメ", "`company` stands here twice"),
        ("rules:\n", "rules: 3\nnone:\n", "rules: Expected `array`, got `int`"),
        ("tiers:\n  vip", "tiers:\n  [vip, x]", "a name must be plain text"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    rules_text: str, old: str, new: str, complaint: str
) -> None:
    wrong = rules_text.replace(old, new, 1)
    found = problems(wrong)
    assert any(complaint in reason for _, reason in found), found
    assert all(0 < line <= wrong.count("\n") for line, _ in found)


def test_the_line_is_the_mistakes_own(rules_text: str) -> None:
    wrong = rules_text.replace("    queue: billing", "    queue: bill").replace(
        "calendar: night}", "calendar: nigth}"
    )
    assert problems(wrong) == [
        (line_of(wrong, "nightshift: {"), "no calendar is called nigth"),
        (line_of(wrong, "    queue: bill"), "no queue is called bill"),
    ]


def test_each_condition_of_several_has_its_own_line(rules_text: str) -> None:
    wrong = rules_text.replace(
        'when: message.language == "ja"', 'when:\n      - "true"\n      - message.nothing'
    )
    ((line, reason),) = problems(wrong)
    assert line == line_of(wrong, "      - message.nothing")
    assert "message has no field nothing" in reason


def test_several_mistakes_are_reported_at_once(rules_text: str) -> None:
    wrong = (
        rules_text.replace("first_response: 8h", "first_response: soon")
        .replace("points: 25", "points: many")
        .replace("company: アクメ", "firm: アクメ")
    )
    reasons = [reason for _, reason in problems(wrong)]
    assert len(reasons) == 4  # the firm is unknown, the company missing


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("", 1, "the file is empty"),
        ("- 1", 1, "a rules file is a mapping of sections"),
        ("a: [\n", 2, "not YAML"),
        ("a: 1\nb: *c\n", 2, "not YAML"),
        ("a: \x01", 1, "not YAML"),
        ("a: &a [*a]", 1, "nested too deep"),
    ],
)
def test_what_is_no_rules_file_is_refused_in_words(text: str, line: int, complaint: str) -> None:
    found = problems(text)
    assert found[0][0] == line
    assert complaint in found[0][1]


def test_a_file_in_another_encoding_is_refused_with_the_line(rules_text: str) -> None:
    with pytest.raises(RulesError, match="line 2: not UTF-8"):
        load(rules_text.encode("cp932"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_at_all_breaks_the_loader(content: bytes) -> None:
    with pytest.raises(RulesError):
        load(content)


@pytest.mark.parametrize(
    ("text", "length"), [("30m", 1800), ("8h", 28800), ("1h30m", 5400), ("90s", 90), ("0s", 0)]
)
def test_durations_are_read_as_written(text: str, length: int) -> None:
    assert seconds(text) == length


def test_what_is_not_written_down_stands_in_the_line_of_what_it_belongs_to() -> None:
    assert parse(b"a:\n  b: 1").line(("a", "c", 3)) == 1


@pytest.mark.parametrize("value", ['!!int ""', "!!bool maybe", "!!timestamp soon", "2026-13-45"])
def test_a_value_that_yaml_itself_stumbles_over_is_named_with_its_line(value: str) -> None:
    [problem] = parse(f"# rules\nqueues: {value}".encode()).problems
    assert problem.line == 2
    assert "cannot read" in problem.reason


def test_brackets_without_end_are_refused() -> None:
    assert problems("[" * 5000) == [(1, "nested too deep")]


def test_aliases_that_stand_for_more_than_any_file_could_hold_are_refused() -> None:
    itself = "&a [" + ", ".join(["*a"] * 10) + "]"
    assert problems(f"rules:\n  {itself}") == [(2, "more than 100000 values")]
