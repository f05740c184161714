"""What others wrote, in the one form in which it is kept."""

import re
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from common.core.cloudevents import Event
from common.core.contacts import InvalidContactError, normalised
from common.core.errors import PoisonError

CONTACTS_REMEMBERED = 100_000

_E164 = re.compile(r"tel:\+[1-9][0-9]{6,14}")

# asyncpg takes the very first and the very last datetime for minus and plus infinity.
_FIRST = datetime.min.replace(microsecond=1, tzinfo=UTC)
_LAST = datetime.max.replace(microsecond=999_998, tzinfo=UTC)


@lru_cache(CONTACTS_REMEMBERED)
def canonical(contact: str, region: str) -> str | None:
    """Return the contact as everybody writes it, or None where the text is none.

    `region` is the ISO 3166 country of telephone numbers written without one.
    """
    if _E164.fullmatch(contact):
        return contact  # what our own services write; to parse it again is the slowest thing here
    try:
        return normalised(contact, region)
    except InvalidContactError:
        return None


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without zone already is: times on the bus are UTC."""
    if moment.tzinfo is not UTC:
        moment = _with_zone(moment)
    return moment if _FIRST <= moment <= _LAST else min(max(moment, _FIRST), _LAST)


def storable(text: str) -> str:
    """Return the text without the one character that Postgres cannot hold."""
    return text.replace("\x00", "\ufffd")


def json_value(event: Event) -> bytes:
    """Return the event's value, checked to be JSON. Raises PoisonError (`bad-json`).

    One thing is left to Postgres, which refuses it: text that is not UTF-8 in a field of a known
    type that nobody reads.
    """
    if event.data is None:  # a type newer than we are: nobody has looked yet
        try:
            msgspec.json.decode(event.value)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise PoisonError("bad-json", str(error)) from error
    return event.value


def _with_zone(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:  # the last hours of year 9999, the first of year 1
        return moment.replace(tzinfo=UTC)
