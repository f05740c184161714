"""Whichever router dies while agents work, the bus tells a history in which no law of assignment breaks."""

from dataclasses import replace

import pytest

from chaos.assignment import Plan, run
from local_stack.report import Report
from local_stack.shared_servers import SharedServers


@pytest.mark.timeout(500)
def test_killing_routers_while_agents_work_breaks_no_law(servers: SharedServers) -> None:
    plan = replace(Plan(), seconds=40, agents=12, per_second=5)
    outcome = run(plan, servers.scratch(), Report())
    assert outcome.kills >= plan.least_kills
    assert outcome.verdict.breaches == (), str(outcome.verdict)
    assert outcome.verdict.accepted > 20
    assert outcome.deeds.declined
    assert outcome.deeds.ignored
    assert outcome.deeds.vanished
