"""What the bus is told of cases and agents: one record an event, with an id of its own."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.ids import derived_id, trace_parent
from common.core.topics import ROUTING
from common.core.work import AgentChanged, AgentPresenceChanged
from router.core.agents import Agent

SOURCE = "/router"


class Concerned(Protocol):
    """What telling of a case looks at; facts says what each means."""

    @property
    def tenant(self) -> str: ...
    @property
    def case_id(self) -> UUID: ...
    @property
    def contact(self) -> str: ...


def of_case(case: Concerned, event: Struct, version: int, now: datetime) -> Record:
    """Return the record of what happened to a case; `version` is the case's after it.

    The id is derived from both, so that a repetition is no news.
    """
    return record_about(case.tenant, case.contact, event, (str(case.case_id), str(version)), now)


def of_agent(agent: Agent, event: AgentChanged | AgentPresenceChanged, now: datetime) -> Record:
    """Return the record of what changed about an agent. Its subject is `agent:<id>`."""
    named = (agent.agent, str(event.agent_version))
    return record_about(agent.tenant, f"agent:{agent.agent}", event, named, now)


def record_about(
    tenant: str,
    subject: str,
    event: Struct,
    named: tuple[str, ...],
    at: datetime,
    topic: str = ROUTING.name,
) -> Record:
    """Return the record of an event about a subject; its id is derived from what it is `named` by."""
    told = event_type(event)
    identity = derived_id(told, tenant, *named)
    attributes = Attributes(
        id=identity,
        source=SOURCE,
        type=told,
        subject=subject,
        time=at,
        tenant=tenant,
        traceparent=trace_parent(identity),
    )
    return record(topic, attributes, event)
