"""What of a customer's history is erased, and what lies elsewhere because of it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.cloudevents import type_prefix
from timeline.core.entry import Entry

_MESSAGES = frozenset({f"{type_prefix}message.received", f"{type_prefix}message.sent"})


class _File(Struct):
    location: str | None = None


class _Pointing(Struct):
    """The parts of an event that point into object storage."""

    raw_ref: str | None = None
    attachments: list[_File] = []
    attachment: _File | None = None


_pointing = msgspec.json.Decoder(_Pointing, strict=False)


def is_old(entry: Entry, erased_at: datetime) -> bool:
    """Whether an entry tells of the time before an erasure.

    A message is as old as its receipt, whatever time its sender claims, or somebody's clock that is
    slow would cost a new customer's words. Of all else another system may speak years later.
    """
    if entry.type in _MESSAGES:
        return entry.learned_at <= erased_at
    return min(entry.learned_at, entry.occurred_at) <= erased_at


def names_gone(entry: Entry) -> frozenset[UUID]:
    """Return what later events could call an entry that is erased: itself, its message, its case."""
    return frozenset(
        one for one in (entry.event_id, entry.message, entry.case, entry.routed) if one
    )


def speaks_of(entry: Entry) -> frozenset[UUID]:
    """Return what a later event speaks of that may be erased."""
    return frozenset(one for one in (entry.about, entry.case, entry.routed) if one)


def objects_of(entry: Entry) -> frozenset[str]:
    """Return where originals and files of an entry lie: `key#start+length` or a key."""
    try:
        found = _pointing.decode(entry.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return frozenset()  # no event of ours: it points nowhere
    files = [*found.attachments, *([found.attachment] if found.attachment else [])]
    return frozenset(one for one in (found.raw_ref, *(file.location for file in files)) if one)


def is_original(reference: str) -> bool:
    """Whether an object is an original in a segment, else a file."""
    return "#" in reference


def is_file_of(reference: str, tenant: str) -> bool:
    """Whether an object is a file that lies where this tenant's files lie.

    Events of others may name any place; only what we put there ourselves is ours to delete.
    """
    return reference.startswith(f"files/{tenant}/") and ".." not in reference


def merged_counts(*counts: dict[str, int]) -> dict[str, int]:
    """Return the sums by name, without what there was none of."""
    names: Iterable[str] = dict.fromkeys(name for one in counts for name in one if one[name])
    return {name: sum(one.get(name, 0) for one in counts) for name in names}
