"""YAML as plain values that remember where they stood, so that every error can name its line."""

from collections.abc import Hashable, Sequence
from typing import Any

import yaml
from msgspec import Struct

Key = str | int
Location = tuple[Key, ...]

MAX_DEPTH = 12  # a rules file needs six
MAX_VALUES = 100_000  # one line of aliases of aliases stands for more than any machine can hold


class Problem(Struct, frozen=True, order=True):
    """What is wrong with a file, and in which line (from 1)."""

    line: int
    reason: str


class Marked(Struct, frozen=True):
    """A document's plain value, the line of each location in it, and what could not be read."""

    value: Any
    lines: dict[Location, int]
    problems: tuple[Problem, ...]

    def line(self, location: Sequence[Key]) -> int:
        """Return the line of a location, or of the nearest one around it that is written down."""
        known = tuple(location)
        while known not in self.lines:
            known = known[:-1]
        return self.lines[known]


def parse(content: bytes) -> Marked:
    """Return the one document of a YAML file (UTF-8). Nothing is raised: problems are listed."""
    try:
        node = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Marked(None, {(): 1}, (Problem(line, "not UTF-8"),))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = Problem(mark.line + 1 if mark else 1, f"not YAML: {error.problem}")
        return Marked(None, {(): 1}, (problem,))
    except RecursionError:
        return Marked(None, {(): 1}, (Problem(1, "nested too deep"),))
    except yaml.YAMLError as error:
        return Marked(None, {(): 1}, (Problem(1, f"not YAML: {str(error).splitlines()[0]}"),))
    if node is None:
        return Marked(None, {(): 1}, (Problem(1, "the file is empty"),))
    reader = _Reader()
    try:
        return Marked(reader.read(node, ()), reader.lines, tuple(reader.problems))
    except _TooManyError as error:
        return Marked(None, {(): 1}, (error.problem,))


class _TooManyError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class _Reader:
    def __init__(self) -> None:
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self._scalars = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, location: Location) -> Any:
        if len(self.lines) >= MAX_VALUES:
            raise _TooManyError(Problem(node.start_mark.line + 1, f"more than {MAX_VALUES} values"))
        self.lines[location] = node.start_mark.line + 1
        if len(location) > MAX_DEPTH:  # an alias can point at what contains it
            self._complain(node, "nested too deep")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[Hashable, Any]:
        values: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in values:
                self._complain(key_node, f"`{key}` stands here twice")
            values[key] = self.read(value_node, (*location, key))
            self.lines[*location, key] = key_node.start_mark.line + 1
        return values

    def _key(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self._complain(node, "a name must be plain text")
        return ""

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node)
        # The last two: what PyYAML raises on `!!int ""`, `!!bool maybe` and `!!timestamp soon`.
        except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:
            self._complain(node, f"cannot read `{node.value}`: {error}")
            return None

    def _complain(self, node: yaml.Node, reason: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, reason))
