"""Services are replaced while customers write, and nobody can tell."""

import pytest

from local_stack.report import Report
from local_stack.shared_servers import SharedServers
from rolling.fleet import Pace
from rolling.run import Plan, run


@pytest.mark.timeout(300)
def test_replacing_every_service_at_once_loses_doubles_and_refuses_nothing(
    servers: SharedServers,
) -> None:
    plan = Plan(
        per_second=40,
        customers_per_channel=10,
        rounds=0,
        well_seconds=1,
        pace=Pace(pre_stop=1, hearsay=0.5),
        # Two cores that start five more processes are no measure of speed.
        wanted_seconds=float("inf"),
    )
    outcome = run(plan, servers.scratch(), Report())
    assert outcome.complaints == []
    assert len(outcome.replacements) == len({item.service for item in outcome.replacements}) == 5
    assert outcome.verdict.acknowledged > 0
    assert outcome.decided.messages == outcome.verdict.acknowledged
