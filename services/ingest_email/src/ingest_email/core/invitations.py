"""Invitations (text/calendar, RFC 5546): what they say, for people who read mail and for rules."""

from msgspec import Struct

from ingest_email.core.bodies import Bodies
from ingest_email.core.calendar_lines import Property, read_calendar, unfold
from ingest_email.core.calendar_times import written_time
from ingest_email.core.charsets import decode
from ingest_email.core.cleaning import lines, one_line
from ingest_email.core.limits import ATTRIBUTE_CHARACTERS, BODY_READ_BYTES, TEXT_CHARACTERS
from ingest_email.core.tree import Part

_CALENDAR = ("text/calendar", "application/ics")
_BEGIN, _BOM = b"BEGIN:VCALENDAR", b"\xef\xbb\xbf"
_NOTHING = Property()


class Invitation(Struct, frozen=True):
    """The first event of a calendar; any of it may be empty.

    `method` is lower-case: `request`, `reply`, `cancel`, …; `when` is local time with its zone.
    `answers` are those of the people who reply.
    """

    method: str = "publish"
    uid: str = ""
    summary: str = ""
    when: str = ""
    repeats: str = ""
    place: str = ""
    organiser: str = ""
    answers: tuple[str, ...] = ()
    description: str = ""

    def text(self) -> str:
        """Return a text of a few lines, for a mail that says nothing else."""
        heading = f"[{self.method.upper()}] {self.summary}".rstrip()
        told = (heading, self.when, self.repeats, self.place, self.organiser, *self.answers)
        facts = "\n".join(line for line in told if line)
        return f"{facts}\n\n{self.description}".rstrip()[:TEXT_CHARACTERS]

    def labels(self) -> dict[str, str]:
        """Return what rules and desks recognise an invitation by."""
        named = {
            "calendar": self.method,
            "calendar_uid": one_line(self.uid, ATTRIBUTE_CHARACTERS),
            "calendar_summary": self.summary,
            "calendar_when": self.when,
        }
        return {name: text for name, text in named.items() if text}


def find_invitation(bodies: Bodies) -> Invitation | None:
    """Return the first invitation that came with a mail, or None. Never raises."""
    part = next((part for part in bodies.attachments if _is_calendar(part)), None)
    if part is None:
        return None
    raw = unfold(part.beginning(BODY_READ_BYTES))
    text = lines(decode(raw, part.content_type.get("charset")))
    return read_invitation(text, part.content_type.get("method"))


def read_invitation(text: str, method: str = "") -> Invitation:
    """Return what an unfolded calendar says of its first event. Never raises.

    `method` is what the part's type says, which wins over the calendar's own.
    """
    found = read_calendar(text)
    event = found.event
    told = _line(Property(method)) or _line(found.calendar.get("METHOD")) or "publish"
    repeats = _line(event.get("RRULE"))
    return Invitation(
        method=told.casefold(),
        uid=_line(event.get("UID")),
        summary=_line(event.get("SUMMARY")),
        when=written_time(event),
        repeats=f"RRULE {repeats}" if repeats else "",
        place=_line(event.get("LOCATION")),
        organiser=_person(event.get("ORGANIZER")),
        answers=tuple(map(_answer, found.attendees)) if told.casefold() == "reply" else (),
        description=event.get("DESCRIPTION", _NOTHING).text.strip(),
    )


def _is_calendar(part: Part) -> bool:
    if part.media_type in _CALENDAR:
        return True
    beginning = part.beginning(len(_BOM + _BEGIN)).removeprefix(_BOM)
    return beginning.upper().startswith(_BEGIN)


def _line(found: Property | None) -> str:
    return one_line(found.text, ATTRIBUTE_CHARACTERS) if found else ""


def _person(found: Property | None) -> str:
    """Return `山田太郎 <taro@example.jp>`, or the one of both that there is."""
    if found is None:
        return ""
    address = _line(found)
    if address.casefold().startswith("mailto:"):
        address = address[len("mailto:") :]
    name = one_line(found.get("CN"), ATTRIBUTE_CHARACTERS)
    return f"{name} <{address}>" if name and name != address else address


def _answer(attendee: Property) -> str:
    """Return `ACCEPTED 佐藤花子 <hanako@example.jp>`."""
    answer = one_line(attendee.get("PARTSTAT"), ATTRIBUTE_CHARACTERS).upper()
    return f"{answer} {_person(attendee)}".strip()
