"""What rolling restarts and rehearsals of a restore find is counted right."""

import json
from uuid import UUID

from restore.comparing import compared
from rolling.findings import CLAIMED, GIVEN_UP, pauses, percentile, told

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


def line(second: float, event: str, group: str = "router") -> str:
    moment = f"2026-11-22T09:00:{second:09.6f}Z"
    return json.dumps({"event": event, "group": group, "partitions": 6, "timestamp": moment})


def test_a_pause_is_from_the_first_loss_to_the_last_gain_of_a_rebalance() -> None:
    old = [line(0, CLAIMED), line(10, GIVEN_UP), line(11, CLAIMED), line(20, GIVEN_UP)]
    new = [line(11.5, CLAIMED), line(20.5, GIVEN_UP), line(21, CLAIMED), "no JSON at all"]
    assert pauses(["\n".join(old), "\n".join(new)]) == {"router": [1.5, 1.0]}


def test_groups_do_not_wait_for_each_other() -> None:
    log = [line(1, GIVEN_UP), line(2, CLAIMED, "timeline"), line(3, CLAIMED)]
    assert pauses(["\n".join(log)]) == {"timeline": [], "router": [2.0]}


def test_percentiles_are_values_that_were_seen() -> None:
    assert percentile([], 0.99) == 0.0
    assert percentile([0.1, 0.2, 0.3], 0.5) == 0.2
    assert told([0.3, 0.1, 0.2]) == "p50 200 ms, p99 300 ms, at most 300 ms"


def test_rows_that_differ_are_counted_by_how() -> None:
    wanted = {ONE: (ONE, "a"), TWO: (TWO, "b")}
    assert compared(wanted, [(ONE, "a"), (TWO, "b")]).is_none
    found = compared(wanted, [(ONE, "x"), (THREE, "c"), (THREE, "d")])
    assert (found.missing, found.added, found.different, found.repeated) == (1, 1, 1, 1)
    assert not found.is_none
