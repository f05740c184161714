"""Erased people, remembered without what would name them.

An erasure keeps marks: keyed hashes of the addresses and references that are gone. Whoever holds
the key can tell that an event is about somebody erased, and nobody can read an address from one.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.errors import TransientError

SHORTEST_KEY = 32


class Named(StrEnum):
    """What a mark stands for."""

    CONTACT = "contact"
    PROFILE = "profile"  # the reference under which another system knows somebody
    EVENT = "event"  # an event, a message or a case that is gone


class CustomerErased(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A customer's data is erased (`customer.erased`): forget it, and do not learn it again.

    Everything up to `erased_at` that is about these is refused by whoever reads older events; what
    comes later is somebody new. `contacts` and `profiles` are marks (hexadecimal). `customers` are
    the ids under which a consumer finds what it has; the event is written again without them, under
    the same key, when no copy is left on the bus. `key_check` tells consumers whether they hold the
    same key.
    """

    erasure: UUID
    erased_at: datetime
    key_check: str
    customers: tuple[UUID, ...] = ()
    contacts: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


class CustomerForgotten(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service has carried out an erasure (`customer.forgotten`): what it did how often."""

    erasure: UUID
    service: str
    counts: dict[str, int]
    forgotten_at: datetime


class Marker:
    """Makes marks with a secret key. Raises ValueError where the key is too short to be one."""

    def __init__(self, key: str) -> None:
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"the privacy key has less than {SHORTEST_KEY} characters")
        self._begun = hmac.new(key.encode(), digestmod=hashlib.sha256)

    @property
    def check(self) -> str:
        """Return what shows that two services hold the same key."""
        return self._hash(["key check"]).hex()[:16]

    def mark(self, tenant: str, named: Named, name: str) -> bytes:
        """Return the mark of a name."""
        return self._hash([tenant, named.value, name])

    def marks(self, tenant: str, named: Named, given: Iterable[str]) -> tuple[str, ...]:
        """Return the marks of names as events carry them."""
        return tuple(sorted(self.mark(tenant, named, name).hex() for name in given))

    def sealed(self, document: bytes) -> str:
        """Return the signature of a document (HMAC-SHA-256, hexadecimal)."""
        digest = self._begun.copy()
        digest.update(document)
        return digest.hexdigest()

    def require_same(self, event: CustomerErased) -> None:
        """Raise TransientError where the event was made with another key than ours."""
        if event.key_check != self.check:
            raise TransientError("the privacy key is not the one that erasures were made with")

    def _hash(self, parts: list[str]) -> bytes:
        digest = self._begun.copy()
        digest.update(msgspec.json.encode(parts))
        return digest.digest()


class Erased:
    """Who was erased when, as marks; of several erasures of one name the latest counts."""

    def __init__(self, marker: Marker) -> None:
        self.marker = marker
        self._moments: dict[bytes, datetime] = {}

    def __len__(self) -> int:
        """Return how many names were erased."""
        return len(self._moments)

    def add(self, moments: Mapping[bytes, datetime]) -> None:
        """Remember marks and when they were erased."""
        for mark, moment in moments.items():
            self._moments[mark] = max(moment, self._moments.get(mark, moment))

    def contact(self, tenant: str, contact: str) -> datetime | None:
        """Return when an address was erased last."""
        return self._at(tenant, Named.CONTACT, contact)

    def profile(self, tenant: str, customer_ref: str) -> datetime | None:
        """Return when a profile was erased last."""
        return self._at(tenant, Named.PROFILE, customer_ref)

    def covers(self, tenant: str, contacts: Iterable[str], *moments: datetime) -> bool:
        """Whether anything of these moments that is about one of the contacts was erased."""
        first = min(moments)
        return any(at and first <= at for at in (self.contact(tenant, one) for one in contacts))

    def _at(self, tenant: str, named: Named, name: str) -> datetime | None:
        if not self._moments:  # where nobody was erased, nothing is hashed
            return None
        return self._moments.get(self.marker.mark(tenant, named, name))
