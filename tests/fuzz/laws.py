"""What targets have in common: how they cut their input, and what must hold of drafts."""

from collections.abc import Callable

import msgspec

from common.core.adapters import Draft

Target = Callable[[bytes], None]

SEPARATOR = b"\0\n"  # between the parts of an input, for targets that need more than one


def pieces(data: bytes, count: int) -> list[bytes]:
    """Return an input's parts, empty ones where there are too few."""
    found = data.split(SEPARATOR, count - 1)
    return found + [b""] * (count - len(found))


def text(data: bytes) -> str:
    """Return any text: UTF-8 where the bytes are that."""
    return data.decode("utf-8", "replace")


def flipped(data: bytes, at: int) -> bytes:
    """Return non-empty bytes with one of them changed."""
    at %= len(data)
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def storable(drafts: tuple[Draft, ...]) -> None:
    """Assert that drafts can be published and stored."""
    assert b"\\u0000" not in msgspec.json.encode(drafts)  # PostgreSQL could not hold it
    assert all(draft.provider_id and draft.contact and draft.time.tzinfo for draft in drafts)
