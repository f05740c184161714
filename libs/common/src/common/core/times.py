"""Moments as providers write them. What is no moment is None, never an exception."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FINER_THAN_MICROSECONDS = re.compile(r"(\.[0-9]{6})[0-9]+")


def from_millis(millis: float | str | None) -> datetime | None:
    """Return the moment so many milliseconds after 1970, UTC."""
    return _after_epoch(millis, 1000)


def from_seconds(seconds: float | str | None) -> datetime | None:
    """Return the moment so many seconds after 1970, UTC."""
    return _after_epoch(seconds, 1)


def from_iso(text: str | None) -> datetime | None:
    """Return the moment of an ISO 8601 text; without an offset it is UTC, finer parts are cut."""
    try:
        moment = datetime.fromisoformat(_FINER_THAN_MICROSECONDS.sub(r"\1", text or ""))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _after_epoch(count: float | str | None, per_second: int) -> datetime | None:
    try:
        moment = EPOCH + timedelta(seconds=float(count or 0) / per_second)
    except (ValueError, OverflowError):
        return None
    return moment if moment > EPOCH else None
