"""Waiting cases decided anew when a profile, an account or a merge comes after their messages."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cases import CaseRouted, Decision
from common.core.cloudevents import Event
from common.core.events import CustomerChanged, CustomersMerged, CustomersUnmerged
from common.core.ids import customer_id
from router.core.acceptance import accepted_profile
from router.core.continuity import OPENING
from router.core.customers import account_told, company_domains
from router.core.facts import Arrival, Case, CaseState, Rosters
from router.core.inputs import Inputs, reconsidering_inputs
from router.core.policy import Policy
from router.core.reconsidering import (
    MOST_MESSAGES,
    Cause,
    Known,
    case_reconsidered,
    reconsidered,
)
from router.core.steps import Change
from router.core.wording import Wording
from router.edges.known import customers
from router.edges.store import MESSAGE_ITSELF, Recorded, record_decisions
from router.edges.work import locked_cases, save_changes

_UNDECIDED = frozenset({CaseState.WAITING, CaseState.HELD})

# The cases of whoever the contacts belong to, of an account's people, of those who write from its
# domains; `number` is the place of the event that speaks of them.
_CONCERNED = text(
    """
    WITH person (number, tenant, customer) AS (
      SELECT asked.number, asked.tenant, coalesce(known.customer, asked.derived)
        FROM unnest(CAST(:number AS int[]), CAST(:tenant AS text[]), CAST(:contact AS text[]),
                    CAST(:derived AS uuid[])) AS asked (number, tenant, contact, derived)
        LEFT JOIN contact AS known
          ON known.contact = asked.contact AND known.tenant = asked.tenant
       UNION ALL
      SELECT asked.number, asked.tenant, theirs.customer
        FROM unnest(CAST(:account_number AS int[]), CAST(:account_tenant AS text[]),
                    CAST(:account AS text[])) AS asked (number, tenant, account)
        JOIN profile ON profile.body -> 'account' ->> 'account_id' = asked.account
                    AND profile.tenant = asked.tenant
        JOIN profile_contact AS link
          ON link.customer_ref = profile.customer_ref AND link.tenant = profile.tenant
        JOIN contact AS theirs ON theirs.contact = link.contact AND theirs.tenant = link.tenant
       UNION ALL
      SELECT asked.number, asked.tenant, theirs.customer
        FROM unnest(CAST(:domain_number AS int[]), CAST(:domain_tenant AS text[]),
                    CAST(:domain AS text[])) AS asked (number, tenant, domain)
        JOIN contact AS theirs ON split_part(theirs.contact, '@', 2) = asked.domain
                              AND theirs.contact LIKE 'email:%' AND theirs.tenant = asked.tenant
    )
    SELECT case_id, max(number) AS number FROM (
      SELECT concerned.case_id, person.number
        FROM person JOIN support_case AS concerned USING (customer, tenant)
       WHERE concerned.state IN ('waiting', 'held')
       UNION ALL
      SELECT concerned.case_id, asked.number
        FROM unnest(CAST(:domain_number AS int[]), CAST(:domain_tenant AS text[]),
                    CAST(:domain AS text[])) AS asked (number, tenant, domain)
        JOIN support_case AS concerned
          ON split_part(concerned.contact, '@', 2) = asked.domain
         AND concerned.contact LIKE 'email:%' AND concerned.tenant = asked.tenant
         AND concerned.state IN ('waiting', 'held')
    ) AS found GROUP BY case_id
    """
)
_DONE = text(
    """
    SELECT case_id FROM decision
      JOIN unnest(CAST(:ids AS uuid[]), CAST(:causes AS uuid[])) AS asked (case_id, cause)
     USING (case_id, cause)
    """
)
# Since the case was opened or reopened: that message, and the last ones.
_TALES = text(
    """
    SELECT asked.case_id, CAST(input.body AS text)
      FROM unnest(CAST(:ids AS uuid[])) AS asked (case_id)
     CROSS JOIN LATERAL (
       SELECT decision_number FROM decision
        WHERE decision.case_id = asked.case_id AND cause = :itself
          AND body ->> 'continuity' <> 'joined'
        ORDER BY decision_number DESC LIMIT 1
     ) AS opening
     CROSS JOIN LATERAL (
       SELECT message_event, tenant, cause, decision_number FROM decision
        WHERE decision.case_id = asked.case_id AND cause = :itself
          AND decision_number >= opening.decision_number
        ORDER BY decision_number = opening.decision_number DESC, decision_number DESC LIMIT :most
     ) AS told
      JOIN decision_input AS input USING (message_event, tenant, cause)
     ORDER BY asked.case_id, told.decision_number
    """
)
_LAST_KNOWN = text(
    """
    SELECT asked.case_id, CAST(input.body AS text)
      FROM unnest(CAST(:ids AS uuid[])) AS asked (case_id)
     CROSS JOIN LATERAL (
       SELECT message_event, tenant, cause FROM decision WHERE decision.case_id = asked.case_id
        ORDER BY decision_number DESC LIMIT 1
     ) AS last
      JOIN decision_input AS input USING (message_event, tenant, cause)
    """
)


class _Concern(Struct):
    """Of whom events speak, as the columns of `_CONCERNED`."""

    contacts: list[tuple[int, str, str]]
    accounts: list[tuple[int, str, str]]
    domains: list[tuple[int, str, str]]


async def reconsider(
    connection: AsyncConnection,
    said: Sequence[Event],
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> list[Case]:
    """Decide anew about waiting and held cases that these events speak of; return those that changed.

    What the events say is projected before. A case is decided anew once for an event at most.
    """
    concerned = await _concerned(connection, said)
    if not concerned:
        return []
    causes = {case_id: _cause(said[number], policy.say) for case_id, number in concerned.items()}
    done = await _done(connection, causes)
    cases = await locked_cases(connection, causes.keys() - done)
    open_cases = {key: case for key, case in cases.items() if case.state in _UNDECIDED}
    steps = await _steps(connection, open_cases, causes, rosters, policy, now)
    await record_decisions(connection, [step for step, _ in steps])
    await save_changes(connection, [change for _, change in steps], policy, now)
    return [change.case for _, change in steps]


async def _steps(
    connection: AsyncConnection,
    cases: Mapping[UUID, Case],
    causes: Mapping[UUID, Cause],
    rosters: Rosters,
    policy: Policy,
    now: datetime,
) -> list[tuple[Recorded, Change]]:
    tales = await _read(connection, _TALES, cases, itself=MESSAGE_ITSELF, most=MOST_MESSAGES)
    last = await _read(connection, _LAST_KNOWN, cases)
    known = await customers(connection, {(case.tenant, case.contact) for case in cases.values()})
    steps = []
    for case_id, case in cases.items():
        arrivals = tuple(_asking(tales.get(case_id, ())))
        if not arrivals:
            continue  # older than the keeping of inputs
        (input_before,) = last[case_id]
        before = Known(input_before.customer, input_before.contracts)
        after = known[case.tenant, case.contact]
        cause, roster = causes[case_id], rosters(case.tenant)
        decision = reconsidered(arrivals, before, after, case, roster, policy, now, cause)
        if decision is not None:
            inputs = reconsidering_inputs(arrivals, before, after, case, roster, policy, now, cause)
            steps.append((Recorded(decision, inputs), _change(case, decision)))
    return steps


def _change(case: Case, decision: Decision) -> Change:
    after = case_reconsidered(case, decision)
    event = CaseRouted(
        case_id=case.case_id, decision=decision, case_version=after.version, units=after.units
    )
    return Change(case=after, events=(event,))


def _asking(inputs: Collection[Inputs]) -> list[Arrival]:
    return [one.arrival for one in inputs if one.arrival.message.kind in OPENING]


async def _read(
    connection: AsyncConnection, query: Any, ids: Collection[UUID], **parameters: Any
) -> dict[UUID, list[Inputs]]:
    rows = await connection.execute(query, {"ids": list(ids), **parameters})
    read: defaultdict[UUID, list[Inputs]] = defaultdict(list)
    for row in rows:
        read[row.case_id].append(msgspec.json.decode(row.body, type=Inputs))
    return read


async def _done(connection: AsyncConnection, causes: Mapping[UUID, Cause]) -> set[UUID]:
    parameters = {"ids": list(causes), "causes": [cause.event for cause in causes.values()]}
    return set((await connection.execute(_DONE, parameters)).scalars())


async def _concerned(connection: AsyncConnection, said: Sequence[Event]) -> dict[UUID, int]:
    """Return the waiting and held cases that the events speak of, with the last one's place."""
    concern = _Concern([], [], [])
    for number, event in enumerate(said):
        _add(concern, number, event)
    contacts = concern.contacts
    parameters = {
        "number": [number for number, _, _ in contacts],
        "tenant": [tenant for _, tenant, _ in contacts],
        "contact": [contact for _, _, contact in contacts],
        "derived": [customer_id(tenant, contact) for _, tenant, contact in contacts],
        **_columns("account", concern.accounts),
        **_columns("domain", concern.domains),
    }
    rows = await connection.execute(_CONCERNED, parameters)
    return {row.case_id: row.number for row in rows}


def _add(concern: _Concern, number: int, event: Event) -> None:
    tenant, data = event.attributes.tenant, event.data
    if isinstance(data, CustomersMerged | CustomersUnmerged):
        concern.contacts += ((number, tenant, contact) for contact in data.contacts)
    elif isinstance(data, CustomerChanged):
        profile = accepted_profile(data)
        concern.contacts += ((number, tenant, contact) for contact in profile.contacts)
        if told := account_told(profile):
            concern.accounts.append((number, tenant, told.account.account_id))
            concern.domains += (
                (number, tenant, domain) for domain in company_domains(told.account)
            )


def _columns(name: str, rows: Sequence[tuple[int, str, str]]) -> dict[str, list[Any]]:
    numbers, tenants, values = [list(column) for column in zip(*rows, strict=True)] or ([], [], [])
    return {f"{name}_number": numbers, f"{name}_tenant": tenants, name: values}


def _cause(event: Event, say: Wording) -> Cause:
    data = event.data
    if isinstance(data, CustomersMerged):
        reason = say.cause_merged
    elif isinstance(data, CustomerChanged):
        reason = _told_by(data, say)
    else:
        reason = say.cause_unmerged
    return Cause(reason, event.attributes.id)


def _told_by(profile: CustomerChanged, say: Wording) -> str:
    if not profile.contacts and profile.account is not None:
        return say.cause_account.format(account=profile.account.account_id)
    return say.cause_profile.format(reference=profile.customer_ref)
