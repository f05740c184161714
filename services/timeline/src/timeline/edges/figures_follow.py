"""Where events enter the figures: a batch changes what is known of cases, and the counts by the difference.

What a case has counted is taken back and what it counts now is added, in the transaction that moves
the offsets. Whatever the order and however often an event comes, the counts are those of the set of
events.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Event
from common.core.erasure import Marker
from common.core.errors import PoisonError
from common.core.work import AgentChanged
from common.edges.batches import Received
from common.edges.erasing import ErasedNames
from common.edges.waiting import by_turns
from timeline.core.case_story import story_of
from timeline.core.entry import Entry
from timeline.core.erasure import is_old
from timeline.core.figures_facts import CaseKey, Fact, fact_of, united
from timeline.core.figures_observations import (
    Membership,
    Observation,
    agents_of,
    message_observation,
    moves,
    observations_of,
    short,
)
from timeline.core.figures_steps import steps_of
from timeline.core.recording import entry_of, position_of
from timeline.core.values import canonical, utc
from timeline.edges.erasure_guard import gone_among
from timeline.edges.figures_store import (
    AgentKey,
    CountedCase,
    Counts,
    KnownCase,
    MessageKey,
    cases_of_agents,
    lock_cases,
    write_cases,
    write_counts,
    write_messages,
)
from timeline.edges.figures_teams import add_memberships, memberships_of

# Whoever adds or removes a generation takes this lock alone (timeline.edges.figures_rebuild).
_LOCK_GENERATIONS = text("SELECT pg_advisory_xact_lock_shared(hashtext('timeline.figures'))")
_GENERATIONS = text("SELECT number FROM figure_generation ORDER BY number")
# Who counts a tenant's cases reads teams; who hears of another team counts anew what others counted.
_LOCK_TEAMS = text(
    """
    SELECT CASE WHEN alone THEN pg_advisory_xact_lock(hashtext('timeline.figures.teams'), mark)
                ELSE pg_advisory_xact_lock_shared(hashtext('timeline.figures.teams'), mark) END
      FROM (SELECT hashtext(tenant) AS mark, bool_or(alone) AS alone
              FROM unnest(CAST(:tenants AS text[]), CAST(:alone AS boolean[])) AS said (tenant, alone)
             GROUP BY 1 ORDER BY 1) AS ordered
    """
)


class Told(Struct, frozen=True):
    """What a batch of events says."""

    facts: Mapping[CaseKey, Sequence[Fact]]
    messages: Mapping[MessageKey, Observation]
    memberships: Sequence[tuple[AgentKey, Membership]]


class FiguresFollower:
    """The handler of the group that counts; see common.edges.consumer.Consumer.

    `region` is the ISO 3166 country of telephone numbers that others write without one.
    """

    def __init__(self, region: str, privacy_key: str = "") -> None:
        self._region = region
        self._names = erased_names(privacy_key)

    async def __call__(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """Count what a batch tells, in every generation."""
        admitted = await self._admitted(connection, batch)
        told = told_by((received.event for received in admitted), self._region)
        await connection.execute(_LOCK_GENERATIONS)
        generations = list(await connection.scalars(_GENERATIONS))
        await _lock_teams(connection, told)
        moved = await _moved(connection, told.memberships)
        for generation in generations:
            await count(connection, generation, told, moved)

    async def _admitted(
        self, connection: AsyncConnection, batch: Sequence[Received]
    ) -> Sequence[Received]:
        """Leave out what is about people who were erased, as the timeline does, and keep deletions waiting."""
        if self._names is None:
            return batch
        erased = await self._names.load(connection)
        suspects: dict[UUID, tuple[Entry, datetime]] = {}
        for received in batch if len(erased) else ():
            entry = self._entry(received)
            moment = entry and erased.contact(entry.tenant, entry.contact)
            if entry and moment:
                suspects[entry.event_id] = entry, moment
        entries = [entry for entry, _ in suspects.values()]
        gone = await gone_among(connection, entries, erased.marker)
        gone |= {event for event, (entry, moment) in suspects.items() if is_old(entry, moment)}
        return [received for received in batch if received.event.attributes.id not in gone]

    def _entry(self, received: Received) -> Entry | None:
        position = position_of(received.topic, received.partition, received.offset)
        try:
            return entry_of(received.event, position, received.published_at, self._region)
        except PoisonError:
            return None  # it counts nothing anyway


def erased_names(privacy_key: str) -> ErasedNames | None:
    """Return who was erased; without a key nobody can have been."""
    return ErasedNames(Marker(privacy_key)) if privacy_key else None


def told_by(events: Iterable[Event], region: str) -> Told:
    """Return what events say, in whatever order they come.

    Those without a contact are no part of anybody's history, and are not counted either.
    """
    facts: defaultdict[CaseKey, list[Fact]] = defaultdict(list)
    messages: dict[MessageKey, Observation] = {}
    memberships: list[tuple[AgentKey, Membership]] = []
    for event in events:
        tenant = event.attributes.tenant
        if isinstance(event.data, AgentChanged):
            memberships.append(_membership(tenant, event.data))
        elif (contact := canonical(event.attributes.subject, region)) is None:
            continue
        elif (fact := fact_of(event, contact)) is not None:
            facts[fact[0]].append(fact[1])
        elif (seen := message_observation(event)) is not None:
            key = (tenant, event.attributes.id)
            messages[key] = min(seen, messages.get(key, seen))
    return Told(facts, messages, memberships)


async def count(
    connection: AsyncConnection,
    generation: int,
    told: Told,
    moved: Mapping[AgentKey, datetime] | None = None,
) -> None:
    """Count in one generation what events say, and again what agents did since they `moved`."""
    again = await cases_of_agents(connection, generation, moved or {})
    known = await lock_cases(connection, generation, {*told.facts, *again})
    facts = {key: united(case.facts, told.facts.get(key, ())) for key, case in known.items()}
    teams = await memberships_of(
        connection,
        {(key[0], agent) for key, of_case in facts.items() for agent in agents_of(of_case)},
    )
    # A thousand long cases are a second of work, and this process has others to answer.
    counted = {key: _counted(key, of_case, teams) async for key, of_case in by_turns(facts.items())}
    changed = {key: case for key, case in counted.items() if case.known != known[key]}
    await write_cases(connection, generation, changed)
    changes = _difference(known, changed)
    changes.update(await write_messages(connection, generation, told.messages))
    await write_counts(connection, generation, changes)


def _counted(
    key: CaseKey, facts: tuple[Fact, ...], teams: Mapping[AgentKey, Sequence[Membership]]
) -> CountedCase:
    tenant, case = key
    agents = agents_of(facts)
    of_tenant = {agent: teams.get((tenant, agent), ()) for agent in agents}
    steps = steps_of(facts)
    known = KnownCase(facts, observations_of(facts, steps, of_tenant))
    return CountedCase(known, story_of(case, facts, steps), frozenset(agents))


def _difference(
    known: Mapping[CaseKey, KnownCase], changed: Mapping[CaseKey, CountedCase]
) -> Counts:
    changes: Counts = Counter()
    for key, case in changed.items():
        changes.update((key[0], seen) for seen in case.known.counted)
        changes.subtract((key[0], seen) for seen in known[key].counted)
    return changes


async def _lock_teams(connection: AsyncConnection, told: Told) -> None:
    alone = {tenant for (tenant, _), _ in told.memberships}
    tenants = sorted({tenant for tenant, _ in told.facts} | alone)
    if tenants:
        said = {"tenants": tenants, "alone": [tenant in alone for tenant in tenants]}
        await connection.execute(_LOCK_TEAMS, said)


async def _moved(
    connection: AsyncConnection, told: Sequence[tuple[AgentKey, Membership]]
) -> dict[AgentKey, datetime]:
    """Note the teams of agents; return since when whose may be another than was thought."""
    agents = {key for key, _ in told}
    before = await memberships_of(connection, agents)
    await add_memberships(connection, told)
    after = await memberships_of(connection, agents)
    moved: dict[AgentKey, datetime] = {}
    for key in agents:
        if news := moves(after[key]) ^ moves(before.get(key, ())):
            moved[key] = min(since for since, _ in news)
    return moved


def _membership(tenant: str, data: AgentChanged) -> tuple[AgentKey, Membership]:
    membership = Membership(utc(data.changed_at), data.agent_version, short(data.team))
    return (tenant, short(data.agent)), membership
