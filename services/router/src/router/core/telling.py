"""What the bus is told of cases and agents: one record an event, with an id of its own."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.ids import derived_id, trace_parent
from common.core.topics import ROUTING
from common.core.work import AgentChanged, AgentPresenceChanged
from router.core.agents import Agent
from router.core.facts import Case

SOURCE = "/router"


def of_case(case: Case, event: Struct, version: int, now: datetime) -> Record:
    """Return the record of what happened to a case; `version` is the case's after it.

    The id is derived from both, so that a repetition is no news.
    """
    told = event_type(event)
    identity = derived_id(told, case.tenant, str(case.case_id), str(version))
    return _record(identity, told, case.tenant, case.contact, event, now)


def of_agent(agent: Agent, event: AgentChanged | AgentPresenceChanged, now: datetime) -> Record:
    """Return the record of what changed about an agent. Its subject is `agent:<id>`."""
    told = event_type(event)
    identity = derived_id(told, agent.tenant, agent.agent, str(event.agent_version))
    return _record(identity, told, agent.tenant, f"agent:{agent.agent}", event, now)


def _record(
    identity: UUID, told: str, tenant: str, subject: str, event: Struct, now: datetime
) -> Record:
    attributes = Attributes(
        id=identity,
        source=SOURCE,
        type=told,
        subject=subject,
        time=now,
        tenant=tenant,
        traceparent=trace_parent(identity),
    )
    return record(ROUTING.name, attributes, event)
