"""Recorded history read from Postgres: decisions with what they were made from, agents, cases."""

from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cases import Decision
from common.edges.database import ReadConnection, reading
from router.core.agents import Agent, Offer
from router.core.inputs import Inputs
from router.core.simulation.history import History, Kept, RosterEvent
from router.edges import tables
from router.edges.arrays import names
from router.edges.store import case_of

Span = dict[str, str | datetime]

# What a message's own arrival had decided (its cause is the nil UUID); what became known later
# made some of them anew, which is no arrival.
_KEPT = text(
    """
    SELECT CAST(input.body AS text) AS inputs, CAST(decision.body AS text) AS decision
      FROM decision_input AS input JOIN decision USING (message_event, tenant, cause)
     WHERE input.tenant = :tenant
       AND input.decided_at >= :start AND input.decided_at < :end
       AND cause = '00000000-0000-0000-0000-000000000000'
     ORDER BY input.input_number
    """
)
_ROSTER = text(
    """
    SELECT sequence, at, CAST(body AS text) AS body FROM roster_event
     WHERE tenant = :tenant AND at < :end ORDER BY sequence
    """
)
_CASES = text(
    f"""
    SELECT {names(tables.support_case)} FROM support_case
     WHERE tenant = :tenant AND opened_at < :end
       AND (resolved_at IS NULL OR resolved_at >= :start)
     ORDER BY opened_at, case_id
    """  # noqa: S608 - names of our own columns
)
_OFFERS = text(
    f"""
    SELECT {names(tables.offer)} FROM offer
     WHERE tenant = :tenant AND made_at < :end AND case_id IN (
       SELECT case_id FROM support_case
        WHERE tenant = :tenant AND opened_at < :end
          AND (resolved_at IS NULL OR resolved_at >= :start)
     )
     ORDER BY made_at, offer_id
    """  # noqa: S608 - names of our own columns
)


async def recorded(engine: AsyncEngine, tenant: str, start: datetime, end: datetime) -> History:
    """Return what was recorded between two instants. Raises TransientError without a database."""
    span: Span = {"tenant": tenant, "start": start, "end": end}
    async with reading(engine, tenant) as connection:
        return History(
            start=start,
            end=end,
            kept=await _kept(connection, span),
            roster=await _roster(connection, span),
            cases=tuple(map(case_of, (await connection.execute(_CASES, span)).mappings())),
            offers=tuple(
                msgspec.convert(dict(row), Offer)
                for row in (await connection.execute(_OFFERS, span)).mappings()
            ),
        )


async def _kept(connection: ReadConnection, span: Span) -> tuple[Kept, ...]:
    inputs, decisions = msgspec.json.Decoder(Inputs), msgspec.json.Decoder(Decision)
    return tuple(
        Kept(inputs.decode(row.inputs), decisions.decode(row.decision), row.decision.encode())
        for row in await connection.execute(_KEPT, span)
    )


async def _roster(connection: ReadConnection, span: Span) -> tuple[RosterEvent, ...]:
    agents = msgspec.json.Decoder(Agent)
    return tuple(
        RosterEvent(row.sequence, row.at, agents.decode(row.body))
        for row in await connection.execute(_ROSTER, span)
    )
