"""A rules file becomes Rules, or a list of everything that is wrong with it, each with its line."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from router.core.checking import Complaint, complaints
from router.core.marked_yaml import Key, Location, Marked, Problem, parse
from router.core.rules import DURATION, NAME, PERIOD, Name, Rules

_IN_WORDS = {
    DURATION: "a duration such as 30m, 8h or 1h30m",
    PERIOD: "a period such as 09:00-12:00 or 13:00-24:00",
    NAME: "a name of lower-case letters, digits, - and _",
}
_WHERE = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `(\w+)`")


class RulesError(ValueError):
    """The file cannot be used. `problems` are in the order of their lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(
            "\n".join(f"line {problem.line}: {problem.reason}" for problem in problems)
        )
        self.problems = problems


class Loaded(Struct, frozen=True):
    """Checked rules and their version: a SHA-256 (hex) of what they say, however it is laid out."""

    rules: Rules
    version: str


def load(content: bytes) -> Loaded:
    """Return the rules of a YAML file (UTF-8), checked. Raises RulesError with every problem found."""
    marked = parse(content)
    problems = list(marked.problems) or list(_misshapen(marked))
    if problems:
        raise RulesError(tuple(sorted(problems)))
    rules = msgspec.convert(marked.value, Rules)
    found = [_problem(marked, complaint) for complaint in complaints(rules)]
    if found:
        raise RulesError(tuple(sorted(found)))
    return Loaded(rules, version_of(rules))


def version_of(rules: Rules) -> str:
    """Return the SHA-256 (hex) of what the rules say; comments and the order of names don't count."""
    return hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()


def _misshapen(marked: Marked) -> Iterator[Problem]:
    """Yield one problem for each entry of each section that has not the shape of its type."""
    if not isinstance(marked.value, Mapping):
        yield Problem(1, "a rules file is a mapping of sections")
        return
    sections = {field.name: field for field in fields(Rules)}
    for name in marked.value.keys() - sections.keys():
        yield Problem(marked.line((name,)), f"no section is called {name}")
    for name, field in sections.items():
        if name in marked.value:
            yield from _section(marked, field, marked.value[name])
        elif field.required:
            yield Problem(1, f"the section {name} is missing")


def _section(marked: Marked, field: FieldInfo, value: Any) -> Iterator[Problem]:
    at: Location = (field.name,)
    origin, arguments = get_origin(field.type), get_args(field.type)
    if origin is dict and isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _misfit(marked, (*at, key), key, Name)
            yield from _misfit(marked, (*at, key), entry, arguments[1])
    elif origin is tuple and isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _misfit(marked, (*at, index), entry, arguments[0])
    else:
        yield from _misfit(marked, at, value, field.type)


def _misfit(marked: Marked, at: Location, value: Any, kind: Any) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        place = (*at, *_steps(text))
        reason = _in_words(_WHERE.sub("", text))
        named = ".".join(str(step) for step in place)
        yield Problem(marked.line(place), f"{named}: {reason}")


def _in_words(reason: str) -> str:
    for pattern, words in _IN_WORDS.items():
        reason = reason.replace(f"`str` matching regex {pattern!r}", words)
    return reason


def _steps(text: str) -> Iterator[Key]:
    """Yield the way from an entry to what is wrong in it, as far as the message tells."""
    where = _WHERE.search(text)
    for field, index in _STEP.findall(where[1].partition("[...]")[0] if where else ""):
        yield field or int(index)
    if unknown := _UNKNOWN.search(text):
        yield unknown[1]


def _problem(marked: Marked, complaint: Complaint) -> Problem:
    return Problem(marked.line(complaint.location), complaint.reason)
