"""Nothing that was acknowledged is lost while Kafka is away; with PostgreSQL away too, nothing is acknowledged."""

import pytest

from local_stack.report import Report
from local_stack.shared_servers import SharedServers
from outage.run import Plan, run


@pytest.mark.timeout(300)
def test_the_inbox_bridges_an_outage_and_nothing_is_promised_without_it(
    servers: SharedServers,
) -> None:
    plan = Plan(well_seconds=1, kafka_away_seconds=8, both_away_seconds=3)
    outcome = run(plan, servers.scratch(), Report())
    assert outcome.complaints == []
    assert outcome.verdict.acknowledged > 0
