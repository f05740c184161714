"""All laws over all that was told."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from typing_extensions import override

from assignment_laws import offers, order, waits
from assignment_laws.breaches import Breach, Tolerance
from assignment_laws.histories import Histories, histories, ordered
from assignment_laws.told import once_each
from common.core.cloudevents import Event
from common.core.work import OfferAccepted, OfferMade


class Verdict(Struct, frozen=True):
    """How much was looked at, and what was wrong with it."""

    events: int
    cases: int
    agents: int
    offers: int
    accepted: int
    breaches: tuple[Breach, ...]

    @override
    def __str__(self) -> str:
        seen = (
            f"{self.events} events of {self.cases} cases and {self.agents} agents: "
            f"{self.offers} offers, {self.accepted} accepted, {len(self.breaches)} breaches"
        )
        return "\n  ".join([seen, *map(str, self.breaches[:MOST_SHOWN])])


MOST_SHOWN = 40


def check(
    events: Iterable[Event],
    tolerance: Tolerance | None = None,
    until: datetime | None = None,
    public_at: Mapping[UUID, datetime] | None = None,
) -> Verdict:
    """Judge a whole history. `until` is when it was read, if that is later than its last event.

    `public_at` is when each was published, where the bus's clock is the router's.
    """
    told, twisted = once_each(events, public_at or {})
    found = histories(told, until)
    breaches = [*order.twisted(twisted)]
    for of in found:
        breaches += broken(of, tolerance or Tolerance())
    return Verdict(
        events=len(told),
        cases=sum(len(of.cases) for of in found),
        agents=sum(len(of.agents) for of in found),
        offers=_count(found, OfferMade),
        accepted=_count(found, OfferAccepted),
        breaches=tuple(breaches),
    )


def broken(of: Histories, tolerance: Tolerance) -> list[Breach]:
    """Return every breach in one tenant's histories."""
    return [
        *order.versions(of),
        *order.beginnings(of),
        *order.ends(of, tolerance.ending),
        *offers.one_agent(of),
        *offers.allowed(of),
        *waits.overtaken(of, tolerance.overlap),
        *waits.idle(of, tolerance.idle),
    ]


def _count(found: Iterable[Histories], kind: type) -> int:
    return sum(
        isinstance(moment.says, kind)
        for of in found
        for moments in of.case_moments.values()
        for moment in ordered(moments)
    )
