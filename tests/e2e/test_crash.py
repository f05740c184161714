"""What was acknowledged is on the timeline, once and in order, whatever was killed meanwhile."""

from collections import Counter

import pytest

from chaos.run import Plan, run
from local_stack.layout import SERVICES
from local_stack.report import Report
from local_stack.shared_servers import SharedServers


@pytest.mark.timeout(400)
def test_killing_everything_loses_doubles_and_reorders_nothing(servers: SharedServers) -> None:
    plan = Plan(messages=2_000, per_second=80, kills=10)
    outcome = run(plan, servers.scratch(), Report())
    killed = Counter(deed.removeprefix("kill -9 ") for deed in outcome.deeds)
    assert killed == {**dict.fromkeys(SERVICES, 2), "kafka": 1, "postgres": 1}
    assert outcome.verdict.acknowledged >= plan.messages
    assert outcome.complaints == []
