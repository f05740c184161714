"""Rule conditions in CEL (Common Expression Language): compiled once, asked once a message.

A condition sees `message`, `customer` and `contract`, whose fields are listed below, and
`mentions("word")` or `mentions(["one", "or", "another"])`. What a message lacks is an empty text,
so that few conditions fail.

Each field and each `mentions` is replaced by a variable of its own before CEL sees it: making
CEL's maps and calling back from it took longer than all the rest of a decision.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import cel
from msgspec import Struct

from common.core.events import Message
from common.core.ids import derived_id
from router.core.facts import Arrival, Customer
from router.core.forms import Attribute, Form, Mentions, NoneOf, OneOf, forms_of
from router.core.text import folded, written
from router.core.words import WordSearch

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
        self.forms = forms_of((source,))
        checks = [_check(form) for form in self.forms]
        self._checks = [check for check in checks if check is not None]
        self._direct = len(self._checks) == len(checks)
        self.fields: dict[str, tuple[str, str]] = {}
        self.mentions: dict[str, tuple[Word, ...]] = {}
        rewritten = _PARTS.sub(self._replaced, source)
        self._program = cel.compile(rewritten)
        self._refuse_unknown(rewritten)

    def answer(self, asking: "Asking") -> Answer:
        """Ask about one message. A type error is no truth and no crash; it says what is wrong."""
        if self._direct:
            return _YES if all(check(asking) for check in self._checks) else _NO
        return self.computed(asking)

    def found(self, asking: "Asking") -> Iterator[str]:
        """Yield, of each `mentions`, the first word that the message has."""
        for words in self.mentions.values():
            if word := asking.first(words):
                yield word

    def computed(self, asking: "Asking") -> Answer:
        """Return what CEL says."""
        try:
            value = self._program.execute(asking.context(self))
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
    """Every word that some conditions ask about, looked for at once."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        asked = tuple(conditions)
        self.search = WordSearch(
            word.folded
            for condition in asked
            for words in condition.mentions.values()
            for word in words
        )


class Asking:
    """One message made ready to be asked about. `words` are those of all `mentions` that it has."""

    def __init__(self, situation: Situation, questions: Questions) -> None:
        self.situation = situation
        self.words = questions.search.present(folded(written(situation.message)))
        self._texts: dict[str, str] = {}

    def first(self, words: Iterable[Word]) -> str | None:
        """Return the first of the words that the message has, as its author wrote it."""
        return next((word.written for word in words if word.folded in self.words), None)

    def text_of(self, field: str) -> str:
        """Return the value of a field (`message.channel`) that is a text (`asks_text`)."""
        known = self._texts.get(field)
        if known is None:
            known = self._texts[field] = str(_reader(field)(self.situation))
        return known

    def context(self, condition: Condition) -> cel.Context:
        """Return what CEL needs to answer a condition."""
        variables: dict[str, Value] = {
            name: FIELDS[owner][field](self.situation)
            for name, (owner, field) in condition.fields.items()
        }
        for name, words in condition.mentions.items():
            variables[name] = self.first(words) is not None
        return cel.Context(variables)


_YES, _NO = Answer(holds=True), Answer(holds=False)
_NO_TEXTS = frozenset(
    {
        *("message.recipients", "message.attachments", "message.attributes"),
        *("customer.known", "contract.in_force"),
    }
)


def asks_text(field: str) -> bool:
    """Whether a field's value is a text, so that comparing it with texts is never an error."""
    return field not in _NO_TEXTS


def _reader(field: str) -> Callable[[Situation], Value]:
    owner, _, name = field.partition(".")
    return FIELDS[owner][name]


def _check(form: Form) -> Callable[["Asking"], bool] | None:
    """Return how Python tells what CEL would say of such a part of a condition, if it can."""
    match form:
        case OneOf(field, values) if asks_text(field):
            return lambda asking: asking.text_of(field) in values
        case NoneOf(field, values) if asks_text(field):
            return lambda asking: asking.text_of(field) not in values
        case Mentions(words):
            plain = frozenset(map(folded, words))
            return lambda asking: not plain.isdisjoint(asking.words)
        case Attribute(name):
            return lambda asking: name in asking.situation.message.attributes
        case _:
            return None


def _unanswered(error: Exception) -> Answer:
    reason = str(error).splitlines()[0].partition(". ")[0].rstrip(":")
    hopeless = isinstance(error, TypeError) or any(known in reason for known in _HOPELESS)
    return Answer(holds=False, error=reason, hopeless=hopeless)
