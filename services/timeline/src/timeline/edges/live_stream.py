"""One tool that follows one customer: where it stands, and what waits to be sent to it."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec import Struct
from typing_extensions import override

from common.edges.streaming import Stream, event
from timeline.core.live import CustomerKey, Told, numbered
from timeline.edges.live_questions import Span


class Following(Struct, frozen=True):
    """Whom a stream follows: the customer whom the id that was asked for means now."""

    customer: UUID


class CustomerStream(Stream):
    """One open stream. `after` is the line of the log up to which it was told everything."""

    def __init__(self, tenant: str, asked: UUID, resumes_after: int | None) -> None:
        super().__init__()
        self.tenant = tenant
        self.asked = asked
        self.key: CustomerKey = (tenant, asked)
        self.resumes_after = resumes_after
        self.after = 0

    @override
    def comment(self) -> bytes:
        """Return a comment, and the id from which a quiet stream goes on."""
        place = b"id: %d\n\n" % self.after if self.after else b"\n"
        return super().comment().removesuffix(b"\n") + place

    def begin(self, log: Span) -> None:
        """Go on where the reader was, if the log still has what followed, or begin now."""
        resumes = self.resumes_after is not None and log.resumes(self.resumes_after)
        self.after = self.resumes_after if resumes and self.resumes_after else log.total
        following = msgspec.json.encode(Following(self.key[1]))
        self.put(event("following", following, self.after))
        if self.resumes_after is not None and not resumes:
            self.put(event("reload", b"{}", self.after))

    def tell(self, found: Iterable[Told], until: int) -> None:
        """Send what is new, or to a reader who is too slow for it that he has to reload."""
        after, self.after = self.after, max(self.after, until)
        new = [one for one in found if one.number > after]
        parts = [event(one.name, one.data, number) for one, number in numbered(new)]
        if not all(self.put(part) for part in parts):
            self.forget()
            self.put(event("reload", b"{}", self.after))
