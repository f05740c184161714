"""The text within Mastodon's HTML, which uses few elements and closes them."""

import html
import re

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</p>\s*<p[^>]*>", re.IGNORECASE)
_NAMES = re.compile(r"(?:@[A-Za-z0-9_.-]+(?:@[A-Za-z0-9.-]+)?\s+)+")
_TAG = re.compile(r"<[^<>]*>")


def plain(content: str) -> str:
    """Return what a reader sees: line breaks kept, elements dropped, entities as characters."""
    broken = _BREAK.sub("\n", _PARAGRAPH.sub("\n\n", content))
    return html.unescape(_TAG.sub("", broken)).strip()


def without_names(text: str) -> str:
    """Return the text without the names that it begins with: whom it addresses."""
    names = _NAMES.match(text)
    return text[names.end() :] if names else text
