"""Which offers an agent is shown: what stands now, and what changed since."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.edges.agents_views import OfferedCase, OfferView

AgentKey = tuple[str, str]

MOST = 500  # offers of an agent read at once

_SHOWN = """
    offer.offer_id, offer.tenant, offer.agent, offer.state, offer.case_id, offer.queue,
    offer.made_at, offer.expires_at, offer.ended_at, offer.agent_version AS version,
    held.contact, held.customer, held.conversation, held.channel, held.subject, held.plan, held.priority, held.units,
    held.skills, held.first_response_due, held.resolution_due, held.opened_at
"""
_ASKED = "unnest(CAST(:tenants AS text[]), CAST(:agents AS text[])"
_VERSIONS = text(
    f"""
    SELECT tenant, agent, version FROM agent
      JOIN {_ASKED}) AS asked (tenant, agent) USING (tenant, agent)
    """  # noqa: S608 - our own text
)
_STANDING = text(
    f"""
    SELECT {_SHOWN}
      FROM {_ASKED}) AS asked (tenant, agent)
      JOIN support_case AS held USING (tenant, agent)
      JOIN offer ON offer.offer_id = held.offer
     WHERE held.state = 'offered' ORDER BY offer.agent_version
    """  # noqa: S608 - our own text
)
_SINCE = text(
    f"""
    SELECT {_SHOWN}
      FROM {_ASKED}, CAST(:after AS int[])) AS asked (tenant, agent, after)
     CROSS JOIN LATERAL (
       SELECT * FROM offer
        WHERE offer.tenant = asked.tenant AND offer.agent = asked.agent
          AND offer.agent_version > asked.after
        ORDER BY offer.agent_version LIMIT :most
     ) AS offer
      JOIN support_case AS held ON held.case_id = offer.case_id
     ORDER BY offer.agent_version
    """  # noqa: S608 - our own text
)
_OF_CASE = text(
    f"SELECT {_SHOWN} FROM offer JOIN support_case AS held USING (case_id) "  # noqa: S608 - our own text
    "WHERE offer.case_id = :case_id AND offer.tenant = :tenant "
    "ORDER BY offer.made_at, offer.ended_at LIMIT :most"
)
_ONE = text(
    f"SELECT {_SHOWN} FROM offer JOIN support_case AS held USING (case_id) "  # noqa: S608 - our own text
    "WHERE offer.offer_id = :offer_id AND offer.tenant = :tenant"
)


class Shown(Struct, frozen=True):
    """An offer and whom it is shown to."""

    key: AgentKey
    offer: OfferView


async def versions(connection: AsyncConnection, keys: Sequence[AgentKey]) -> dict[AgentKey, int]:
    """Return how often each agent has changed."""
    rows = await connection.execute(_VERSIONS, _asked(keys))
    return {(row.tenant, row.agent): row.version for row in rows}


async def standing(connection: AsyncConnection, keys: Sequence[AgentKey]) -> list[Shown]:
    """Return the offers that these agents can answer."""
    return _shown((await connection.execute(_STANDING, _asked(keys))).mappings())


async def changed(
    connection: AsyncConnection, since: Sequence[tuple[AgentKey, int]]
) -> list[Shown]:
    """Return the offers of each agent that changed after his version, the first `MOST` of each."""
    parameters = _asked([key for key, _ in since])
    parameters |= {"after": [after for _, after in since], "most": MOST}
    return _shown((await connection.execute(_SINCE, parameters)).mappings())


async def offer_shown(connection: AsyncConnection, tenant: str, offer_id: UUID) -> OfferView | None:
    """Return one offer of a tenant."""
    rows = await connection.execute(_ONE, {"tenant": tenant, "offer_id": offer_id})
    return next((found.offer for found in _shown(rows.mappings())), None)


async def offers_of_case(
    connection: AsyncConnection, tenant: str, case_id: UUID
) -> list[OfferView]:
    """Return whom a case was offered to, oldest first."""
    parameters = {"tenant": tenant, "case_id": case_id, "most": MOST}
    rows = await connection.execute(_OF_CASE, parameters)
    return [found.offer for found in _shown(rows.mappings())]


def _asked(keys: Sequence[AgentKey]) -> dict[str, object]:
    return {"tenants": [tenant for tenant, _ in keys], "agents": [agent for _, agent in keys]}


def _shown(rows: Iterable[RowMapping]) -> list[Shown]:
    return [
        Shown(
            (row["tenant"], row["agent"]),
            OfferView.model_validate({**row, "case": OfferedCase.model_validate(dict(row))}),
        )
        for row in rows
    ]
