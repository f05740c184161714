"""Text as people mean it: full width or half width, large letters or small, are the same word."""

import re
import unicodedata
from functools import lru_cache

from common.core.events import Message

READ_AT_MOST = 20_000  # characters; nobody hides his wish behind ten pages, and folding costs time


def written(message: Message) -> str:
    """Return what the customer wrote now: the subject, then the text without what it quotes.

    No more than `READ_AT_MOST` characters of it.
    """
    text = message.text_reply if message.text_reply is not None else message.text
    return "\n".join(part for part in (message.subject, text) if part)[:READ_AT_MOST]


def folded(text: str) -> str:
    """Return the NFKC, case-folded form, in which ｶｲﾔｸ is カイヤク and ＡＳＡＰ is asap."""
    return unicodedata.normalize("NFKC", text).casefold()


def contains_word(text: str, word: str) -> bool:
    """Whether folded text has a folded word: `plan` is not in `plant`, but 解約 is in 解約したい."""
    return word in text and _whole(word).search(text) is not None


@lru_cache(maxsize=4096)
def _whole(word: str) -> re.Pattern[str]:
    """Return a pattern in which Latin letters and digits end a word and Japanese needs no end."""
    return re.compile(
        rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])" if word.isascii() else re.escape(word)
    )
