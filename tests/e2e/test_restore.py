"""PostgreSQL is lost with all its data, and what its last backup lacks comes from Kafka."""

import pytest

from local_stack.report import Report
from local_stack.shared_servers import SharedServers
from restore.run import Plan, run


@pytest.mark.timeout(300)
def test_a_backup_and_the_bus_together_hold_everything(servers: SharedServers) -> None:
    plan = Plan(
        per_second=40,
        customers_per_channel=10,
        before_seconds=3,
        since_seconds=3,
        after_seconds=1,
        kafka_away=False,  # in the full form: it takes a quarter of a minute
    )
    outcome = run(plan, servers.scratch(), Report())
    assert outcome.complaints == []
    assert outcome.verdict.acknowledged > 0
    assert 0 < outcome.loss.events_restored < outcome.loss.events_before
