"""What a condition asks, where its shape says so: enough to tell which conditions imply others.

A condition is cut at its outermost `&&`. Whatever has another shape is `Other`, which implies only
itself, so that nothing is concluded that is not so.
"""

import ast
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from router.core.text import contains_word, folded


class OneOf(Struct, frozen=True):
    """The field has one of these values."""

    field: str
    values: frozenset[str]


class NoneOf(Struct, frozen=True):
    """The field has none of these values."""

    field: str
    values: frozenset[str]


class Mentions(Struct, frozen=True):
    """The text has one of these words, given as their author wrote them."""

    words: tuple[str, ...]


class Attribute(Struct, frozen=True):
    """The message has an attribute of this name."""

    name: str


class Flag(Struct, frozen=True):
    """A field that is true or false is so."""

    field: str
    value: bool


class Constant(Struct, frozen=True):
    """The condition says the same of every message."""

    value: bool


class Other(Struct, frozen=True):
    """A condition of any other shape, without its blanks."""

    source: str


Form = OneOf | NoneOf | Mentions | Attribute | Flag | Constant | Other

_TEXT = r"""(?:"[^"\\]*"|'[^'\\]*')"""
_FIELD = r"(?P<field>(?:message|customer|contract)\.\w+)"
_LIST = rf"\[\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*,?\s*\]"
_SHAPES = {
    "is": re.compile(rf"{_FIELD}\s*==\s*(?P<value>{_TEXT})"),
    "is not": re.compile(rf"{_FIELD}\s*!=\s*(?P<value>{_TEXT})"),
    "in": re.compile(rf"{_FIELD}\s+in\s+(?P<value>{_LIST})"),
    "not in": re.compile(rf"!\s*\(\s*{_FIELD}\s+in\s+(?P<value>{_LIST})\s*\)"),
    "mentions": re.compile(rf"mentions\(\s*(?P<value>{_TEXT}|{_LIST})\s*\)"),
    "attribute": re.compile(rf"(?P<value>{_TEXT})\s+in\s+message\.attributes"),
    "flag": re.compile(rf"(?P<not>!\s*)?{_FIELD}"),
    "constant": re.compile(r"(?P<value>true|false)"),
}
_TOKEN = re.compile(rf"{_TEXT}|&&|\|\||[()\[\]{{}}?]|.", re.DOTALL)
_DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def forms_of(sources: Sequence[str]) -> tuple[Form, ...]:
    """Return what conditions ask that must all hold."""
    return tuple(_form(part) for source in sources for part in _conjuncts(source))


def implied(form: Form, by: Sequence[Form]) -> bool:
    """Whether a form holds whenever all the others do."""
    return any(_implies(other, form) for other in by)


def contradict(one: Form, other: Form) -> bool:
    """Whether two forms never hold together."""
    match one, other:
        case Constant(value=False), _:
            return True
        case OneOf(), OneOf():
            return one.field == other.field and not one.values & other.values
        case OneOf(), NoneOf():
            return one.field == other.field and one.values <= other.values
        case Flag(), Flag():
            return one.field == other.field and one.value is not other.value
        case _:
            return False


def same_word(shorter: str, longer: str) -> bool:
    """Whether every text with the longer word has the shorter one, too."""
    small, large = folded(shorter), folded(longer)
    # a Latin word must stand alone, and where a Japanese one ends, letters may go on
    return contains_word(large, small) and (large.isascii() or not small.isascii())


def _implies(one: Form, other: Form) -> bool:
    match one, other:
        case (Constant(value=False), _) | (_, Constant(value=True)):
            return True
        case OneOf(), OneOf():
            return one.field == other.field and one.values <= other.values
        case OneOf(), NoneOf():
            return one.field == other.field and not one.values & other.values
        case NoneOf(), NoneOf():
            return one.field == other.field and other.values <= one.values
        case Mentions(), Mentions():
            return all(any(same_word(word, has) for word in other.words) for has in one.words)
        case _:
            return one == other


def _conjuncts(source: str) -> Iterator[str]:
    """Yield the parts between the outermost `&&`, or the whole where an `||` or `?` is outermost."""
    parts, depth = [""], 0
    for part in _TOKEN.findall(source):
        depth += _DEPTH.get(part, 0)
        if depth == 0 and part in {"||", "?"}:
            yield source
            return
        if depth == 0 and part == "&&":
            parts.append("")
        else:
            parts[-1] += part
    yield from parts


def _form(source: str) -> Form:
    text = source.strip()
    for shape, pattern in _SHAPES.items():
        if found := pattern.fullmatch(text):
            return _read(shape, found)
    return Other("".join(re.findall(rf"{_TEXT}|\S", text)))


def _read(shape: str, found: re.Match[str]) -> Form:
    groups = found.groupdict()
    field, value = groups.get("field") or "", groups.get("value") or ""
    match shape:
        case "is" | "in":
            return OneOf(field, frozenset(_texts(value)))
        case "is not" | "not in":
            return NoneOf(field, frozenset(_texts(value)))
        case "mentions":
            return Mentions(_texts(value))
        case "attribute":
            return Attribute(_texts(value)[0])
        case "constant":
            return Constant(value == "true")
        case _:
            return Flag(field, groups["not"] is None)


def _texts(literal: str) -> tuple[str, ...]:
    """Return the texts of a literal; without backslashes CEL's are Python's."""
    read = ast.literal_eval(literal)
    return (read,) if isinstance(read, str) else tuple(read)
