"""The batch handler: load what is known, decide message by message, write it all at once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import Direction, Message
from common.core.topics import CUSTOMERS, MESSAGES
from common.edges.batches import Received
from common.edges.clock import Clock
from common.edges.outbox import enqueue
from router.core.acceptance import accepted_message
from router.core.continuity import filing_keys
from router.core.facts import Arrival, Case, CaseState, Roster
from router.core.policy import Policy
from router.core.routing import Routed, announcements, route
from router.edges.projection import project
from router.edges.signals import News, tell
from router.edges.store import Known, TenantContact, customers, decided, newest_cases, save

TOPICS = (MESSAGES.name, CUSTOMERS.name)


class Routing:
    """Handles batches of `messages.v1` and `customers.v1` inside the consumer's transaction."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        clock: Clock,
        roster: Callable[[], Roster | None] = lambda: None,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._roster = roster

    async def handle(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """Take in what is said of customers, then route the messages in their order.

        Raises PoisonError where an event cannot be accepted.
        """
        said = [item.event for item in batch if item.topic == CUSTOMERS.name]
        if said:
            await project(connection, said)
        arrivals = list(_arrivals(batch))
        if arrivals:
            await self._route(connection, arrivals)

    async def _route(self, connection: AsyncConnection, arrivals: Sequence[Arrival]) -> None:
        done = await decided(connection, arrivals)
        known = await customers(connection, {(item.tenant, item.contact) for item in arrivals})
        cases = await newest_cases(
            connection, {(item.tenant, key) for item in arrivals for key in filing_keys(item)}
        )
        loaded = {case.case_id for by_key in cases.values() for case in by_key.values()}
        given = (self._roster(), self._policy(), self._clock())
        routed = list(_fold(arrivals, done, known, cases, *given))
        await save(connection, routed, loaded)
        await enqueue(connection, [record for step in routed for record in announcements(step)])
        await tell(connection, _news(routed))


def _arrivals(batch: Sequence[Received]) -> Iterator[Arrival]:
    """Yield the customers' messages of a batch; delivery statuses and our own concern no case."""
    for item in batch:
        message = item.event.data
        if isinstance(message, Message) and message.direction is Direction.INBOUND:
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
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Iterator[Routed]:
    """Yield what becomes of each message, each deciding on what the one before it left."""
    seen = set(done)
    for arrival in arrivals:
        if (arrival.tenant, arrival.event) in seen:
            continue
        seen.add((arrival.tenant, arrival.event))
        who = known[arrival.tenant, arrival.contact]
        of_tenant = cases[arrival.tenant]
        step = route(arrival, who.customer, who.contracts, of_tenant, roster, policy, now)
        if isinstance(step, Routed):
            of_tenant[step.case.conversation] = step.case
            yield step


def _news(routed: Iterable[Routed]) -> Iterator[News]:
    """Yield the queues of each tenant in which a case waits now."""
    queues: defaultdict[str, set[str]] = defaultdict(set)
    for step in routed:
        if step.case.state is CaseState.WAITING:
            queues[step.case.tenant].add(step.case.queue)
    for tenant, named in queues.items():
        yield News(tenant, queues=tuple(sorted(named)))
