"""Every case and every agent of one tenant, in the order of their own versions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from assignment_laws import agents, cases
from assignment_laws.agents import AgentAt
from assignment_laws.cases import CaseAt, Moment
from assignment_laws.told import Told
from common.core.cases import CaseOpened

Moments = dict[int, list[Moment]]  # by version; more than one is for the laws to judge


class Histories(Struct, frozen=True):
    """What one tenant's events say; `until` is the last moment of which anything is known."""

    tenant: str
    until: datetime
    opened: dict[UUID, CaseOpened]
    case_moments: dict[UUID, Moments]
    agent_moments: dict[str, Moments]
    cases: dict[UUID, list[CaseAt]]
    agents: dict[str, list[AgentAt]]


def histories(told: Iterable[Told], until: datetime | None = None) -> list[Histories]:
    """Return each tenant's histories; `until` is the time of the last event unless given."""
    by_tenant: defaultdict[str, list[Told]] = defaultdict(list)
    for one in told:
        by_tenant[one.tenant].append(one)
    end = until or max((one.at for events in by_tenant.values() for one in events), default=None)
    return [_of(tenant, events, end) for tenant, events in by_tenant.items() if end]


def _of(tenant: str, told: Iterable[Told], until: datetime) -> Histories:
    opened: dict[UUID, CaseOpened] = {}
    of_case: defaultdict[UUID, Moments] = defaultdict(lambda: defaultdict(list))
    of_agent: defaultdict[str, Moments] = defaultdict(lambda: defaultdict(list))
    for one in told:
        says = one.says
        if isinstance(says, CaseOpened):
            opened[says.case_id] = says
        elif (version := getattr(says, "case_version", None)) is not None:
            of_case[_case_of(says)][version].append(Moment(version, one.at, says, one.public_at))
        if (version := getattr(says, "agent_version", None)) is not None:
            of_agent[_agent_of(says)][version].append(Moment(version, one.at, says, one.public_at))
    return Histories(
        tenant,
        until,
        opened,
        dict(of_case),
        dict(of_agent),
        {
            case: cases.states(
                case, opened[case].channel if case in opened else "", ordered(moments)
            )
            for case, moments in of_case.items()
        },
        {agent: agents.states(agent, ordered(moments)) for agent, moments in of_agent.items()},
    )


def ordered(moments: Moments) -> Iterator[Moment]:
    """Yield the moments in the order of their versions."""
    for version in sorted(moments):
        yield from moments[version]


def _case_of(says: Struct) -> UUID:
    case: UUID = getattr(says, "case_id")  # noqa: B009 - each with a case_version has one
    return case


def _agent_of(says: Struct) -> str:
    agent: str = getattr(says, "agent")  # noqa: B009 - each with an agent_version has one
    return agent
