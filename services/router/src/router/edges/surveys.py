"""Questions in Postgres: planned when a case is resolved, asked by the ticker when they are due."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import Message
from common.edges.outbox import enqueue
from router.core.continuity import OPENING
from router.core.facts import Case
from router.core.inputs import Inputs
from router.core.policy import Policy
from router.core.surveys import (
    Asked,
    NotAsked,
    Planned,
    Surroundings,
    announcements,
    asked,
    planned,
)
from router.edges.consents import opted_out
from router.edges.known import customers
from router.edges.store import MESSAGE_ITSELF
from router.edges.work import locked_cases

AT_ONCE = 200

_COLUMNS = ", ".join(Planned.__struct_fields__)
_PLAN = text(
    f"INSERT INTO survey ({_COLUMNS}) "  # noqa: S608 - names of our own columns
    f"VALUES ({', '.join(f':{name}' for name in Planned.__struct_fields__)}) ON CONFLICT DO NOTHING"
)
# One replica asks at a time: of two questions to one customer the later one must see the earlier.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.survey'))")
_DUE = text(
    f"SELECT {_COLUMNS} FROM survey WHERE state = 'planned' AND due_at <= :now "  # noqa: S608 - names of our own columns
    "ORDER BY due_at, survey_id LIMIT :most FOR UPDATE"
)
_GOES_ON = text(
    """
    SELECT tenant, conversation FROM support_case
      JOIN unnest(CAST(:tenant AS text[]), CAST(:conversation AS text[]))
           AS asked (tenant, conversation) USING (tenant, conversation)
     WHERE state <> 'resolved'
    """
)
_ASKED_LAST = text(
    """
    SELECT asked.tenant, asked.customer, max(survey.requested_at) AS at
      FROM unnest(CAST(:tenant AS text[]), CAST(:customer AS uuid[])) AS asked (tenant, customer)
      JOIN support_case AS theirs USING (tenant, customer)
      JOIN survey ON survey.case_id = theirs.case_id AND survey.requested_at IS NOT NULL
     GROUP BY 1, 2
    """
)
_WRITTEN = text(
    """
    SELECT tenant, message_event, CAST(body AS text) AS body FROM decision_input
      JOIN unnest(CAST(:tenant AS text[]), CAST(:event AS uuid[])) AS asked (tenant, message_event)
     USING (tenant, message_event)
     WHERE cause = :itself
    """
)
_SETTLE = text(
    """
    UPDATE survey SET state = row.state, reason = row.reason, requested_at = row.requested_at,
                      request = CAST(row.request AS json)
      FROM unnest(CAST(:survey_id AS uuid[]), CAST(:state AS text[]), CAST(:reason AS text[]),
                  CAST(:requested_at AS timestamptz[]), CAST(:request AS text[]))
           AS row (survey_id, state, reason, requested_at, request)
     WHERE survey.survey_id = row.survey_id
    """
)


async def plan_survey(
    connection: AsyncConnection, case: Case, agent: str | None, policy: Policy
) -> None:
    """Plan what a case that has just been resolved is asked; `agent` had it."""
    plan = planned(case, agent, policy)
    if plan is not None:
        await connection.execute(_PLAN, asdict(plan))


async def ask_due(connection: AsyncConnection, policy: Policy, now: datetime) -> int:
    """Ask the questions that have been due longest, at most `AT_ONCE`; return how many were due.

    None are where another replica is at it.
    """
    if not (await connection.execute(_ALONE)).scalar_one():
        return 0
    due = await connection.execute(_DUE, {"now": now, "most": AT_ONCE})
    plans = [msgspec.convert(dict(row), Planned) for row in due.mappings()]
    if not plans:
        return 0
    outcomes = await _outcomes(connection, plans, policy, now)
    await connection.execute(_SETTLE, _columns(plans, outcomes))
    told = [one for one in outcomes if isinstance(one, Asked)]
    await enqueue(connection, [record for one in told for record in announcements(one, now)])
    return len(plans)


async def _outcomes(
    connection: AsyncConnection, plans: Sequence[Planned], policy: Policy, now: datetime
) -> list[Asked | NotAsked]:
    cases = await locked_cases(connection, {plan.case_id for plan in plans})
    stopped = await opted_out(connection, {(plan.tenant, plan.contact) for plan in plans})
    going_on = await _going_on(connection, plans)
    last = await _asked_last(connection, cases.values())
    spoken = await _languages(connection, plans)
    wrote = await _written(connection, cases.values())
    outcomes = []
    for plan in plans:
        case = cases.get(plan.case_id)
        owner = (plan.tenant, case.customer if case else None)
        message = wrote.get(plan.case_id)
        around = Surroundings(
            case=case,
            goes_on=(plan.tenant, plan.conversation) in going_on,
            opted_out=(plan.tenant, plan.contact) in stopped,
            asked_at=last.get(owner),
            message=message,
            language=spoken.get(plan.survey_id) or (message.language if message else None),
        )
        outcome = asked(plan, around, policy, now)
        if isinstance(outcome, Asked):
            last[owner] = max(plan.due_at, last.get(owner, plan.due_at))
        outcomes.append(outcome)
    return outcomes


async def _going_on(connection: AsyncConnection, plans: Sequence[Planned]) -> set[tuple[str, str]]:
    named = {
        "tenant": [plan.tenant for plan in plans],
        "conversation": [plan.conversation for plan in plans],
    }
    return {(row.tenant, row.conversation) for row in await connection.execute(_GOES_ON, named)}


async def _asked_last(
    connection: AsyncConnection, cases: Collection[Case]
) -> dict[tuple[str, UUID | None], datetime]:
    """Return when the customers of these cases were asked last, whichever case it was about."""
    owners = {(case.tenant, case.customer) for case in cases}
    named = {
        "tenant": [tenant for tenant, _ in owners],
        "customer": [customer for _, customer in owners],
    }
    rows = await connection.execute(_ASKED_LAST, named)
    return {(row.tenant, row.customer): row.at for row in rows}


async def _languages(
    connection: AsyncConnection, plans: Sequence[Planned]
) -> dict[UUID, str | None]:
    """Return the languages that profiles tell of."""
    known = await customers(connection, {(plan.tenant, plan.contact) for plan in plans})
    return {plan.survey_id: known[plan.tenant, plan.contact].customer.language for plan in plans}


async def _written(connection: AsyncConnection, cases: Collection[Case]) -> dict[UUID, Message]:
    """Return a message of each case by which its customer can be answered."""
    named = {
        "tenant": [case.tenant for case in cases],
        "event": [case.decided_by for case in cases],
        "itself": MESSAGE_ITSELF,
    }
    found = {
        (row.tenant, row.message_event): _message(row)
        for row in await connection.execute(_WRITTEN, named)
    }
    kept = {case.case_id: found.get((case.tenant, case.decided_by)) for case in cases}
    return {
        case_id: message
        for case_id, message in kept.items()
        if message is not None and message.kind in OPENING
    }


def _message(row: Row[Any]) -> Message:
    return msgspec.json.decode(row.body, type=Inputs).arrival.message


def _columns(
    plans: Sequence[Planned], outcomes: Sequence[Asked | NotAsked]
) -> Mapping[str, list[Any]]:
    requests = [one.request if isinstance(one, Asked) else None for one in outcomes]
    return {
        "survey_id": [plan.survey_id for plan in plans],
        "state": ["requested" if request else "not_asked" for request in requests],
        "reason": [one if isinstance(one, NotAsked) else None for one in outcomes],
        "requested_at": [request.requested_at if request else None for request in requests],
        "request": [
            msgspec.json.encode(request).decode() if request else None for request in requests
        ],
    }
