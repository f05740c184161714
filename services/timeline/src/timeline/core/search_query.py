"""What somebody asks for: words and phrases, all of which must be found."""

import base64
import hashlib
import re

from msgspec import Struct

from timeline.core.search_text import EDGE, LONGEST_TERM, form, words_and_pairs

MOST_WORDS = 10

_QUOTES = '"\u201c\u201d\u201e\uff02'
_ASKED = re.compile(rf"[{_QUOTES}]([^{_QUOTES}]*)[{_QUOTES}]|([^\s{_QUOTES}]+)")


class Term(Struct, frozen=True):
    """Something that the index can be asked for; a prefix is any word that begins so."""

    text: str
    prefix: bool


class Query(Struct, frozen=True):
    """`needles` must all stand in a text's form. `terms` are what the index knows of them."""

    needles: tuple[str, ...]
    terms: tuple[Term, ...]


def read_query(asked: str) -> Query:
    """Return what is asked for. Raises ValueError, with the reason, where it can't be searched."""
    parts = (form(phrase or word).strip(" ") for phrase, word in _ASKED.findall(asked))
    needles = tuple(dict.fromkeys(part for part in parts if part))
    if not needles:
        raise ValueError("nothing to search for")
    if len(needles) > MOST_WORDS:
        raise ValueError(f"more than {MOST_WORDS} words")
    found = tuple(dict.fromkeys(term for needle in needles for term in _terms(needle)))
    if not found or all(len(needle.replace(EDGE, "")) == 1 for needle in needles):
        raise ValueError("a single character stands in too many messages: write two or more")
    telling = tuple(term for term in found if not (term.prefix and len(term.text) == 1))
    return Query(needles, telling or found)


def tenant_mark(tenant: str) -> str:
    """Return what stands before each of a tenant's terms, so that its lists are its own.

    Two tenants may share a mark; row-level security is what keeps them apart.
    """
    return base64.b64encode(hashlib.blake2s(tenant.encode(), digest_size=3).digest()).decode()


def tsquery(query: Query, tenant: str) -> str:
    """Return the question to the index, in the notation of Postgres."""
    mark = tenant_mark(tenant)
    return " & ".join(_quoted(mark + term.text) + ":*" * term.prefix for term in query.terms)


def _terms(needle: str) -> list[Term]:
    """Return what stands in every text with this needle; only its last word may go on."""
    held = list(words_and_pairs(needle))
    last = next((text for text, is_word in reversed(held) if is_word), None)
    goes_on = last is not None and needle.endswith(EDGE + last)
    found = [Term(text[:LONGEST_TERM], prefix=False) for text, _ in held]
    return [*found[:-1], Term(found[-1].text, prefix=True)] if goes_on else found


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
