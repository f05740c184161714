"""The text within Mastodon's HTML, which uses few elements and closes them."""

import html
import re

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</p>\s*<p[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def plain(content: str) -> str:
    """Return what a reader sees: line breaks kept, elements dropped, entities as characters."""
    broken = _BREAK.sub("\n", _PARAGRAPH.sub("\n\n", content))
    return html.unescape(_TAG.sub("", broken)).strip()
