"""Cases, decisions and customers in Postgres: one query a kind for a whole batch."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cases import Decision
from common.core.errors import TransientError
from router.core.answering import Answered
from router.core.facts import Arrival, Case
from router.core.inputs import Inputs
from router.core.policy import Policy
from router.core.routing import Routed
from router.core.waking import asleep
from router.edges import tables
from router.edges.arrays import columns_of, insertion, names, row_of, unnested

Step = Routed | Answered

_JSON = ("participants", "skills", "refusals", "told")
_CASE_COLUMNS = names(tables.support_case)
_CHANGING = (
    *("participants", "state", "queue", "plan", "contract", "priority", "skills", "rank"),
    *("first_response_due", "resolution_due", "decided_by", "resolved_at", "queued_at"),
    *("version", "preferred", "reserved_until", "held_until", "paused_at", "told", "wake_at"),
    "first_responded_at",
)

_HANDLED = text(
    """
    WITH asked (tenant, message_event) AS (
      SELECT * FROM unnest(CAST(:tenant AS text[]), CAST(:message_event AS uuid[]))
    )
    SELECT tenant, message_event FROM decision JOIN asked USING (tenant, message_event)
     UNION ALL
    SELECT tenant, message_event FROM answer JOIN asked USING (tenant, message_event)
     UNION ALL
    SELECT asked.tenant, message_event FROM asked
      JOIN survey_answer AS heard
        ON heard.answer_event = message_event AND heard.tenant = asked.tenant
    """
)
# The open case, else the one resolved last; locked, so that nobody changes it beside us. Materialized:
# under row-level security Postgres uses no index for a comparison with the answer to a question.
_CASES = text(
    f"""
    WITH found AS MATERIALIZED (
      SELECT coalesce(
               (SELECT case_id FROM support_case AS one
                 WHERE one.conversation = asked.conversation AND one.tenant = asked.tenant
                   AND state <> 'resolved'),
               (SELECT case_id FROM support_case AS one
                 WHERE one.conversation = asked.conversation AND one.tenant = asked.tenant
                   AND state = 'resolved' ORDER BY resolved_at DESC LIMIT 1)
             ) AS newest
        FROM unnest(CAST(:tenant AS text[]), CAST(:conversation AS text[]))
             AS asked (tenant, conversation)
    )
    SELECT locked.* FROM found CROSS JOIN LATERAL (
      SELECT {_CASE_COLUMNS} FROM support_case WHERE case_id = found.newest FOR UPDATE
    ) AS locked
    """  # noqa: S608 - names of our own columns
)
_OPEN = text(
    insertion(tables.support_case) + " ORDER BY conversation, tenant ON CONFLICT DO NOTHING"
)
_CHANGE = text(
    f"UPDATE support_case AS stored SET {', '.join(f'{name} = row.{name}' for name in _CHANGING)} "  # noqa: S608 - names of our own columns
    f"FROM {unnested(tables.support_case)} AS row ({_CASE_COLUMNS}) "
    "WHERE stored.case_id = row.case_id"
)
_RECORD = text(insertion(tables.decision) + " ON CONFLICT DO NOTHING")
_KEEP = text(insertion(tables.decision_input))
_ANSWER = text(insertion(tables.answer) + " ON CONFLICT DO NOTHING")
MESSAGE_ITSELF = UUID(int=0)  # the cause of a decision that no later event made anew


class Recorded(Struct, frozen=True):
    """A decision and what it was made from."""

    decision: Decision
    inputs: Inputs


async def handled_before(
    connection: AsyncConnection, arrivals: Sequence[Arrival]
) -> set[tuple[str, UUID]]:
    """Return which messages already have a decision, or answered a case or survey, by tenant and event."""
    result = await connection.execute(
        _HANDLED,
        {
            "tenant": [arrival.tenant for arrival in arrivals],
            "message_event": [arrival.event for arrival in arrivals],
        },
    )
    return {(row.tenant, row.message_event) for row in result}


async def newest_cases(
    connection: AsyncConnection, conversations: Collection[tuple[str, str]]
) -> defaultdict[str, dict[str, Case]]:
    """Return each conversation's open or last resolved case, by tenant and filing key.

    They stay locked until the transaction ends.
    """
    ordered = sorted(conversations)  # everybody locks in this order
    result = await connection.execute(
        _CASES,
        {
            "tenant": [tenant for tenant, _ in ordered],
            "conversation": [conversation for _, conversation in ordered],
        },
    )
    cases: defaultdict[str, dict[str, Case]] = defaultdict(dict)
    for row in result.mappings():
        cases[row["tenant"]][row["conversation"]] = case_of(row)
    return cases


async def save(
    connection: AsyncConnection,
    steps: Sequence[Step],
    known: set[UUID],
    policy: Policy,
    now: datetime,
) -> None:
    """Write decisions and answers, and how they leave their cases, asleep until something is due.

    `known` are the cases that were loaded.

    Raises TransientError where another worker was faster with the same conversation or message:
    the batch then has to be decided again, on what that one left.
    """
    left = {step.case.case_id: step.case for step in steps}  # the last of several counts
    last = {case_id: asleep(case, policy, now) for case_id, case in left.items()}
    opened = [case for case_id, case in last.items() if case_id not in known]
    changed = [case for case_id, case in last.items() if case_id in known]
    if opened:
        await _insert(connection, _OPEN, case_columns(opened), len(opened))
    if changed:
        await connection.execute(_CHANGE, case_columns(changed))
    if answers := [_answer_row(step) for step in steps if isinstance(step, Answered)]:
        await _insert(connection, _ANSWER, columns_of(tables.answer, answers), len(answers))
    if routed := [step for step in steps if isinstance(step, Routed)]:
        await record_decisions(connection, [Recorded(one.decision, one.inputs) for one in routed])


async def record_decisions(connection: AsyncConnection, made: Sequence[Recorded]) -> None:
    """Write decisions, and what each was made from.

    Raises TransientError where another worker was faster.
    """
    if made:
        columns = columns_of(tables.decision, [_decision_row(one) for one in made])
        await _insert(connection, _RECORD, columns, len(made))
        rows = [_input_row(one) for one in made]
        await connection.execute(_KEEP, columns_of(tables.decision_input, rows))


def case_of(row: RowMapping) -> Case:
    """Return the case in a row of `support_case`."""
    return msgspec.convert(dict(row), Case)


async def _insert(
    connection: AsyncConnection, statement: TextClause, columns: Mapping[str, list[Any]], rows: int
) -> None:
    written = (await connection.execute(statement, columns)).rowcount
    if written != rows:
        raise TransientError("another worker was faster")


def case_columns(cases: Iterable[Case]) -> dict[str, list[Any]]:
    """Return cases as the parameters of a statement on many rows of `support_case`."""
    return columns_of(tables.support_case, [row_of(case, _JSON) for case in cases])


def _answer_row(step: Answered) -> dict[str, Any]:
    return {
        "tenant": step.arrival.tenant,
        "message_event": step.arrival.event,
        "case_id": step.case.case_id,
        "answered_at": step.answered_at,
    }


def _decision_row(made: Recorded) -> dict[str, Any]:
    decision = made.decision
    return {
        "tenant": made.inputs.arrival.tenant,
        "message_event": decision.message_event,
        "cause": decision.cause_event or MESSAGE_ITSELF,
        "case_id": decision.case_id,
        "decided_at": decision.decided_at,
        "body": msgspec.json.encode(decision).decode(),
    }


def _input_row(made: Recorded) -> dict[str, Any]:
    inputs = made.inputs
    return {
        "tenant": inputs.arrival.tenant,
        "message_event": made.decision.message_event,
        "cause": made.decision.cause_event or MESSAGE_ITSELF,
        "decided_at": inputs.now,
        "contact": inputs.arrival.contact,
        "body": msgspec.json.encode(inputs).decode(),
    }
