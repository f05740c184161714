"""The head of a customer's page: all that an agent should see before he reads the history.

Every figure names the events behind it, and its definition stands beside it. It is made of sets:
the order in which events came, and how often, changes nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from msgspec import Struct

from common.core.events import Contract, ContractState
from timeline.core.case_story import CaseStory
from timeline.core.customers import CustomerView
from timeline.core.figures_facts import Fact
from timeline.core.figures_steps import CaseState
from timeline.core.head_clocks import OpenCase, open_case
from timeline.core.head_signals import Signal, Wrote, signals_of
from timeline.core.head_trends import Trend, csat_of, nps_of

MOST_AGENTS = 3
PREFERRED_OF = 20  # messages
LATELY = timedelta(days=365)

DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "contracts": "active, begun and not ended at computed_at",
        "open_cases": (
            "cases that are not resolved, the one due first first; a clock is at_risk once the "
            "router said so, breached from its due time on, paused while the customer has to answer"
        ),
        "last_agents": "who took, answered or resolved a case last, three at most, the last one first",
        "channel": "the channel of most of the newest 20 messages of a year that the customer wrote",
        "language": "what the newest profile says, else the language of most of these messages",
        "csat": (
            "the newest ten answers of yes/neutral/no and of 1 to 5 as a share of their scale, the "
            "last of each case; `recent` is the mean of the newer half, `before` of the older one"
        ),
        "nps": "the same of 0 to 10",
        "falling_satisfaction": "`recent` is at least a tenth of the scale below `before`, of csat or nps",
        "negative_run": "the newest three messages or more each have a word of anger or complaint",
        "silence_after_complaint": (
            "the customer's newest message has such a word, or his newest answer is in the lower "
            "half of its scale, and nothing came from him for 14 days to a year since"
        ),
    }
)


class Preference(Struct, frozen=True):
    """What somebody prefers. `share` is of the `events` that it was counted in; None if he said so."""

    value: str
    share: float | None
    events: tuple[UUID, ...]


class LastAgent(Struct, frozen=True):
    """Somebody who had to do with a customer, in which case, and the event that says so."""

    agent: str
    at: datetime
    case_id: UUID
    event: UUID


class Known(Struct, frozen=True, kw_only=True):
    """What the head is made of: the customer's newest cases and messages, all open cases among them.

    `facts` are those of the open cases.
    """

    customer: CustomerView
    cases: Collection[CaseStory]
    facts: Mapping[UUID, Sequence[Fact]]
    messages: Collection[Wrote]


class Head(Struct, frozen=True, kw_only=True):
    """A customer at a glance, as of `computed_at`; `definitions` says what each part is."""

    customer: CustomerView
    computed_at: datetime
    contracts: tuple[Contract, ...]
    open_cases: tuple[OpenCase, ...]
    last_agents: tuple[LastAgent, ...]
    channel: Preference | None
    language: Preference | None
    csat: Trend | None
    nps: Trend | None
    signals: tuple[Signal, ...]
    definitions: Mapping[str, str]


def head_of(known: Known, now: datetime) -> Head:
    """Return the head at a moment."""
    cases = sorted(known.cases, key=lambda case: (case.last_at, case.case_id))
    ratings = [(case.case_id, rating) for case in cases for rating in case.ratings]
    csat, nps = csat_of(ratings), nps_of(ratings)
    wrote = _newest_first(known.messages)
    lately = [message for message in wrote if message.at > now - LATELY][:PREFERRED_OF]
    opened = [
        open_case(case, known.facts.get(case.case_id, ()), now)
        for case in cases
        if case.state is not CaseState.RESOLVED
    ]
    return Head(
        customer=known.customer,
        computed_at=now,
        contracts=tuple(one for one in known.customer.contracts if _in_force(one, now)),
        open_cases=tuple(sorted(opened, key=lambda case: case.urgency)),
        last_agents=_last_agents(cases),
        channel=_preferred([(one.channel, one.event) for one in lately if one.channel]),
        language=_language(known.customer, lately),
        csat=csat,
        nps=nps,
        signals=signals_of(wrote, csat, nps, now),
        definitions=dict(DEFINITIONS),
    )


def _newest_first(messages: Iterable[Wrote]) -> list[Wrote]:
    once = {message.event: message for message in messages}.values()
    return sorted(once, key=lambda message: (message.at, message.event), reverse=True)


def _in_force(contract: Contract, now: datetime) -> bool:
    ended = contract.ends_at is not None and contract.ends_at <= now
    return contract.state is ContractState.ACTIVE and contract.starts_at <= now and not ended


def _last_agents(cases: Iterable[CaseStory]) -> tuple[LastAgent, ...]:
    seen = [
        LastAgent(one.agent, one.at, case.case_id, one.event)
        for case in cases
        for one in case.agents
    ]
    last: dict[str, LastAgent] = {}
    for one in sorted(seen, key=lambda one: (one.at, one.event), reverse=True):
        last.setdefault(one.agent, one)
    return tuple(last.values())[:MOST_AGENTS]


def _language(customer: CustomerView, lately: Iterable[Wrote]) -> Preference | None:
    if customer.language:
        return Preference(customer.language, None, ())
    return _preferred([(one.language, one.event) for one in lately if one.language])


def _preferred(told: Sequence[tuple[str, UUID]]) -> Preference | None:
    """Return what most of them say, newest first; of equally many what was said last."""
    if not told:
        return None
    counted = Counter(value for value, _ in told)  # keeps the order in which values were met
    value, times = counted.most_common(1)[0]
    return Preference(value, round(times / len(told), 3), tuple(event for _, event in told))
