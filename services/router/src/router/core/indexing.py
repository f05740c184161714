"""Which rules a message may match, found without asking each: most fail at the first thing they ask.

A rule is filed under the first part of its first condition, where that asks for a field's value, an
attribute's name or a word. It is tried only for messages that have it; of any other message it is
known that it fails there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from common.core.cases import RuleTrial
from router.core.conditions import Asking, Condition, asks_text
from router.core.forms import Attribute, Mentions, OneOf
from router.core.text import folded


class RuleIndex:
    """Files rules, given by their conditions and the trial of each that fails at the first one."""

    def __init__(self, filed: Iterable[tuple[Sequence[Condition], RuleTrial]]) -> None:
        self._always: list[int] = []
        self._values: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._attributes: defaultdict[str, list[int]] = defaultdict(list)
        self._words: defaultdict[str, list[int]] = defaultdict(list)
        trials = []
        for number, (conditions, failed) in enumerate(filed):
            self._file(number, conditions)
            trials.append(failed)
        self.failed = tuple(trials)

    def candidates(self, asking: Asking) -> list[int]:
        """Return the numbers of the rules that have to be tried, in order."""
        return sorted({*self._always, *self._named(asking)})

    def _named(self, asking: Asking) -> Iterator[int]:
        for field, by_value in self._values.items():
            yield from by_value.get(asking.text_of(field), ())
        if self._attributes:
            for name in asking.situation.message.attributes:
                yield from self._attributes.get(name, ())
        for word in asking.words:
            yield from self._words.get(word, ())

    def _file(self, number: int, conditions: Sequence[Condition]) -> None:
        first = conditions[0].forms[0] if conditions else None
        match first:
            case OneOf() if asks_text(first.field):
                for value in first.values:
                    self._values[first.field][value].append(number)
            case Attribute():
                self._attributes[first.name].append(number)
            case Mentions():
                for word in first.words:
                    self._words[folded(word)].append(number)
            case _:
                self._always.append(number)
