"""Names that an operator may have misspelt."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from msgspec import Struct


class Unknown(Struct, frozen=True):
    """A name that nobody reads, and the known one that is nearest; None where none is near."""

    name: str
    nearest: str | None


def unknown_names(present: Iterable[str], known: Collection[str], prefix: str) -> list[Unknown]:
    """Return the names that begin with `prefix` and are not known, sorted."""
    strangers = sorted(name for name in set(present) - set(known) if name.startswith(prefix))
    return [Unknown(name, _nearest(name, known, prefix)) for name in strangers]


def _nearest(name: str, known: Collection[str], prefix: str) -> str | None:
    # Without what all have in common, which would make everything alike.
    bare = {one.removeprefix(prefix): one for one in sorted(known)}
    found = get_close_matches(name.removeprefix(prefix), bare, n=1, cutoff=0.7)
    return bare[found[0]] if found else None
