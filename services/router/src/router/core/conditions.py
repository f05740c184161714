"""Rule conditions in CEL (Common Expression Language): compiled once, asked once a message.

A condition sees `message`, `customer` and `contract`, whose fields are listed below, and the
function `mentions(words)`. What a message lacks is an empty text, so that few conditions fail.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import cel
from msgspec import Struct

from common.core.events import Message
from router.core.facts import Arrival, Customer
from router.core.text import contains_word, folded, folded_word, written

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
    {"contains", "startsWith", "endsWith", "matches", "size", "int", "double", "string", "mentions"}
)

_TEXTS = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_FIELD = re.compile(r"(?<![\w.])(message|customer|contract)\b(?:\.(\w+))?")
_BOUND = re.compile(r"\.(?:exists|exists_one|all|map|filter)\(\s*(\w+)\s*,")
_HOPELESS = (  # names are checked before, so an undefined function is one of other arguments
    "Undefined variable or function",
    "not a valid regex",
)
_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class Mentions:
    """The function `mentions`: whether the message has one of these words, and which it had."""

    def __init__(self, text: str) -> None:
        self._text = folded(text)
        self.found: list[str] = []

    def __call__(self, words: list[str] | str) -> bool:
        """Look for a word or several, whatever their width or case."""
        for word in [words] if isinstance(words, str) else words:
            if contains_word(self._text, folded_word(word)):
                self.found.append(word)
                return True
        return False


class Answer(Struct, frozen=True):
    """What a condition said of a message: a truth, or why there is none.

    `hopeless` tells an error that every message would meet from one that a message may mend.
    """

    holds: bool
    error: str | None = None
    hopeless: bool = False


class Condition:
    """One compiled condition. Raises ValueError, in words for its author, where it is none."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._program = cel.compile(source)
        self.fields = _fields(source)
        _refuse_unknown(source, self._program.references())

    def answer(self, context: cel.Context) -> Answer:
        """Ask about one message. A type error is no truth and no crash; it says what is wrong."""
        try:
            value = self._program.execute(context)
        except KeyError as error:
            return Answer(holds=False, error=f"no {error}")
        except _FAILURES as error:
            return _unanswered(error)
        if isinstance(value, bool):
            return Answer(value)
        return Answer(holds=False, error=f"{value!r} is neither true nor false", hopeless=True)


def _unanswered(error: Exception) -> Answer:
    reason = str(error).splitlines()[0].partition(". ")[0].rstrip(":")
    hopeless = isinstance(error, TypeError) or any(known in reason for known in _HOPELESS)
    return Answer(holds=False, error=reason, hopeless=hopeless)


class Asking:
    """One message made ready to be asked about: only the fields that some condition reads."""

    def __init__(self, situation: Situation, fields: Mapping[str, Iterable[str]]) -> None:
        variables: dict[str, Any] = {
            name: {field: FIELDS[name][field](situation) for field in wanted}
            for name, wanted in fields.items()
        }
        self.mentions = Mentions(written(situation.message))
        self.context = cel.Context(variables, {"mentions": self.mentions})


def fields_read(conditions: Iterable[Condition]) -> dict[str, tuple[str, ...]]:
    """Return the fields that any of the conditions reads, by variable."""
    read = {pair for condition in conditions for pair in condition.fields}
    return {name: tuple(sorted(field for owner, field in read if owner == name)) for name in FIELDS}


def _fields(source: str) -> frozenset[tuple[str, str]]:
    found = frozenset(_FIELD.findall(_TEXTS.sub("''", source)))
    for name, field in sorted(found):
        if field not in FIELDS[name]:
            known = ", ".join(FIELDS[name])
            asked = f"{name} has no field {field}" if field else f"name a field of {name}"
            raise ValueError(f"{asked}: there are {known}")
    return found


def _refuse_unknown(source: str, references: Mapping[str, list[str]]) -> None:
    bound = set(_BOUND.findall(_TEXTS.sub("''", source)))
    unknown = set(references["variables"]) - FIELDS.keys() - bound
    unknown |= {name for name in references["functions"] if name.isidentifier()} - FUNCTIONS
    if unknown:
        raise ValueError(f"nothing is called {', '.join(sorted(unknown))}")
