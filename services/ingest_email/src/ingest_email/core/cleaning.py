"""Text that Postgres, JSON and a screen can hold."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n?")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")


def storable(text: str) -> str:
    """Return the text with NUL shown as U+2400 and lone surrogates as U+FFFD.

    Neither can be stored as `text` or `jsonb` in Postgres; both stay visible.
    """
    return _UNSTORABLE.sub(_visible, text)


def lines(text: str) -> str:
    """Return storable text whose lines end in LF alone, as JSON readers expect."""
    return storable(_LINE_ENDS.sub("\n", text))


def one_line(text: str, limit: int) -> str:
    """Return storable text on one line, without control characters, at most `limit` long."""
    return _BLANKS.sub(" ", storable(text)).strip()[:limit]


def _visible(match: re.Match[str]) -> str:
    return "\u2400" if match[0] == "\x00" else "\ufffd"
