"""What a law says when it was broken."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from typing_extensions import override


class Law(StrEnum):
    """What has to hold, whatever dies meanwhile."""

    ONE_STORY = "an event is told in one way"
    VERSIONS = "versions have no gap and no double"
    BEGINNING = "a case is opened, then routed"
    ONE_AGENT = "a case has one agent at most"
    CAPACITY = "nobody gets more than he takes"
    QUALIFIED = "nobody gets what he cannot do"
    MEMBERSHIP = "nobody gets what is in a queue that he does not answer from"
    PRESENT = "nobody gets anything who is not there"
    ONE_END = "an offer ends once, and in time"
    RANK = "among equals the earliest rank comes first"
    IDLE = "nothing waits beside somebody who could take it"


class Breach(Struct, frozen=True):
    """A law that was broken, by whom and when."""

    law: Law
    tenant: str
    subject: str
    at: datetime
    what: str

    @override
    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.tenant} {self.subject}: {self.law}: {self.what}"


class Tolerance(Struct, frozen=True, kw_only=True):
    """How exact clocks and rounds are.

    `idle` is how long a case may wait beside somebody who could take it: a round's length, and
    what a crash takes to be noticed. `overlap` is how far apart two transactions may be that did
    not see each other: an earlier rank that changed within it excuses a later one, and so does one
    that came within it, where nobody knows when that was published.
    `ending` is how long after its time an offer may still stand.
    """

    idle: timedelta = timedelta(seconds=10)
    overlap: timedelta = timedelta(seconds=1)
    ending: timedelta = timedelta(seconds=15)
