"""What one rules file says otherwise than another, in words: of what they mean, not of their lines."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from msgspec import Struct, to_builtins

from router.core.linting import conditions_of
from router.core.rules import Rule, Rules
from router.core.wording import Language

NAMED = ("calendars", "skills", "plans", "tiers", "queues", "teams")
WHOLE = ("company", "language", "continuity", "credit", "urgency", "assignment")


class Words(Struct, frozen=True, kw_only=True):
    """How differences are said."""

    kinds: Mapping[str, str]
    added: str  # kind, name
    removed: str  # kind, name
    renamed: str  # old, name
    moved: str  # rule, where
    above: str  # rule
    last: str
    changed: str  # what, old, new
    given: str  # what, new
    taken: str  # what, old
    condition_added: str  # rule, condition
    condition_removed: str  # rule, condition


EN = Words(
    kinds={
        "calendars": "calendar",
        "skills": "skill",
        "plans": "plan",
        "tiers": "tier",
        "queues": "queue",
        "teams": "team",
        "rules": "rule",
        "surveys": "survey",
    },
    added="{kind} {name} is new: {new}",
    removed="{kind} {name} is gone",
    renamed="rule {old} is called {name} now",
    moved="rule {rule} stands {where} now",
    above="above {rule}",
    last="last",
    changed="{what}: {old} → {new}",
    given="{what}: {new} (new)",
    taken="{what}: {old} (gone)",
    condition_added="rule {rule} also asks for {condition}",
    condition_removed="rule {rule} no longer asks for {condition}",
)
JA = Words(
    kinds={
        "calendars": "営業時間",
        "skills": "スキル",
        "plans": "プラン",
        "tiers": "顧客区分",
        "queues": "キュー",
        "teams": "チーム",
        "rules": "ルール",
        "surveys": "アンケート",
    },
    added="{kind} {name} を追加: {new}",
    removed="{kind} {name} を削除",
    renamed="ルール {old} の名前を {name} に変更",
    moved="ルール {rule} を{where}へ移動",
    above="ルール {rule} の上",
    last="最後",
    changed="{what}: {old} → {new}",
    given="{what}: {new}(追加)",
    taken="{what}: {old}(削除)",
    condition_added="ルール {rule} に条件を追加: {condition}",
    condition_removed="ルール {rule} の条件を削除: {condition}",
)
WORDS: dict[Language, Words] = {"en": EN, "ja": JA}


def differences(old: Rules, new: Rules, language: Language = "en") -> Iterator[str]:
    """Yield a line for each thing that `new` says otherwise than `old`."""
    say = WORDS[language]
    for section in WHOLE:
        yield from _values(
            section, _plain(getattr(old, section)), _plain(getattr(new, section)), say
        )
    for section in NAMED:
        yield from _entries(say.kinds[section], getattr(old, section), getattr(new, section), say)
    yield from _rules(old.rules, new.rules, say)
    before = {survey.id: survey for survey in old.surveys}
    after = {survey.id: survey for survey in new.surveys}
    yield from _entries(say.kinds["surveys"], before, after, say)
    if before.keys() == after.keys():
        yield from _values("surveys", list(before), list(after), say)


def _entries(
    kind: str, old: Mapping[str, object], new: Mapping[str, object], say: Words
) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield say.removed.format(kind=kind, name=name)
        elif name not in old:
            yield say.added.format(kind=kind, name=name, new=_sentence(new[name]))
        else:
            yield from _values(f"{kind} {name}", _plain(old[name]), _plain(new[name]), say)


def _rules(old: Sequence[Rule], new: Sequence[Rule], say: Words) -> Iterator[str]:
    before = {rule.id: rule for rule in old}
    after = {rule.id: rule for rule in new}
    renamed = _renamed(before, after)
    kind = say.kinds["rules"]
    for name in before.keys() - after.keys() - renamed.keys():
        yield say.removed.format(kind=kind, name=name)
    for rule in new:
        if rule.id in renamed.values():
            former = next(name for name, now in renamed.items() if now == rule.id)
            yield say.renamed.format(old=former, name=rule.id)
        elif rule.id not in before:
            yield say.added.format(kind=kind, name=rule.id, new=rule.sentence)
        else:
            yield from _rule(kind, before[rule.id], rule, say)
    kept = [renamed.get(rule.id, rule.id) for rule in old]
    yield from _moves([name for name in kept if name in after], list(after), say)


def _renamed(before: Mapping[str, Rule], after: Mapping[str, Rule]) -> dict[str, str]:
    """Return the rules that are the same under another name."""
    gone = {_but_for_name(before[name]): name for name in before.keys() - after.keys()}
    new = {_but_for_name(after[name]): name for name in after.keys() - before.keys()}
    return {gone[said]: new[said] for said in gone.keys() & new.keys()}


def _but_for_name(rule: Rule) -> str:
    return repr({name: value for name, value in _plain(rule).items() if name != "id"})


def _rule(kind: str, old: Rule, new: Rule, say: Words) -> Iterator[str]:
    asked, asks = conditions_of(old), conditions_of(new)
    for condition in asked:
        if condition not in asks:
            yield say.condition_removed.format(rule=new.id, condition=condition)
    for condition in asks:
        if condition not in asked:
            yield say.condition_added.format(rule=new.id, condition=condition)
    before = {name: value for name, value in _plain(old).items() if name != "when"}
    after = {name: value for name, value in _plain(new).items() if name != "when"}
    yield from _values(f"{kind} {new.id}", before, after, say)


def _moves(kept: list[str], now: list[str], say: Words) -> Iterator[str]:
    """Yield the rules that changed their place among those that there were before."""
    same = [name for name in now if name in set(kept)]
    blocks = SequenceMatcher(None, kept, same, autojunk=False).get_matching_blocks()
    stayed = {name for block in blocks for name in same[block.b : block.b + block.size]}
    for name in same:
        if name not in stayed:
            after = now[now.index(name) + 1 :]
            where = say.above.format(rule=after[0]) if after else say.last
            yield say.moved.format(rule=name, where=where)


def _values(what: str, old: Any, new: Any, say: Words) -> Iterator[str]:
    """Yield what differs in two plain values, down to the single value of a mapping."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _values(f"{what}.{name}", old.get(name), new.get(name), say)
    elif _is_nothing(old):
        yield say.given.format(what=what, new=_shown(new))
    elif _is_nothing(new):
        yield say.taken.format(what=what, old=_shown(old))
    else:
        yield say.changed.format(what=what, old=_shown(old), new=_shown(new))


def _is_nothing(value: Any) -> bool:
    return value is None or value in ((), {}, "")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(_shown(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _sentence(entry: object) -> str:
    """Return what an entry says of itself, else all that it says."""
    return _shown(getattr(entry, "sentence", None) or _plain(entry))


def _plain(value: Any) -> Any:
    return to_builtins(value)
