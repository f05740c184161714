"""Rule conditions in CEL (Common Expression Language): compiled once, asked once a message.

A condition sees `message`, `customer` and `contract`, whose fields are listed below, and
`mentions("word")` or `mentions(["one", "or", "another"])`. What a message lacks is an empty text,
so that few conditions fail.

Each field and each `mentions` is replaced by a variable of its own before CEL sees it: making
CEL's maps and calling back from it took longer than all the rest of a decision.
"""

import re
from collections.abc import Callable, Iterable

import cel
from msgspec import Struct

from common.core.events import Message
from common.core.ids import derived_id
from router.core.facts import Arrival, Customer
from router.core.text import contains_word, folded, written

Value = str | int | bool | list[str] | dict[str, str]


class Situation(Struct, frozen=True, kw_only=True):
    """What the conditions of a rule are asked about. `contract` is None where none is in force."""

    arrival: Arrival
    customer: Customer
    plan: str
    contract: str | None
    language: str

    @property
    def message(self) -> Message:
        """The message that arrived."""
        return self.arrival.message


FIELDS: dict[str, dict[str, Callable[[Situation], Value]]] = {
    "message": {
        "kind": lambda asked: asked.message.kind.value,
        "channel": lambda asked: asked.message.channel.value,
        "provider": lambda asked: asked.message.provider,
        "account": lambda asked: asked.message.account,
        "team": lambda asked: asked.message.team or "",
        "sender": lambda asked: asked.arrival.contact,
        "sender_name": lambda asked: asked.message.sender.name or "",
        "recipients": lambda asked: [party.contact for party in asked.message.recipients],
        "subject": lambda asked: asked.message.subject or "",
        "text": lambda asked: written(asked.message),
        "language": lambda asked: asked.language,
        "attachments": lambda asked: [file.media_type for file in asked.message.attachments],
        "attributes": lambda asked: asked.message.attributes,
        "signature": lambda asked: asked.message.authenticity.signature or "",
        "spf": lambda asked: asked.message.authenticity.spf or "",
        "dkim": lambda asked: asked.message.authenticity.dkim or "",
        "dmarc": lambda asked: asked.message.authenticity.dmarc or "",
    },
    "customer": {
        "known": lambda asked: asked.customer.customer_ref is not None,
        "reference": lambda asked: asked.customer.customer_ref or "",
        "account": lambda asked: asked.customer.account or "",
        "tier": lambda asked: asked.customer.tier or "",
        "language": lambda asked: asked.customer.language or "",
    },
    "contract": {
        "in_force": lambda asked: asked.contract is not None,
        "id": lambda asked: asked.contract or "",
        "plan": lambda asked: asked.plan,
    },
}
FUNCTIONS = frozenset(
    {"contains", "startsWith", "endsWith", "matches", "size", "int", "double", "string"}
)

_TEXT = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\''
_PARTS = re.compile(
    rf"""
    (?<![\w.]) mentions \( \s* (?P<words> {_TEXT} | \[ \s* (?:{_TEXT}) (?:\s*,\s* (?:{_TEXT}))* \s* ,? \s* \] )
      \s* \)
    | (?P<text> {_TEXT} )
    | (?<![\w.]) (?P<variable> message | customer | contract ) \b (?: \s*\.\s* (?P<field> \w+ ) )?
    """,
    re.VERBOSE,
)
_BOUND = re.compile(r"\.(?:exists|exists_one|all|map|filter)\(\s*(\w+)\s*,")
_HOPELESS = (  # names are checked before, so an undefined function is one of other arguments
    "Undefined variable or function",
    "not a valid regex",
)
_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


_LONG_LIST = re.compile(rf"((?:{_TEXT})\s*(?:,\s*(?:{_TEXT})\s*){{2}}),\s*((?:{_TEXT})[^\]]*)\]")


def shortened(source: str) -> str:
    """Return a condition as decisions quote it: of a long list its first three and how many more.

    A decision names every rule and lies in three places; the rules file holds the whole list.
    """
    return _LONG_LIST.sub(lambda long: f"{long[1]}, +{len(re.findall(_TEXT, long[2]))}]", source)


class Word(Struct, frozen=True):
    """A word to look for, as its author wrote it and as it is compared."""

    written: str
    folded: str


class Answer(Struct, frozen=True):
    """What a condition said of a message: a truth, or why there is none.

    `hopeless` tells an error that every message would meet from one that a message may mend.
    """

    holds: bool
    error: str | None = None
    hopeless: bool = False


class Condition:
    """One compiled condition. Raises ValueError, in words for its author, where it is none.

    `fields` and `mentions` are what it asks about, by the name of their CEL variable.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.fields: dict[str, tuple[str, str]] = {}
        self.mentions: dict[str, tuple[Word, ...]] = {}
        rewritten = _PARTS.sub(self._replaced, source)
        self._program = cel.compile(rewritten)
        self._refuse_unknown(rewritten)

    def answer(self, asking: "Asking") -> Answer:
        """Ask about one message. A type error is no truth and no crash; it says what is wrong."""
        try:
            value = self._program.execute(asking.context)
        except KeyError as error:
            return Answer(holds=False, error=f"no {error}")
        except _FAILURES as error:
            return _unanswered(error)
        if value is True:
            return _YES
        if value is False:
            return _NO
        return Answer(holds=False, error=f"{value!r} is neither true nor false", hopeless=True)

    def _replaced(self, part: re.Match[str]) -> str:
        """Return the variable that stands for a field or a `mentions`; texts stay as they are."""
        if part["text"]:
            return part["text"]
        if part["words"]:
            words: str | list[str] = cel.evaluate(part["words"])
            name = f"mentions_{derived_id(part['words']).hex}"
            listed = [words] if isinstance(words, str) else words
            self.mentions[name] = tuple(Word(word, folded(word)) for word in listed)
            if any(not word.folded.strip() for word in self.mentions[name]):
                raise ValueError("an empty word is in every message")
            return name
        owner, field = part["variable"], part["field"]
        if field not in FIELDS[owner]:
            known = ", ".join(FIELDS[owner])
            wrong = f"{owner} has no field {field}" if field else f"name a field of {owner}"
            raise ValueError(f"{wrong}: there are {known}")
        self.fields[f"{owner}_{field}"] = (owner, field)
        return f"{owner}_{field}"

    def _refuse_unknown(self, rewritten: str) -> None:
        references = self._program.references()
        known = {*self.fields, *self.mentions, *_BOUND.findall(rewritten)}
        unknown = set(references["variables"]) - known
        unknown |= {name for name in references["functions"] if name.isidentifier()} - FUNCTIONS
        if "mentions" in unknown:
            raise ValueError("mentions takes a word or a list of words, written out")
        if unknown:
            raise ValueError(f"nothing is called {', '.join(sorted(unknown))}")


class Questions:
    """Everything that some conditions ask about, each once."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        asked = tuple(conditions)
        self.fields = {
            name: FIELDS[owner][field]
            for condition in asked
            for name, (owner, field) in condition.fields.items()
        }
        self.mentions = {
            name: words for condition in asked for name, words in condition.mentions.items()
        }


class Asking:
    """One message made ready to be asked about. `found` has the word that each `mentions` met."""

    def __init__(self, situation: Situation, questions: Questions) -> None:
        text = folded(written(situation.message))
        self.found = {name: _first_in(text, words) for name, words in questions.mentions.items()}
        variables: dict[str, Value] = {
            name: read(situation) for name, read in questions.fields.items()
        }
        for name, word in self.found.items():
            variables[name] = word is not None
        self.context = cel.Context(variables)


_YES, _NO = Answer(holds=True), Answer(holds=False)


def _first_in(text: str, words: tuple[Word, ...]) -> str | None:
    for word in words:
        if contains_word(text, word.folded):
            return word.written
    return None


def _unanswered(error: Exception) -> Answer:
    reason = str(error).splitlines()[0].partition(". ")[0].rstrip(":")
    hopeless = isinstance(error, TypeError) or any(known in reason for known in _HOPELESS)
    return Answer(holds=False, error=reason, hopeless=hopeless)
