"""Words that show urgency: a small list in Japanese and English, behind an interface for a model."""

import re
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from typing import cast

from router.core.text import folded
from router.core.words import WordSearch

Scorer = Callable[[str], tuple[str, ...]]
"""Finds the words of a text that show urgency. A model can stand in for the list below.

It must be a function of the text alone, or decisions could not be made again.
"""
ScorerMaker = Callable[[Iterable[str]], Scorer]
"""Makes a scorer, given the words that the rules add."""

GROUP = "madoguchi.urgency"  # of entry points by which installed packages offer theirs
SHIPPED = "words"

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


def scorer_maker(name: str) -> ScorerMaker:
    """Return the scorer that the rules name: the one that ships, or an installed package's.

    Rules can only choose among what the image carries. Raises ValueError where nothing is called so.
    """
    if name == SHIPPED:
        return urgent_words
    for entry in entry_points(group=GROUP, name=name):
        return cast("ScorerMaker", entry.load())
    raise ValueError(
        f"no scorer is called {name}: there is {SHIPPED}, and what packages offer as {GROUP}"
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
