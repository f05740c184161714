"""Which team an agent belonged to when, as his profiles said: kept in no generation, as nothing else tells."""

from collections.abc import Collection, Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.core.figures_observations import Membership
from timeline.edges.figures_store import AgentKey, columns

_ADD_MEMBERSHIPS = text(
    """
    INSERT INTO figure_agent AS known (tenant, agent, version, since, team)
    SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:agents AS text[]),
                         CAST(:versions AS bigint[]), CAST(:since AS timestamptz[]),
                         CAST(:teams AS text[])) AS new (tenant, agent, version, since, team)
     ORDER BY agent, tenant, version
    ON CONFLICT (agent, tenant, version) DO UPDATE SET since = excluded.since, team = excluded.team
     WHERE (excluded.since, excluded.team) < (known.since, known.team)
    """
)
_MEMBERSHIPS = text(
    """
    SELECT tenant, agent, version, since, team
      FROM figure_agent
      JOIN unnest(CAST(:tenants AS text[]), CAST(:agents AS text[])) AS wanted (tenant, agent)
           USING (tenant, agent)
    """
)


async def add_memberships(
    connection: AsyncConnection, told: Iterable[tuple[AgentKey, Membership]]
) -> None:
    """Note which team agents belong to."""
    least: dict[tuple[str, str, int], Membership] = {}
    for key, one in told:
        least[*key, one.version] = min(one, least.get((*key, one.version), one))
    rows = [(*key, one.since, one.team) for key, one in least.items()]
    if rows:
        names = ("tenants", "agents", "versions", "since", "teams")
        await connection.execute(_ADD_MEMBERSHIPS, columns(names, rows))


async def memberships_of(
    connection: AsyncConnection, agents: Collection[AgentKey]
) -> dict[AgentKey, list[Membership]]:
    """Return the teams that these agents have belonged to, oldest first."""
    found: dict[AgentKey, list[Membership]] = {}
    if agents:
        rows = await connection.execute(_MEMBERSHIPS, columns(("tenants", "agents"), agents))
        for row in rows:
            one = Membership(row.since, row.version, row.team)
            found.setdefault((row.tenant, row.agent), []).append(one)
    return {key: sorted(history) for key, history in found.items()}
