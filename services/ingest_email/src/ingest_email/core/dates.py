"""When a mail was written, as far as its sender can be believed."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_COMMENT = re.compile(r"\([^()]*\)")
_AROUND_COLON = re.compile(r"\s{0,5}:\s{0,5}")

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # a clock in the wrong zone is off by less
TRUSTED_BEFORE = timedelta(
    days=7
)  # as long as a mail server keeps trying (RFC 5321 §4.5.4.1: 4-5 days)
TRUSTED_AFTER = timedelta(minutes=5)


def sent_at(raw: bytes, received_at: datetime) -> datetime | None:
    """Return the Date field in UTC, or None where it cannot be true."""
    try:
        text = _AROUND_COLON.sub(":", _COMMENT.sub(" ", raw.decode("latin-1")))
        date = parsedate_to_datetime(text)
        date = (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return date if EARLIEST <= date <= received_at + AHEAD else None


def event_time(sent: datetime | None, received_at: datetime) -> datetime:
    """Return the time that the message takes its place in history by.

    The sender's time where a delivery could have taken that long, so that a mail delayed by its
    servers keeps its place; ours otherwise, since a sender must not be able to write into a
    customer's past or future.
    """
    if sent and received_at - TRUSTED_BEFORE <= sent <= received_at + TRUSTED_AFTER:
        return sent
    return received_at
