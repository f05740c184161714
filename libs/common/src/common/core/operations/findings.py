"""What a look at an installation found, in the order in which to do something about it."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How much a finding matters, most first.

    ERROR: something does not work, or a promise does not hold. WARNING: it works, and will not for
    ever or not as meant. FINE: looked at and in order.
    """

    ERROR = "error"
    WARNING = "warning"
    FINE = "fine"


class Area(StrEnum):
    """What was looked at, in the order in which one thing needs the other."""

    SETTINGS = "settings"
    ACCOUNTS = "accounts"
    RULES = "rules"
    CERTIFICATES = "certificates"
    POSTGRES = "postgres"
    KAFKA = "kafka"
    TOPICS = "topics"
    OBJECTS = "objects"
    TOKENS = "tokens"
    CLOCK = "clock"


class Finding(Struct, frozen=True):
    """One thing that was found, and what to do about it: empty where nothing is to be done.

    `service` is empty where it concerns all.
    """

    level: Level
    area: Area
    what: str
    do: str = ""
    service: str = ""


_LEVELS = {level: place for place, level in enumerate(Level)}
_AREAS = {area: place for place, area in enumerate(Area)}


def error(area: Area, what: str, do: str, service: str = "") -> Finding:
    """Return a finding that needs somebody now."""
    return Finding(Level.ERROR, area, what, do, service)


def warning(area: Area, what: str, do: str, service: str = "") -> Finding:
    """Return a finding that needs somebody some day."""
    return Finding(Level.WARNING, area, what, do, service)


def fine(area: Area, what: str, service: str = "") -> Finding:
    """Return a finding that says that all is well."""
    return Finding(Level.FINE, area, what, "", service)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once, the most important first."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda one: (_LEVELS[one.level], _AREAS[one.area], one.service, one.what),
    )


def is_wrong(findings: Iterable[Finding], *, strict: bool) -> bool:
    """Whether anything is in the way; `strict` counts warnings, too."""
    wrong = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return any(one.level in wrong for one in findings)
