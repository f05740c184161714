"""Laws of single histories: versions, beginnings, and offers that end once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from assignment_laws.breaches import Breach, Law
from assignment_laws.cases import STEERING, Moment
from assignment_laws.histories import Histories, Moments, ordered
from assignment_laws.told import Twisted
from common.core.cases import CaseRouted
from common.core.work import (
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferWithdrawn,
)

ENDS = (OfferAccepted, OfferDeclined, OfferExpired, OfferWithdrawn)


def twisted(found: Iterable[Twisted]) -> Iterator[Breach]:
    """Yield ids under which two different things were told."""
    for one in found:
        what = f"{type(one.first.says).__name__} and {type(one.second.says).__name__}"
        yield Breach(Law.ONE_STORY, one.first.tenant, str(one.first.event), one.second.at, what)


def versions(of: Histories) -> Iterator[Breach]:
    """Yield gaps and doubles. Remarks (SLA events, answers) may share a version with a step."""
    for case, moments in of.case_moments.items():
        for at, what in _uncounted(moments, is_agent=False):
            yield Breach(Law.VERSIONS, of.tenant, f"case {case}", at, what)
    for agent, moments in of.agent_moments.items():
        for at, what in _uncounted(moments, is_agent=True):
            yield Breach(Law.VERSIONS, of.tenant, f"agent {agent}", at, what)


def beginnings(of: Histories) -> Iterator[Breach]:
    """Yield cases that were never opened, or offered before they were routed."""
    for case, moments in of.case_moments.items():
        first = next(ordered(moments))
        if case not in of.opened:
            yield Breach(Law.BEGINNING, of.tenant, f"case {case}", first.at, "never opened")
        if not isinstance(first.says, CaseRouted):
            what = f"begins with {type(first.says).__name__}"
            yield Breach(Law.BEGINNING, of.tenant, f"case {case}", first.at, what)


def ends(of: Histories, late: timedelta) -> Iterator[Breach]:
    """Yield offers that ended twice, without having been made, or not at all when they should have."""
    made: dict[UUID, OfferMade] = {}
    ended: defaultdict[UUID, list[Moment]] = defaultdict(list)
    for moment in (one for moments in of.case_moments.values() for one in ordered(moments)):
        says: Any = moment.says
        if isinstance(says, OfferMade):
            if says.offer_id in made:
                yield _offer(of, says.offer_id, moment.at, "made twice")
            made[says.offer_id] = says
        elif isinstance(says, ENDS):
            ended[says.offer_id].append(moment)
    for offer, moments in ended.items():
        yield from _ended(of, offer, made.get(offer), moments)
    for offer, said in made.items():
        if offer not in ended and of.until > said.expires_at + late:
            yield _offer(of, offer, said.expires_at, "never ended")


def _ended(
    of: Histories, offer: UUID, made: OfferMade | None, moments: list[Moment]
) -> Iterator[Breach]:
    first: Any = moments[0].says
    if made is None:
        yield _offer(of, offer, moments[0].at, "ended without having been made")
    elif (made.agent, made.case_id) != (first.agent, first.case_id):
        yield _offer(of, offer, moments[0].at, f"made to {made.agent}, ended by {first.agent}")
    elif isinstance(first, OfferAccepted) and first.accepted_at >= made.expires_at:
        yield _offer(of, offer, moments[0].at, "accepted after it had expired")
    if len(moments) > 1:
        names = ", ".join(type(moment.says).__name__ for moment in moments)
        yield _offer(of, offer, moments[1].at, f"ended {len(moments)} times: {names}")


def _offer(of: Histories, offer: UUID, at: datetime, what: str) -> Breach:
    return Breach(Law.ONE_END, of.tenant, f"offer {offer}", at, what)


def _uncounted(moments: Moments, *, is_agent: bool) -> Iterator[tuple[datetime, str]]:
    expected = 1
    for version in sorted(moments):
        here = moments[version]
        if version != expected:
            yield here[0].at, f"version {expected} is missing before {version}"
        expected = version + 1
        names = [type(moment.says).__name__ for moment in here]
        steps = [moment for moment in here if is_agent or type(moment.says) in STEERING]
        if len(steps) > 1 or len(set(names)) < len(names):
            yield here[0].at, f"version {version} is told {len(names)} times: {', '.join(names)}"
