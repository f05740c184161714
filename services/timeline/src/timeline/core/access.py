"""Who read whom: records chained by their hashes, so that what is changed or missing shows."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

BEGINNING = bytes(32)  # the hash before a tenant's first record


class Access(Struct, frozen=True, kw_only=True):
    """Somebody asked for something: `route` is the method and path, `subject` the token's holder.

    `customer` is whose data it was, None where the route names nobody.
    """

    tenant: str
    at: datetime
    subject: str
    route: str
    customer: UUID | None
    request_id: str


class Logged(Struct, frozen=True):
    """A record in its place: numbers are a tenant's own, from 1, without a gap."""

    sequence: int
    access: Access
    hash: bytes


def chained(accesses: Iterable[Access], sequence: int, last: bytes) -> list[Logged]:
    """Return one tenant's records after the one of this number and hash."""
    found: list[Logged] = []
    for number, access in enumerate(accesses, sequence + 1):
        last = _hash(number, access, last)
        found.append(Logged(number, access, last))
    return found


def first_broken(
    records: Iterable[Logged], sequence: int = 0, last: bytes = BEGINNING
) -> int | None:
    """Return the number of the first record that is not as it was written, or is missing."""
    for one in records:
        if one.sequence != sequence + 1 or one.hash != _hash(one.sequence, one.access, last):
            return sequence + 1
        sequence, last = one.sequence, one.hash
    return None


def _hash(sequence: int, access: Access, last: bytes) -> bytes:
    said = [
        sequence,
        access.tenant,
        int(access.at.timestamp() * 1_000_000),
        access.subject,
        access.route,
        None if access.customer is None else str(access.customer),
        access.request_id,
    ]
    return hashlib.sha256(last + msgspec.json.encode(said)).digest()
