"""Answers into Postgres, each once: those in messages, and those that other systems tell of."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Event
from common.core.errors import TransientError
from common.core.events import Activity
from common.core.surveys import SurveyRequested
from common.edges.outbox import enqueue
from router.core.acceptance import accepted_activity
from router.core.continuity import filing_keys
from router.core.facts import Arrival, Case, CaseState, Rosters
from router.core.policy import Policy
from router.core.survey_activities import KIND, Told, said_in, told_in
from router.core.survey_answers import Given, Taken, announcements, answered
from router.core.survey_reading import may_answer
from router.edges import tables
from router.edges.arrays import names
from router.edges.known import customers
from router.edges.store import case_of, newest_cases, save

TenantKey = tuple[str, str]

_ASKED = text(
    """
    SELECT DISTINCT ON (case_id) case_id, CAST(request AS text) AS request
      FROM survey
      JOIN unnest(CAST(:tenant AS text[]), CAST(:conversation AS text[]))
           AS asked (tenant, conversation) USING (tenant, conversation)
     WHERE state = 'requested'
     ORDER BY case_id, requested_at DESC
    """
)
_TAKEN = text(
    """
    SELECT tenant, answer_event FROM survey_answer
      JOIN unnest(CAST(:tenant AS text[]), CAST(:event AS uuid[])) AS asked (tenant, answer_event)
     USING (tenant, answer_event)
    """
)
_KEEP = text(
    """
    INSERT INTO survey_answer
      (tenant, answer_event, survey_id, case_id, contact, answered_at, body)
    SELECT tenant, answer_event, survey_id, case_id, contact, answered_at, CAST(body AS json)
      FROM unnest(CAST(:tenant AS text[]), CAST(:event AS uuid[]), CAST(:survey_id AS uuid[]),
                  CAST(:case_id AS uuid[]), CAST(:contact AS text[]),
                  CAST(:answered_at AS timestamptz[]), CAST(:body AS text[]))
           AS heard (tenant, answer_event, survey_id, case_id, contact, answered_at, body)
    ON CONFLICT DO NOTHING
    """
)
_ANSWERED = text(
    """
    UPDATE survey SET state = 'answered'
     WHERE survey_id = ANY(CAST(:survey_id AS uuid[])) AND state = 'requested'
    """
)
# What an activity names, else the contact's newest question that it can be an answer to.
_NAMED = text(
    f"""
    SELECT survey.state AS asked, CAST(survey.request AS text) AS request, theirs.*
      FROM (SELECT CAST(:survey_id AS uuid) AS survey_id, CAST(:case_id AS uuid) AS case_id) AS told
      LEFT JOIN LATERAL (
        SELECT * FROM survey
         WHERE tenant = :tenant AND requested_at IS NOT NULL
           AND CASE WHEN told.survey_id IS NOT NULL THEN survey.survey_id = told.survey_id
                    WHEN told.case_id IS NOT NULL THEN survey.case_id = told.case_id
                    ELSE contact = :contact AND requested_at <= :at END
         ORDER BY requested_at DESC LIMIT 1
      ) AS survey ON true
      LEFT JOIN LATERAL (
        SELECT {names(tables.support_case)} FROM support_case
         WHERE support_case.tenant = :tenant
           AND support_case.case_id = coalesce(survey.case_id, told.case_id)
      ) AS theirs ON true
    """  # noqa: S608 - names of our own columns
)

_read_request = msgspec.json.Decoder(SurveyRequested).decode


class _Named(Struct, frozen=True):
    """What an activity was found to speak of. `again`: the question had an answer."""

    request: SurveyRequested | None
    about: Case | None
    again: bool


async def open_questions(
    connection: AsyncConnection,
    arrivals: Iterable[Arrival],
    cases: Mapping[str, Mapping[str, Case]],
) -> dict[UUID, SurveyRequested]:
    """Return the questions without an answer that these messages may answer, by case.

    `cases` are the newest of each conversation, by tenant and filing key. Only about a resolved one can
    a question be answered (`taken`), so texts are read, and Postgres is asked, for few messages.
    """
    resolved = {
        (tenant, key)
        for tenant, by_key in cases.items()
        for key, case in by_key.items()
        if case.state is CaseState.RESOLVED
    }
    keys = sorted(_answerable(arrivals, resolved))
    if not keys:
        return {}
    named = {
        "tenant": [tenant for tenant, _ in keys],
        "conversation": [conversation for _, conversation in keys],
    }
    rows = await connection.execute(_ASKED, named)
    return {row.case_id: _read_request(row.request) for row in rows}


async def keep_answers(connection: AsyncConnection, heard: Sequence[Taken]) -> None:
    """Write answers. Raises TransientError where another worker was faster with one."""
    if not heard:
        return
    columns = {
        "tenant": [one.tenant for one in heard],
        "event": [one.answer.answer_event for one in heard],
        "survey_id": [one.answer.survey_id for one in heard],
        "case_id": [one.answer.case_id for one in heard],
        "contact": [one.answer.contact for one in heard],
        "answered_at": [one.answer.answered_at for one in heard],
        "body": [msgspec.json.encode(one.answer).decode() for one in heard],
    }
    if (await connection.execute(_KEEP, columns)).rowcount != len(heard):
        raise TransientError("another worker was faster")
    await connection.execute(_ANSWERED, {"survey_id": columns["survey_id"]})


async def hear_activities(
    connection: AsyncConnection,
    said: Iterable[Event],
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> list[Case]:
    """Take the answers among activities, in their order; return the cases that they opened.

    Raises PoisonError where one cannot be understood.
    """
    answers = {
        (event.attributes.tenant, event.attributes.id): (event, accepted_activity(event.data))
        for event in said
        if isinstance(event.data, Activity) and event.data.kind == KIND
    }
    done = await _taken(connection, list(answers)) if answers else set()
    opened = []
    for key, (event, activity) in answers.items():
        if key in done:
            continue
        one = await _heard(connection, event, activity, rosters, policy, now)
        if one.raised:
            await save(connection, [one.raised], set(), policy, now)
            opened.append(one.raised.case)
        await keep_answers(connection, [one])
        await enqueue(connection, announcements(one))
    return opened


async def _heard(
    connection: AsyncConnection,
    event: Event,
    activity: Activity,
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> Taken:
    tenant, contact = event.attributes.tenant, activity.contact
    told = told_in(activity)
    named = await _named(connection, tenant, activity, told)
    question, said = said_in(told, named.request)
    who = (await customers(connection, {(tenant, contact)}))[tenant, contact]
    given = Given(
        event=event.attributes.id,
        tenant=tenant,
        contact=contact,
        at=activity.occurred_at,
        question=question,
        said=said,
        request=named.request,
        channel=activity.channel,
        again=named.again,
        apart=await _has_open(connection, named.about),
    )
    return answered(given, who.customer, named.about, rosters(tenant), policy, now)


async def _named(
    connection: AsyncConnection, tenant: str, activity: Activity, told: Told
) -> _Named:
    asked = {
        "tenant": tenant,
        "survey_id": told.survey_id,
        "case_id": told.case_id,
        "contact": activity.contact,
        "at": activity.occurred_at,
    }
    row = (await connection.execute(_NAMED, asked)).mappings().one()
    request = _read_request(row["request"]) if row["request"] else None
    if request is not None and not _concerns(request, activity, told):
        return _Named(None, None, again=False)
    return _Named(request, _about(row), again=row["asked"] == "answered")


def _answerable(arrivals: Iterable[Arrival], resolved: Collection[TenantKey]) -> set[TenantKey]:
    """Return the resolved conversations in which somebody may have answered."""
    if not resolved:
        return set()
    found: set[TenantKey] = set()
    for arrival in arrivals:
        theirs = {(arrival.tenant, key) for key in filing_keys(arrival)}.intersection(resolved)
        if theirs and may_answer(arrival.message):
            found |= theirs
    return found


def _concerns(request: SurveyRequested, activity: Activity, told: Told) -> bool:
    """Whether a question may be what an activity answers that names neither it nor its case."""
    if told.survey_id or told.case_id:
        return True
    fits = told.question in (None, request.question)
    return fits and activity.occurred_at <= request.answer_until


def _about(row: RowMapping) -> Case | None:
    return case_of(row) if row["case_id"] else None


async def _has_open(connection: AsyncConnection, about: Case | None) -> bool:
    """Whether the case's conversation has an open case now; it stays locked."""
    if about is None:
        return False
    found = await newest_cases(connection, {(about.tenant, about.conversation)})
    newest = found[about.tenant].get(about.conversation)
    return newest is not None and newest.state is not CaseState.RESOLVED


async def _taken(
    connection: AsyncConnection, events: Sequence[tuple[str, UUID]]
) -> set[tuple[str, UUID]]:
    named = {
        "tenant": [tenant for tenant, _ in events],
        "event": [event for _, event in events],
    }
    rows = await connection.execute(_TAKEN, named)
    return {(row.tenant, row.answer_event) for row in rows}
