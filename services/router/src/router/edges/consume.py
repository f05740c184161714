"""The batch handler: load what is known, decide message by message, write it all at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Record
from common.core.events import Direction, Message
from common.core.surveys import SurveyRequested
from common.core.topics import ACTIVITIES, CONSENT, CUSTOMERS, MESSAGES
from common.edges.batches import Received
from common.edges.clock import Clock
from common.edges.outbox import enqueue
from router.core import answering, survey_answers
from router.core.acceptance import accepted_message
from router.core.answering import Answered, answer
from router.core.continuity import filing_keys
from router.core.facts import Arrival, Case, CaseState, Rosters, Unrouted
from router.core.policy import Policy
from router.core.reconsidering import Known
from router.core.routing import Routed, announcements, route
from router.core.survey_answers import Taken, taken
from router.edges.consents import keep_consents
from router.edges.known import TenantContact, customers, with_last_agents
from router.edges.projection import project
from router.edges.reconsider import reconsider
from router.edges.signals import news_of, tell
from router.edges.store import Step, handled_before, newest_cases, save
from router.edges.survey_answers import hear_activities, keep_answers, open_questions

TOPICS = (MESSAGES.name, CUSTOMERS.name, CONSENT.name, ACTIVITIES.name)


class Routing:
    """Handles batches of what TOPICS bring inside the consumer's transaction."""

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
        """Take in what is said of customers, then route the messages in their order, then hear answers.

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
        if told := [item.event for item in batch if item.topic == ACTIVITIES.name]:
            changed += await hear_activities(connection, told, *given)
        if said := [item.event for item in batch if item.topic == CONSENT.name]:
            await keep_consents(connection, said)
        await tell(connection, news_of(changed))


async def _route(
    connection: AsyncConnection,
    arrivals: Sequence[Arrival],
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> list[Case]:
    """Route messages in their order; return how each left its case."""
    done = await handled_before(connection, arrivals)
    known = await customers(connection, {(item.tenant, item.contact) for item in arrivals})
    keys = {(item.tenant, key) for item in arrivals for key in filing_keys(item)}
    cases = await newest_cases(connection, keys)
    asked = await open_questions(connection, arrivals, cases)
    opening = {
        (item.tenant, item.contact) for item in arrivals if not _has_open(item, cases[item.tenant])
    }
    known |= await with_last_agents(
        connection, {one: known[one] for one in opening}, now - policy.last_agent
    )
    loaded = {case.case_id for by_key in cases.values() for case in by_key.values()}
    outcomes = list(_fold(arrivals, done, known, cases, asked, rosters, policy, now))
    steps = [step for one in outcomes if (step := _step(one))]
    await save(connection, steps, loaded, policy, now)
    await keep_answers(connection, [one for one in outcomes if isinstance(one, Taken)])
    await enqueue(connection, [record for one in outcomes for record in _told(one, now)])
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
    asked: dict[UUID, SurveyRequested],
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> Iterator[Step | Taken]:
    """Yield what becomes of each message, each deciding on what the one before it left.

    A question that is answered is taken out of `asked`.
    """
    seen = set(done)
    for arrival in arrivals:
        if (arrival.tenant, arrival.event) in seen:
            continue
        seen.add((arrival.tenant, arrival.event))
        who = known[arrival.tenant, arrival.contact]
        of_tenant = cases[arrival.tenant]
        given = (rosters(arrival.tenant), policy, now)
        one: Step | Taken | Unrouted | None
        if arrival.message.direction is Direction.OUTBOUND:
            one = answer(arrival, who.customer, of_tenant, policy)
        elif heard := taken(arrival, who.customer, of_tenant, asked, *given):
            one = heard
        else:
            one = route(arrival, who.customer, who.contracts, of_tenant, *given, who.last_agent)
        if isinstance(one, Taken) and one.answer.case_id:
            del asked[one.answer.case_id]
        if isinstance(one, Routed | Answered | Taken):
            if step := _step(one):
                of_tenant[step.case.conversation] = step.case
            yield one


def _step(one: Step | Taken) -> Step | None:
    """Return what an outcome does to a case; most answers to questions do nothing."""
    return one.raised if isinstance(one, Taken) else one


def _has_open(arrival: Arrival, cases: Mapping[str, Case]) -> bool:
    found = (cases.get(key) for key in filing_keys(arrival))
    return any(case and case.state is not CaseState.RESOLVED for case in found)


def _told(one: Step | Taken, now: datetime) -> Iterable[Record]:
    if isinstance(one, Taken):
        return survey_answers.announcements(one)
    if isinstance(one, Answered):
        return answering.announcements(one, now)
    return announcements(one)
