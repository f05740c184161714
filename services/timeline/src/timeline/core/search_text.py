"""The one form in which texts and questions are compared.

Width, case and composition are levelled (NFKC and case folding); hiragana and katakana stay apart,
as はし and ハシ are different words to whoever searches. Words of scripts that set words apart are
found by their beginnings, everything else (Japanese, Chinese, Korean, Thai, signs) anywhere.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

EDGE = "\x1f"  # stands before each word that is found by its beginning only
LONGEST_TEXT = 65_536  # characters of a text that are searched; a tsvector holds 1 MB of terms
LONGEST_TERM = 40

# Thai, Lao, Tibetan, Burmese, Khmer, kana, Han, Yi, Hangul: a word may begin at any character.
_DENSE = (
    "\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"\d+|(?:(?![\d_{_DENSE}])\w)+")
_BLANKS = re.compile("[ \n]+")  # in a form; EDGE is no blank
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
# Shows nothing: soft hyphens, zero-width marks, directions, which of its shapes a character has.
_UNSEEN = re.compile(
    "[\xad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff]"
)
# Keyboards and charsets disagree about which dash, wave and apostrophe it is.
_ALIKE = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-") | {0x301C: "~", 0x2019: "'"}
# Vowel signs that are no combining marks by their class and compose nevertheless.
_COMPOSING = frozenset(
    "\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u102e\u1b35"
)


class Form(Struct, frozen=True):
    """A text as it is compared, and for each of its characters where in the original it began."""

    text: str
    starts: tuple[int, ...]


def form(text: str) -> str:
    """Return a text as it is compared."""
    text = text[:LONGEST_TEXT]
    composed = any(map(_extends, set(text)))
    clusters = (cluster for _, cluster in _clusters(text)) if composed else text
    plain = _BLANKS.sub(" ", "".join(map(_folded, clusters))).lstrip(" ")
    return _WORD.sub(rf"{EDGE}\g<0>", plain)


def mapped_form(text: str) -> Form:
    """Return the same with the way back to the original."""
    pieces = list(_pieces(text))
    plain = "".join(piece for _, piece in pieces)
    edges = {word.start() for word in _WORD.finditer(plain)}
    back = [
        start
        for at, (start, _) in enumerate(pieces)
        for _ in range(2 if at in edges else 1)  # the edge before a word began where the word did
    ]
    return Form(_WORD.sub(rf"{EDGE}\g<0>", plain), tuple(back))


def words_and_pairs(formed: str) -> Iterator[tuple[str, bool]]:
    """Yield what an index can hold of a form: words (True), and pairs of dense characters (False)."""
    for part in _BLANKS.split(formed):
        head, *rest = part.split(EDGE)
        yield from _pairs(head)
        for words in rest:
            end = _word_end(words)
            yield words[:end], True
            yield from _pairs(words[end:])


def terms(formed: str) -> set[str]:
    """Return what the index holds of a form."""
    return {found[:LONGEST_TERM] for found, _ in words_and_pairs(formed)}


def _pairs(dense: str) -> Iterator[tuple[str, bool]]:
    return ((dense[at : at + 2], False) for at in range(len(dense) - 1))


def _word_end(text: str) -> int:
    found = _WORD.match(text)
    return found.end() if found else 0


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield each character of the folded text and where it began; blanks once, however many."""
    blank = True
    for start, cluster in _clusters(text[:LONGEST_TEXT]):
        for character in _folded(cluster):
            if not (blank and character == " "):
                yield start, character
            blank = character == " "


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Yield each character with what composes with it: half-width ｶ and its mark are one ガ."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _extends(text[at]):
            yield start, text[start:at]
            start = at


@lru_cache(65_536)
def _extends(character: str) -> bool:
    first = unicodedata.normalize("NFKD", character)[0]
    return (
        unicodedata.combining(first) != 0
        or "\u1160" <= first <= "\u11ff"  # vowels and finals of Hangul
        or first in _COMPOSING
        or _UNSEEN.match(first) is not None
    )


@lru_cache(65_536)
def _folded(cluster: str) -> str:
    seen = unicodedata.normalize("NFKC", _UNSEEN.sub("", cluster))
    folded = unicodedata.normalize("NFKC", seen.casefold())
    return _BLANK.sub(" ", folded.translate(_ALIKE))
