"""Which form of a mail tells more where it has two: the text, or the text of its HTML."""

import re

from ingest_email.core.quotes import reply_text

_NOTICE_CHARACTERS = 300
_NOTICE = re.compile(
    r"HTML.{0,60}(?:形式|表示|対応|メール|view|format|client|support|display|capable|version|reader)"
    r"|(?:view|requires?|supports?|対応).{0,60}HTML",
    re.IGNORECASE | re.DOTALL,
)
_QUOTE_MARKUP = re.compile(r"<blockquote|_quote|RplyFwd|moz-cite|signature", re.IGNORECASE)
_SIGNS = re.compile(r"[>\s]+")


def may_tell_more(text: str, html: str) -> bool:
    """Whether the HTML is worth reading for what the text lacks: a look that costs little."""
    if _is_notice(text):
        return True
    return bool(_QUOTE_MARKUP.search(html)) and _is_untrimmed(text)


def tells_more(text: str, html_text: str) -> bool:
    """Whether the HTML's text is to be read in place of the text.

    It is, where the text only says that one should read the HTML, and where both say the same, but
    only the HTML shows which of it is quoted.
    """
    if _is_notice(text):
        return len(html_text) > len(text)
    return _says_all(html_text, text) and not _is_untrimmed(html_text)


def _is_untrimmed(text: str) -> bool:
    return reply_text(text).split() == text.split()


def _is_notice(text: str) -> bool:
    return len(text) <= _NOTICE_CHARACTERS and bool(_NOTICE.search(text))


def _says_all(whole: str, text: str) -> bool:
    """Whether each line of the text occurs in the whole, in its order."""
    said = _SIGNS.sub("", whole)
    position = 0
    for line in text.split("\n"):
        words = _SIGNS.sub("", line)
        found = said.find(words, position)
        if found < 0:
            return False
        position = found + len(words)
    return True
