"""Lines that are known to be quoted, because the markup said so, get the `>` of a quote in text.

Where the words themselves say it ("… wrote:", 差出人: …), they stay as they are: the rules for text
know them.
"""

import re
from collections.abc import Container, Iterator, Sequence
from enum import StrEnum
from itertools import accumulate

from msgspec import Struct

from ingest_email.core.quote_headers import (
    MAX_ATTRIBUTION_LINES,
    attribution_end,
    embedded_header_end,
)

_SHOWN_LEVELS = 5
_FEWEST_LABELS = 3
_LABEL_LINES = 8
_LABEL = re.compile(r"\s*[^\s:：][^:：]{0,30}[:：]\s?\S")
_DELIMITER = re.compile(r"\s*(?:--|—|–|[-_=*]{2,})\s*$")


class Mark(StrEnum):
    """What begins here: characters that Unicode reserves for use inside a program."""

    QUOTE = "\ufdd0"
    PLAIN = "\ufdd1"  # a quote, unless it is all there is
    INTRODUCED = "\ufdd2"  # a quote, if an attribution stands above it
    OLD = "\ufdd3"  # an old mail, to the end
    RULED = "\ufdd4"  # the same, if header fields follow
    ATTRIBUTION = "\ufdd5"
    SIGNATURE = "\ufdd6"
    RULE = "\ufdd7"  # nothing: a line across


CLOSE = "\ufdd8"
_MARKS = re.compile(f"[{''.join(Mark)}{CLOSE}]")


class _Span(Struct, frozen=True):
    mark: Mark
    start: int
    end: int


def unmarked(text: str) -> str:
    """Return a text in which none of the characters occurs."""
    return _MARKS.sub("", text)


def with_quote_signs(text: str) -> str:
    """Return the text with `>` before quoted lines and `--` above a signature, without marks."""
    lines, spans = _read(text)
    margins = _Margins(lines)
    changes = [0] * (len(lines) + 1)
    for span in spans:
        start, end = margins.without_blanks(*margins.quoted(span))
        changes[start] += 1
        changes[end] -= 1
    levels = list(accumulate(changes))
    delimited = {
        margins.below(span.start)
        for span in spans
        if span.mark is Mark.SIGNATURE and margins.needs_delimiter(span, levels)
    }
    return "\n".join(_shown(lines, levels, delimited))


def _read(text: str) -> tuple[list[str], list[_Span]]:
    """Return the lines that are not only marks, and what was marked, in their numbers."""
    lines: list[str] = []
    spans: list[_Span] = []
    opened: list[tuple[Mark, int]] = []
    for line in text.split("\n"):
        bare = unmarked(line).rstrip()
        marks = _MARKS.findall(line)
        following = len(lines) + bool(bare or not marks)
        for character in marks:
            if character != CLOSE:
                opened.append((Mark(character), len(lines)))
            elif opened:
                spans.append(_Span(*opened.pop(), following))
        if following > len(lines):
            lines.append(bare)
    spans += [_Span(mark, start, len(lines)) for mark, start in opened]
    return lines, spans


class _Margins:
    """What stands above and below the marked lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        count = len(lines)
        self._lines = lines
        numbered = list(enumerate(lines))
        self._above = list(accumulate((n if line else -1 for n, line in numbered), max, initial=-1))
        downwards = (n if line else count for n, line in reversed(numbered))
        self._below = list(accumulate(downwards, min, initial=count))[::-1]
        self._old_top = embedded_header_end(lines, self._below[0])

    def below(self, number: int) -> int:
        """Return the number of the first written line from this one on."""
        return self._below[number]

    def without_blanks(self, start: int, end: int) -> tuple[int, int]:
        """Return the lines from the first to the last written one of these; none for blank ones."""
        first, last = self._below[start], self._above[end]
        return (first, last + 1) if first <= last else (end, end)

    def quoted(self, span: _Span) -> tuple[int, int]:
        """Return which lines get a sign: none where the words tell enough."""
        nothing = (span.end, span.end)
        if self._old_top is not None and span.start <= self._old_top:
            return nothing  # a mail that only forwards
        first = self.below(span.start)
        if span.mark in (Mark.QUOTE, Mark.PLAIN, Mark.INTRODUCED):
            introduced = attribution_end(self._lines, first)
            start = span.start if introduced is None else introduced
            return (min(start, span.end), span.end) if self._is_quote(span) else nothing
        if span.mark is Mark.ATTRIBUTION:
            return nothing if self._is_introduction(first) else (span.start, span.end)
        is_old = span.mark is Mark.OLD or (span.mark is Mark.RULED and self._is_header(first))
        if is_old and self._above[span.start] >= 0 and not self._is_introduction(first):
            return span.start, len(self._lines)
        return nothing

    def needs_delimiter(self, span: _Span, levels: Sequence[int]) -> bool:
        """Whether a signature stands last, below words of the answer, and does not show itself."""
        first, above, following = (
            self.below(span.start),
            self._above[span.start],
            self.below(span.end),
        )
        if above < 0 or first >= span.end or levels[first]:
            return False
        if _DELIMITER.match(self._lines[first]) or _DELIMITER.match(self._lines[above]):
            return False
        return (
            following == len(self._lines)
            or levels[following] > 0
            or self._is_introduction(following)
        )

    def _is_quote(self, span: _Span) -> bool:
        above = self._above[span.start]
        if span.mark is not Mark.INTRODUCED:
            return span.mark is Mark.QUOTE or above >= 0
        return any(
            attribution_end(self._lines, start) == above + 1
            for start in range(max(0, above + 1 - MAX_ATTRIBUTION_LINES), above + 1)
        )

    def _is_introduction(self, number: int) -> bool:
        return bool(
            attribution_end(self._lines, number) or embedded_header_end(self._lines, number)
        )

    def _is_header(self, number: int) -> bool:
        labels = sum(
            bool(_LABEL.match(line)) for line in self._lines[number : number + _LABEL_LINES]
        )
        return labels >= _FEWEST_LABELS


def _shown(lines: Sequence[str], levels: Sequence[int], delimited: Container[int]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number in delimited:
            yield "--"
        signs = ">" * min(levels[number], _SHOWN_LEVELS)
        yield f"{signs} {line}".rstrip() if signs else line
