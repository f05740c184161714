"""What a person wrote in an answer, without what they quoted and signed.

The whole text always stays beside it, so every rule prefers keeping too much: an answer between
quoted lines is never cut, and neither is a line that holds words of the answer beside others.
"""

from collections.abc import Sequence

from ingest_email.core.quote_headers import (
    QUOTED,
    attribution_end,
    embedded_header_end,
    is_forwarded,
    next_line,
)
from ingest_email.core.signatures import without_tail

_MAX_LOOKS = 5


def reply_text(text: str) -> str:
    """Return the text without quoted mails, their introductions, signature and mobile footers.

    It is made of whole lines of the text, and looking at it again takes nothing more away. It is
    empty where somebody only quoted. A mail that only forwards keeps what it forwards.
    """
    whole = _without_margins([line.rstrip() for line in text.split("\n")])
    lines = whole
    for _ in range(_MAX_LOOKS):  # each may bring two lines together that mean something then
        shorter = _trimmed(lines)
        if len(shorter) == len(lines):
            return "\n".join(lines)
        lines = shorter
    return "\n".join(whole)  # quotes folded like this are nobody's: take no word away


def _trimmed(whole: list[str]) -> list[str]:
    lines = _before_embedded(whole)
    lines = lines[: without_tail(lines, QUOTED)]
    lines = _without_attributed(lines)
    lines = _without_margins(lines[: without_tail(lines, QUOTED)])
    return lines or (whole if is_forwarded(whole) else lines)


def _without_margins(lines: list[str]) -> list[str]:
    written = [number for number, line in enumerate(lines) if line]
    return lines[written[0] : written[-1] + 1] if written else []


def _before_embedded(lines: list[str]) -> list[str]:
    """Return the lines above the first embedded mail; one at the very top loses its header only.

    Where the embedded mail is marked line by line, an answer may stand below it: it stays.
    """
    position = top = 0
    has_own = False
    while position < len(lines):
        end = embedded_header_end(lines, position)
        if end is None:
            has_own = has_own or bool(lines[position])
            position += 1
        elif not has_own:
            top = position = end
        elif _next_is_quoted(lines, end):
            position = end
        else:
            return lines[top:position]
    return lines[top:]


def _without_attributed(lines: list[str]) -> list[str]:
    """Return the lines without attributions, and without what follows them if it is all quoted."""
    spans = _attributions(lines)
    last = _last_own(lines, spans)
    kept: list[str] = []
    position = 0
    has_own_before = False
    for start, end in spans:
        has_own_before = has_own_before or any(lines[position:start])
        kept += lines[position:start]
        position = end
        if _next_is_quoted(lines, end):
            if last < end:
                return kept
        elif has_own_before:
            return kept
    return kept + lines[position:]


def _attributions(lines: Sequence[str]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    position = 0
    while position < len(lines):
        end = attribution_end(lines, position) or embedded_header_end(lines, position)
        if end is not None:
            spans.append((position, end))
        position = end or position + 1
    return spans


def _last_own(lines: Sequence[str], spans: Sequence[tuple[int, int]]) -> int:
    """Return the last line that is neither quoted nor blank nor an attribution; -1 for none."""
    attributed = {number for start, end in spans for number in range(start, end)}
    return max(
        (
            number
            for number, line in enumerate(lines)
            if line and number not in attributed and not QUOTED.match(line)
        ),
        default=-1,
    )


def _next_is_quoted(lines: Sequence[str], start: int) -> bool:
    return bool(QUOTED.match(next_line(lines, start) or ""))
