"""One step of a case: what every one of them is made of, and what it leaves."""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from router.core.agents import Agent, Offer, laying_down
from router.core.facts import Case, CaseState


class ConflictError(Exception):
    """What was asked does not fit the state: the case or offer has moved on. Says how it stands."""


class Change(Struct, frozen=True, kw_only=True):
    """One step: the case and whom it concerns as they are afterwards, and the events, in order."""

    case: Case
    agent: Agent | None = None
    offer: Offer | None = None
    events: tuple[Struct, ...] = ()


class Terms(Struct, frozen=True, kw_only=True):
    """How offers go. `pause` is how long others come before one who let an offer go; it grows."""

    offer_timeout: timedelta
    pause: timedelta
    pause_at_most: timedelta
    wrap_up: timedelta


def must_be(case: Case, *states: CaseState) -> None:
    """Raise ConflictError where the case is in none of these states."""
    if case.state not in states:
        raise ConflictError(f"the case is {case.state}")


def waiting(case: Case) -> Case:
    """Return the case without whoever was offered it or had it."""
    return replace(
        case,
        state=CaseState.WAITING,
        agent=None,
        offer=None,
        offered_until=None,
        version=case.version + 1,
    )


def freed(case: Case, agent: Agent, now: datetime) -> Agent:
    """Return whoever was offered the case or had it without it."""
    return laying_down(agent, case.channel, case.units, now)


def freed_of(case: Case, agent: Agent | None, now: datetime) -> Agent | None:
    """Return whoever has an assigned case without it; nobody has a waiting or held one."""
    return None if agent is None else freed(case, agent, now)
