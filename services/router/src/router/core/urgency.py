"""Words that show urgency: a small list in Japanese and English, behind an interface for a model."""

import re
from collections.abc import Callable, Iterable

from router.core.text import folded
from router.core.words import WordSearch

Scorer = Callable[[str], tuple[str, ...]]
"""Finds the words of a text that show urgency. A model can stand in for the list below."""

URGENT_WORDS = (
    *(
        "至急",
        "大至急",
        "緊急",
        "早急",
        "急ぎ",
        "急いで",
        "今すぐ",
        "いますぐ",
        "直ちに",
        "一刻も早く",
    ),
    *("困っています", "困っております", "何度も", "いつまで待", "怒り", "ひどい", "最悪", "許せ"),
    *("urgent", "urgently", "asap", "immediately", "emergency", "right away", "critical"),
    *("as soon as possible", "unacceptable", "furious", "still waiting"),
)
_CALM = re.compile(  # says the opposite with the same words
    r"急ぎ(?:では|じゃ)(?:ありません|ない)|急ぎません|急いで(?:い)?(?:ません|ない)"
    r"|\bno(?:t|thing)? (?:very |so |that )?(?:urgent|critical)\b|\bno emergency\b"
)


def urgent_words(extra: Iterable[str] = ()) -> Scorer:
    """Return the scorer that ships: a short list in Japanese and English, and the company's own."""
    words = tuple(dict.fromkeys(folded(word) for word in (*URGENT_WORDS, *extra)))
    search = WordSearch(words)

    def found(text: str) -> tuple[str, ...]:
        plain = _CALM.sub(" ", folded(text))
        present = search.present(plain)
        return tuple(word for word in words if word in present) if present else ()

    return found
