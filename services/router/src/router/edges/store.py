"""Cases, decisions and customers in Postgres: one query a kind for a whole batch."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.errors import TransientError
from common.core.events import Contract, CustomerChanged
from common.core.ids import customer_id
from router.core.customers import contracts_of, known_as
from router.core.facts import Arrival, Case, Customer
from router.core.routing import Routed
from router.edges import tables
from router.edges.arrays import columns_of, insertion, names, unnested

TenantContact = tuple[str, str]

_CASE_COLUMNS = names(tables.support_case)
_CHANGING = (
    *("participants", "state", "queue", "plan", "contract", "priority", "skills", "rank"),
    *("first_response_due", "resolution_due", "decided_by", "resolved_at", "queued_at"),
    *("version", "preferred", "reserved_until", "held_until", "paused_at", "told", "wake_at"),
)

_DECIDED = text(
    """
    SELECT tenant, message_event FROM decision
      JOIN unnest(CAST(:tenant AS text[]), CAST(:message_event AS uuid[]))
           AS asked (tenant, message_event) USING (tenant, message_event)
    """
)
_CUSTOMERS = text(
    """
    SELECT asked.tenant, asked.contact, mine.customer, CAST(profile.body AS text)
      FROM unnest(CAST(:tenant AS text[]), CAST(:contact AS text[]), CAST(:customer AS uuid[]))
           AS asked (tenant, contact, derived)
      LEFT JOIN contact AS known
        ON known.contact = asked.contact AND known.tenant = asked.tenant
     CROSS JOIN LATERAL (SELECT coalesce(known.customer, asked.derived) AS customer) AS mine
      LEFT JOIN contact AS same ON same.customer = mine.customer AND same.tenant = asked.tenant
      LEFT JOIN profile_contact AS link
        ON link.contact = same.contact AND link.tenant = asked.tenant
      LEFT JOIN profile
        ON profile.customer_ref = link.customer_ref AND profile.tenant = asked.tenant
    """
)
# The open case, else the one resolved last; locked, so that nobody changes it beside us.
_CASES = text(
    f"""
    SELECT newest.*
      FROM unnest(CAST(:tenant AS text[]), CAST(:conversation AS text[]))
           AS asked (tenant, conversation)
     CROSS JOIN LATERAL (
       SELECT {_CASE_COLUMNS} FROM support_case
        WHERE support_case.conversation = asked.conversation
          AND support_case.tenant = asked.tenant
        ORDER BY state <> 'resolved' DESC, resolved_at DESC
        LIMIT 1 FOR UPDATE
     ) AS newest
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
MESSAGE_ITSELF = UUID(int=0)  # the cause of a decision that no later event made anew


class Known(Struct, frozen=True):
    """Who a contact belongs to, and what that customer is promised."""

    customer: Customer
    contracts: tuple[Contract, ...]


async def decided(
    connection: AsyncConnection, arrivals: Sequence[Arrival]
) -> set[tuple[str, UUID]]:
    """Return which messages already have a decision, by tenant and event."""
    result = await connection.execute(
        _DECIDED,
        {
            "tenant": [arrival.tenant for arrival in arrivals],
            "message_event": [arrival.event for arrival in arrivals],
        },
    )
    return {(row.tenant, row.message_event) for row in result}


async def customers(
    connection: AsyncConnection, contacts: Collection[TenantContact]
) -> dict[TenantContact, Known]:
    """Return what is known of whoever each contact belongs to, all contacts of theirs included."""
    result = await connection.execute(
        _CUSTOMERS,
        {
            "tenant": [tenant for tenant, _ in contacts],
            "contact": [contact for _, contact in contacts],
            "customer": [customer_id(tenant, contact) for tenant, contact in contacts],
        },
    )
    owners: dict[TenantContact, UUID] = {}
    profiles: defaultdict[TenantContact, dict[str, CustomerChanged]] = defaultdict(dict)
    for row in result:
        asked = (row.tenant, row.contact)
        owners[asked] = row.customer
        if row.body is not None:
            profile = msgspec.json.decode(row.body, type=CustomerChanged)
            profiles[asked][profile.customer_ref] = profile
    return {asked: _known(owner, profiles[asked]) for asked, owner in owners.items()}


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


async def save(connection: AsyncConnection, routed: Sequence[Routed], known: set[UUID]) -> None:
    """Write the decisions and how they leave their cases; `known` are the cases that were loaded.

    Raises TransientError where another worker was faster with the same conversation or message:
    the batch then has to be decided again, on what that one left.
    """
    last = {step.case.case_id: step.case for step in routed}
    opened = [case for case_id, case in last.items() if case_id not in known]
    changed = [case for case_id, case in last.items() if case_id in known]
    if opened:
        await _insert(connection, _OPEN, _case_columns(opened), len(opened))
    if changed:
        await connection.execute(_CHANGE, _case_columns(changed))
    if routed:
        rows = [_decision_row(step) for step in routed]
        columns = columns_of(tables.decision, rows)
        await _insert(connection, _RECORD, columns, len(rows))
        kept = [_input_row(step) for step in routed]
        await connection.execute(_KEEP, columns_of(tables.decision_input, kept))


def case_of(row: RowMapping) -> Case:
    """Return the case in a row of `support_case`."""
    return msgspec.convert(dict(row), Case)


async def _insert(
    connection: AsyncConnection, statement: TextClause, columns: Mapping[str, list[Any]], rows: int
) -> None:
    written = (await connection.execute(statement, columns)).rowcount
    if written != rows:
        raise TransientError("another worker was faster")


def _known(customer: UUID, profiles: Mapping[str, CustomerChanged]) -> Known:
    found = tuple(profiles.values())
    return Known(known_as(customer, found), contracts_of(found))


def _case_columns(cases: Sequence[Case]) -> dict[str, list[Any]]:
    rows = [msgspec.structs.asdict(case) for case in cases]
    for row in rows:
        for name in ("participants", "skills", "refusals", "told"):
            row[name] = msgspec.json.encode(row[name]).decode()
    return columns_of(tables.support_case, rows)


def _decision_row(step: Routed) -> dict[str, Any]:
    decision = step.decision
    return {
        "tenant": step.arrival.tenant,
        "message_event": decision.message_event,
        "cause": MESSAGE_ITSELF,
        "case_id": decision.case_id,
        "decided_at": decision.decided_at,
        "body": msgspec.json.encode(decision).decode(),
    }


def _input_row(step: Routed) -> dict[str, Any]:
    return {
        "tenant": step.arrival.tenant,
        "message_event": step.arrival.event,
        "cause": MESSAGE_ITSELF,
        "decided_at": step.inputs.now,
        "contact": step.arrival.contact,
        "body": msgspec.json.encode(step.inputs).decode(),
    }
