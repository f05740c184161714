"""Words looked for in a text, all at once, however many there are."""

from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick

from router.core.text import contains_word


class WordSearch:
    """Finds which of its folded words a folded text has (`text.contains_word`)."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(dict.fromkeys(words))
        self._automaton = AhoCorasick(self._words) if self._words else None

    def present(self, text: str) -> frozenset[str]:
        """Return the words that the text has, Latin ones only where they stand alone."""
        if self._automaton is None:
            return frozenset()
        found = self._automaton.find_matches_as_indexes(_encodable(text), overlapping=True)
        words = {self._words[number] for number, _, _ in found}
        return frozenset(word for word in words if not word.isascii() or contains_word(text, word))


def _encodable(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair is in no word."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
