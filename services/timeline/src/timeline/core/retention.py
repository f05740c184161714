"""How long what is kept: a company's rules by kind and channel."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

ANY = "*"


class RetentionRule(Struct, frozen=True, order=True):
    """Entries of a kind and channel (`*`: any) are deleted so many days after they happened.

    Of several rules that fit an entry the one with the fewest days counts.
    """

    kind: str
    channel: str
    days: int


class Cut(Struct, frozen=True):
    """What of a tenant's history is over: kind and channel, None for any, before a moment."""

    kind: str | None
    channel: str | None
    before: datetime


def cuts(rules: Iterable[RetentionRule], now: datetime) -> tuple[Cut, ...]:
    """Return what is over now."""
    return tuple(
        Cut(
            None if rule.kind == ANY else rule.kind,
            None if rule.channel == ANY else rule.channel,
            now - timedelta(days=rule.days),
        )
        for rule in sorted(rules)
    )


def whole_before(found: Sequence[Cut]) -> datetime | None:
    """Return before when everything is over, whatever its kind and channel; None where nothing is."""
    return max(
        (cut.before for cut in found if cut.kind is None and cut.channel is None), default=None
    )
