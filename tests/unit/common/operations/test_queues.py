"""What waits in a database, and when it is too much."""

from datetime import UTC, datetime

from common.core.operations.queues import Waiting, beyond

SINCE = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
ROWS = [
    Waiting("router", "outbox", "routing.v1", 3, SINCE, 10.0),
    Waiting("timeline", "outbox", "customers.v1", 1, SINCE, 2.0),
    Waiting("timeline", "outbox", "dead-letter.v1", 1, SINCE, 70.0),
    Waiting("timeline", "files", "tried before", 900, SINCE, 9000.0),
]


def test_nothing_is_too_much_where_no_limit_was_told() -> None:
    assert beyond(ROWS, "outbox", None, None) == []


def test_a_schemas_rows_count_together_and_its_oldest_row_speaks_for_it() -> None:
    assert beyond(ROWS, "outbox", 2, 60) == [
        "router: 3 rows wait, 2 may",
        "timeline: oldest 70 s old, 60 s may be",
    ]
