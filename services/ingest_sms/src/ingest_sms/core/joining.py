"""What each provider tells of the parts of a long message, and where a part belongs.

Parts are kept until their message is whole, or waited long enough; docs/decisions/0010 says where.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from common.core.adapters import Original


class Place(Struct, frozen=True):
    """Part `number` (from 1) of `total` of a message in `series`.

    `series` names sender, recipient and the reference that the network gave; `fingerprint` is equal
    in every delivery of the same part.
    """

    series: str
    number: int
    total: int
    fingerprint: str


class Joiner(Struct, frozen=True):
    """One provider's way with parts. Both functions are pure.

    `place` returns None for what is whole, or unreadable. `join` gets originals of one message in
    the order of their arrival and returns the one that the provider's adapter reads as a whole.
    """

    place: Callable[[Original], Place | None]
    join: Callable[[Sequence[Original]], Original]


class Waiting(Struct, frozen=True):
    """A message whose parts arrive: fingerprints by number of those that are there.

    `joined_at` is set once the message went on; it is remembered for parts that come again.
    """

    key: int
    total: int
    begun_at: datetime
    fingerprints: dict[int, str]
    joined_at: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether every part is there."""
        return len(self.fingerprints) == self.total


def home(place: Place, candidates: Sequence[Waiting]) -> Waiting | None:
    """Return the message of its series that the part belongs to, or None where it begins another.

    A message that went on takes only what it has already: networks use a reference again soon.
    """
    return next((waiting for waiting in candidates if _takes(waiting, place)), None)


def _takes(waiting: Waiting, place: Place) -> bool:
    held = waiting.fingerprints.get(place.number)
    if waiting.total != place.total:
        return False
    if waiting.joined_at is not None:
        return held == place.fingerprint
    return held in (None, place.fingerprint)
