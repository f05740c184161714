from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from ingest_email.core.dates import event_time, sent_at

RECEIVED = datetime(2026, 1, 15, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b"Thu, 15 Jan 2026 09:00:00 +0900", datetime(2026, 1, 15, tzinfo=UTC)),
        (b"Thu, 15 Jan 2026 00:00:00 +0000 (GMT)", datetime(2026, 1, 15, tzinfo=UTC)),
        (b"15 Jan 2026 09(comment):00:00 +0900", datetime(2026, 1, 15, tzinfo=UTC)),
        (b"15 Jan 2026 00:00:00 -0000", datetime(2026, 1, 15, tzinfo=UTC)),
        (b"15 Jan 2026 00:00:00", datetime(2026, 1, 15, tzinfo=UTC)),
        (b"Fri, 16 Jan 2026 00:30:00 +0000", datetime(2026, 1, 16, 0, 30, tzinfo=UTC)),
        (b"Fri, 16 Jan 2026 00:30:01 +0000", None),
        (b"Sun, 31 Dec 1989 23:59:59 +0000", None),
        (b"2026/01/15", None),
        (b"Thu, 99 Jan 2026 99:00:00 +0900", None),
        (b"15 Jan 2026 00:00:00 +9999999999", None),
        (b"", None),
    ],
)
def test_a_date_is_believed_while_it_can_be_true(raw: bytes, sent: datetime | None) -> None:
    assert sent_at(raw, RECEIVED) == sent


@pytest.mark.parametrize(
    ("sent", "is_senders"),
    [
        (RECEIVED - timedelta(hours=1), True),
        (RECEIVED - timedelta(days=7), True),
        (RECEIVED - timedelta(days=7, seconds=1), False),
        (RECEIVED + timedelta(minutes=5), True),
        (RECEIVED + timedelta(minutes=6), False),
        (None, False),
    ],
)
def test_history_uses_the_senders_time_where_a_delivery_could_have_taken_it(
    sent: datetime | None,
    is_senders: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert event_time(sent, RECEIVED) == (sent if is_senders else RECEIVED)


@given(
    st.binary()
    | st.text(st.sampled_from("0123456789 :+-,JanFeb()\n")).map(lambda text: text.encode())
)
def test_no_date_is_too_odd(raw: bytes) -> None:
    sent_at(raw, RECEIVED)
