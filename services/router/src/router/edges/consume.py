"""The batch handler: load what is known, decide message by message, write it all at once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Record
from common.core.events import Direction, Message
from common.core.topics import CUSTOMERS, MESSAGES
from common.edges.batches import Received
from common.edges.clock import Clock
from common.edges.outbox import enqueue
from router.core import answering
from router.core.acceptance import accepted_message
from router.core.answering import Answered, answer
from router.core.continuity import filing_keys
from router.core.facts import Arrival, Case, CaseState, Rosters, Unrouted
from router.core.policy import Policy
from router.core.reconsidering import Known
from router.core.routing import Routed, announcements, route
from router.edges.known import TenantContact, customers, with_last_agents
from router.edges.projection import project
from router.edges.reconsider import reconsider
from router.edges.signals import News, tell
from router.edges.store import Step, decided, newest_cases, save

TOPICS = (MESSAGES.name, CUSTOMERS.name)


class Routing:
    """Handles batches of `messages.v1` and `customers.v1` inside the consumer's transaction."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        clock: Clock,
        rosters: Rosters = lambda _: None,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._rosters = rosters

    async def handle(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """Take in what is said of customers, then route the messages in their order.

        Raises PoisonError where an event cannot be accepted.
        """
        given = (self._rosters, self._policy(), self._clock())
        said = [item.event for item in batch if item.topic == CUSTOMERS.name]
        changed: list[Case] = []
        if said:
            await project(connection, said)
            changed += await reconsider(connection, said, *given)
        arrivals = list(_arrivals(batch))
        if arrivals:
            changed += await _route(connection, arrivals, *given)
        await tell(connection, _news(changed))


async def _route(
    connection: AsyncConnection,
    arrivals: Sequence[Arrival],
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> list[Case]:
    """Route messages in their order; return how each left its case."""
    done = await decided(connection, arrivals)
    known = await customers(connection, {(item.tenant, item.contact) for item in arrivals})
    cases = await newest_cases(
        connection, {(item.tenant, key) for item in arrivals for key in filing_keys(item)}
    )
    opening = {
        (item.tenant, item.contact) for item in arrivals if not _has_open(item, cases[item.tenant])
    }
    known |= await with_last_agents(
        connection, {one: known[one] for one in opening}, now - policy.last_agent
    )
    loaded = {case.case_id for by_key in cases.values() for case in by_key.values()}
    steps = list(_fold(arrivals, done, known, cases, rosters, policy, now))
    await save(connection, steps, loaded, policy, now)
    await enqueue(connection, [record for step in steps for record in _told(step, now)])
    return [step.case for step in steps]


def _arrivals(batch: Sequence[Received]) -> Iterator[Arrival]:
    """Yield the messages of a batch, the customers' and our own; delivery statuses concern no case."""
    for item in batch:
        message = item.event.data
        if isinstance(message, Message):
            attributes = item.event.attributes
            yield Arrival(
                event=attributes.id,
                tenant=attributes.tenant,
                contact=attributes.subject,
                message=accepted_message(message),
                traceparent=attributes.traceparent,
            )


def _fold(
    arrivals: Sequence[Arrival],
    done: set[tuple[str, UUID]],
    known: Mapping[TenantContact, Known],
    cases: Mapping[str, dict[str, Case]],
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> Iterator[Step]:
    """Yield what becomes of each message, each deciding on what the one before it left."""
    seen = set(done)
    for arrival in arrivals:
        if (arrival.tenant, arrival.event) in seen:
            continue
        seen.add((arrival.tenant, arrival.event))
        who = known[arrival.tenant, arrival.contact]
        of_tenant = cases[arrival.tenant]
        step: Step | Unrouted | None
        if arrival.message.direction is Direction.OUTBOUND:
            step = answer(arrival, who.customer, of_tenant, policy)
        else:
            given = (rosters(arrival.tenant), policy, now, who.last_agent)
            step = route(arrival, who.customer, who.contracts, of_tenant, *given)
        if isinstance(step, Routed | Answered):
            of_tenant[step.case.conversation] = step.case
            yield step


def _has_open(arrival: Arrival, cases: Mapping[str, Case]) -> bool:
    found = (cases.get(key) for key in filing_keys(arrival))
    return any(case and case.state is not CaseState.RESOLVED for case in found)


def _told(step: Step, now: datetime) -> Iterable[Record]:
    if isinstance(step, Answered):
        return answering.announcements(step, now)
    return announcements(step)


def _news(cases: Iterable[Case]) -> Iterator[News]:
    """Yield the queues of each tenant in which one of the cases waits now."""
    queues: defaultdict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.state is CaseState.WAITING:
            queues[case.tenant].add(case.queue)
    for tenant, named in queues.items():
        yield News(tenant, queues=tuple(sorted(named)))
