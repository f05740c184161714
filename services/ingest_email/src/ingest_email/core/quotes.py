"""What a person wrote in an answer, without what they quoted and signed.

The whole text always stays beside it, so every rule prefers keeping too much: an answer between
quoted lines is never cut.
"""

from collections.abc import Sequence

from ingest_email.core.quote_headers import QUOTED, attribution_end, embedded_header_end
from ingest_email.core.signatures import without_tail


def reply_text(text: str) -> str:
    """Return the text without quoted mails, their introductions, signature and mobile footers.

    It is empty where somebody only quoted. A mail that only forwards keeps what it forwards.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    lines = _before_embedded(lines)
    lines = lines[: without_tail(lines, QUOTED)]
    lines = _without_attributed(lines)
    return "\n".join(lines[: without_tail(lines, QUOTED)]).strip("\n")


def _before_embedded(lines: list[str]) -> list[str]:
    """Return the lines above the first embedded mail; one at the very top loses its header only."""
    position = 0
    top = 0
    while position < len(lines):
        end = embedded_header_end(lines, position)
        if end is not None and any(line.strip() for line in lines[top:position]):
            return lines[top:position]
        if end is not None:
            top = position = end
        else:
            position += 1
    return lines[top:]


def _without_attributed(lines: list[str]) -> list[str]:
    """Return the lines without attributions, and without what follows them if it is all quoted."""
    spans = _attributions(lines)
    last = _last_own(lines, spans)
    kept: list[str] = []
    position = 0
    for start, end in spans:
        kept += lines[position:start]
        position = end
        has_own_before = any(line.strip() for line in kept)
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
        end = attribution_end(lines, position)
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
            if line.strip() and number not in attributed and not QUOTED.match(line)
        ),
        default=-1,
    )


def _next_is_quoted(lines: Sequence[str], start: int) -> bool:
    following = next((line for line in lines[start:] if line.strip()), "")
    return bool(QUOTED.match(following))
