"""A calendar (RFC 5545) as lines of properties, read as far as an invitation needs it."""

import re
from collections.abc import Iterator

from msgspec import Struct

_MAX_LINES = 20_000
_LINE_CHARACTERS = 20_000
_MAX_ATTENDEES = 100
_FOLD = re.compile(rb"\r?\n[ \t]")
_PROPERTY = re.compile(r'([A-Za-z0-9-]{1,50})((?:;[^:;"]*(?:"[^"]*"[^:;"]*)*)*):(.*)')
_PARAMETER = re.compile(r';([^:;"=]{1,50})=([^:;"]*(?:"[^"]*"[^:;"]*)*)')
_ESCAPE = re.compile(r"\\(.)")
_EVENTS = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")


class Property(Struct, frozen=True):
    """The value of a line, still escaped, and its parameters by upper-case name."""

    value: str = ""
    parameters: dict[str, str] = {}

    @property
    def text(self) -> str:
        """Return the value as people read it."""
        return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value)

    def get(self, name: str) -> str:
        """Return a parameter, or an empty string."""
        return self.parameters.get(name, "")


class Calendar(Struct, frozen=True):
    """What a calendar says of itself, and of its first event."""

    calendar: dict[str, Property]
    event: dict[str, Property]
    attendees: tuple[Property, ...] = ()


def unfold(raw: bytes) -> bytes:
    """Return the bytes with each property on one line: folds may fall within a character."""
    return _FOLD.sub(b"", raw)


def read_calendar(text: str) -> Calendar:
    """Return the properties of an unfolded calendar, the first of each name. Never raises."""
    calendar: dict[str, Property] = {}
    event: dict[str, Property] = {}
    attendees: list[Property] = []
    for component, name, found in _within(text):
        if component == "VCALENDAR":
            calendar.setdefault(name, found)
        elif name == "ATTENDEE":
            attendees.append(found)
        else:
            event.setdefault(name, found)
    return Calendar(calendar, event, tuple(attendees[:_MAX_ATTENDEES]))


def _within(text: str) -> Iterator[tuple[str, str, Property]]:
    """Yield (component, name, property) until the first event ends; its alarms are left out."""
    open_components: list[str] = []
    for name, found in _lines(text):
        component = found.value.strip().upper()
        if name == "BEGIN":
            open_components.append(component)
        elif name == "END":
            if component in _EVENTS:
                return
            open_components = open_components[:-1]
        elif open_components and open_components[-1] in ("VCALENDAR", *_EVENTS):
            yield open_components[-1], name, found


def _lines(text: str) -> Iterator[tuple[str, Property]]:
    for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]:
        if found := _PROPERTY.match(line[:_LINE_CHARACTERS]):
            parameters = {
                name.upper(): value.strip('"') for name, value in _PARAMETER.findall(found[2])
            }
            yield found[1].upper(), Property(found[3], parameters)
