"""What would have had to be otherwise, said in the languages that supervisors read."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from router.core.changes import (
    Apart,
    Away,
    Change,
    Condition,
    Hours,
    Language as Spoken,
    Order,
    Plan,
    Said,
    Skill,
    Staff,
    Tier,
    Without,
)
from router.core.conditions import shortened
from router.core.counterfactual import Answer, Instead
from router.core.wording import Language
from router.core.worlds import ATTRIBUTES, TEXT

NEW_CONTRACT, NO_TIER, TO_NO_TIER = "new contract", "of no tier", "to no tier"
SAID_WORD, SAID_ATTRIBUTE = "word", "attribute"


class Sentences(Struct, frozen=True, kw_only=True):
    """What is said of each change, by its kind, and around the changes."""

    changes: Mapping[type[Struct] | str, str]
    joined: str
    there: str  # queue
    none: str  # queue
    unknown: str  # queue, tried


EN = Sentences(
    changes={
        Skill: "somebody signed in for {queue} ({profile}) had {skill} {to} instead of {level}",
        Staff: "somebody with {skills} were signed in for {queue}",
        Away: "nobody were signed in for {queue}",
        Hours: "{queue} were open at that time (it opens {opens})",
        Spoken: "the message were in language {to}, not {language}",
        Tier: "the customer were of tier {to}, not {tier}",
        NO_TIER: "the customer were of tier {to}",
        TO_NO_TIER: "the customer were not of tier {tier}",
        Plan: "contract {contract} were on plan {to}, not {plan}",
        NEW_CONTRACT: "a contract on plan {to} were in force",
        Said: "{field} were {value}",
        SAID_WORD: "the text mentioned {value} (rule {rule})",
        SAID_ATTRIBUTE: "the message had the attribute {value} (rule {rule})",
        Apart: "the message joined no open case (it is in {queue})",
        Order: "rule {rule} stood above rule {above}",
        Condition: "rule {rule} did not ask for {condition}",
        Without: "there were no rule {rule}",
    },
    joined=", and ",
    there="It does go to {queue}.",
    none="No single change and no two together would have sent it to {queue}.",
    unknown="Of {tried} changes tried none would have sent it to {queue}; there are more.",
)
JA = Sentences(
    changes={
        Skill: "{queue} の担当者({profile})の {skill} が {level} ではなく {to} だったら",
        Staff: "{skills} の担当者が {queue} にいたら",
        Away: "{queue} に担当者がひとりもいなかったら",
        Hours: "その時刻に {queue} が受付中だったら(実際は {opens} から)",
        Spoken: "メッセージの言語が {language} ではなく {to} だったら",
        Tier: "顧客区分が {tier} ではなく {to} だったら",
        NO_TIER: "顧客区分が {to} だったら",
        TO_NO_TIER: "顧客区分が {tier} でなかったら",
        Plan: "契約 {contract} のプランが {plan} ではなく {to} だったら",
        NEW_CONTRACT: "プラン {to} の契約が有効だったら",
        Said: "{field} が {value} だったら",
        SAID_WORD: "本文に「{value}」があったら(ルール {rule})",
        SAID_ATTRIBUTE: "メッセージに属性 {value} があったら(ルール {rule})",
        Apart: "対応中の案件({queue})に加わらなかったら",
        Order: "ルール {rule} がルール {above} より上にあったら",
        Condition: "ルール {rule} に条件 {condition} がなかったら",
        Without: "ルール {rule} がなかったら",
    },
    joined="、さらに",
    there="実際に {queue} に入る。",
    none="どれかひとつ、またはふたつを変えても {queue} には入らない。",
    unknown="{tried} 通りを試したが {queue} に入るものはなかった(ほかにもある)。",
)
SENTENCES: dict[Language, Sentences] = {"en": EN, "ja": JA}


def said(change: Change, language: Language) -> str:
    """Return a change as a condition: what would have had to be so."""
    template = SENTENCES[language].changes[_kind(change)]
    return template.format(**{name: _shown(value) for name, value in asdict(change).items()})


def answer_said(answer: Answer, language: Language) -> str:
    """Return the changes of an answer as one sentence."""
    return SENTENCES[language].joined.join(said(change, language) for change in answer.changes)


def outcome_said(found: Instead, language: Language) -> str | None:
    """Return what is to say where there are no answers."""
    say = SENTENCES[language]
    if found.there:
        return say.there.format(queue=found.queue)
    if found.answers:
        return None
    sentence = say.none if found.complete else say.unknown
    return sentence.format(queue=found.queue, tried=found.tried)


def _kind(change: Change) -> type[Struct] | str:
    match change:
        case Plan(contract=None):
            return NEW_CONTRACT
        case Tier(tier=None):
            return NO_TIER
        case Tier(to=None):
            return TO_NO_TIER
        case Said(field=field) if field == TEXT:
            return SAID_WORD
        case Said(field=field) if field == ATTRIBUTES:
            return SAID_ATTRIBUTE
        case _:
            return type(change)


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{skill} {level}" for skill, level in sorted(value.items())) or "–"
    return shortened(value) if isinstance(value, str) else value
