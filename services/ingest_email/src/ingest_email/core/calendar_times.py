"""When something in a calendar takes place, written for people.

Times stay as the calendar writes them, with its own time zone: nothing is converted, so no zone
needs to be known, and a reader sees what the organiser saw.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from ingest_email.core.calendar_lines import Property
from ingest_email.core.cleaning import one_line

_MOMENT = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?")
_DURATION = re.compile(
    r"\+?P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,4})M)?(?:(\d{1,4})S)?)?"
)
_DAY = timedelta(days=1)
_ZONE_CHARACTERS = 100


class Moment(Struct, frozen=True):
    """A local time, or a whole day. `zone` is the calendar's name for it, empty where it has none."""

    at: datetime
    zone: str = ""
    is_day: bool = False

    def text(self, *, is_same_day: bool) -> str:
        """Return `2026-01-20 10:00`, or only the part that is not said yet."""
        if self.is_day:
            return self.at.date().isoformat()
        if is_same_day:
            return self.at.time().isoformat("minutes")
        return self.at.isoformat(" ", "minutes")


def written_time(event: Mapping[str, Property]) -> str:
    """Return e.g. `2026-01-20 10:00 – 11:00 (Asia/Tokyo)`; empty where no start can be read."""
    start = read_moment(event.get("DTSTART"))
    if start is None:
        return ""
    end = _end(event, start)
    text = start.text(is_same_day=False)
    if end is None or end.at <= start.at:
        return text + _zone(start)
    if end.zone != start.zone:
        return f"{text}{_zone(start)} – {end.text(is_same_day=False)}{_zone(end)}"
    is_same_day = end.at.date() == start.at.date()
    return f"{text} – {end.text(is_same_day=is_same_day)}{_zone(start)}"


def read_moment(found: Property | None) -> Moment | None:
    """Return the time of a DTSTART or DTEND, or None where it is none."""
    matched = _MOMENT.match(found.value.strip()) if found else None
    if not found or not matched:
        return None
    day, time, utc = matched.groups()
    try:
        at = datetime.strptime(day + (time or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - local time; its zone is a name
    except ValueError:
        return None
    zone = "UTC" if utc else one_line(found.get("TZID"), _ZONE_CHARACTERS)
    return Moment(at, zone if time else "", is_day=time is None)


def _end(event: Mapping[str, Property], start: Moment) -> Moment | None:
    """Return the end; that of whole days is the day after the last."""
    end = read_moment(event.get("DTEND") or event.get("DUE"))
    try:
        if end is None and (
            duration := _DURATION.fullmatch(event.get("DURATION", Property()).value)
        ):
            weeks, days, hours, minutes, seconds = (
                int(number or 0) for number in duration.groups()
            )
            length = timedelta(days, seconds, 0, 0, minutes, hours, weeks)
            end = Moment(start.at + length, start.zone, start.is_day)
        return Moment(end.at - _DAY, end.zone, is_day=True) if end and end.is_day else end
    except OverflowError:
        return None


def _zone(moment: Moment) -> str:
    return f" ({moment.zone})" if moment.zone else ""
