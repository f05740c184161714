"""Asking the DNS what SPF, DKIM and DMARC need: blocking, for a thread, with one limit for a mail."""

from collections.abc import Callable, Sequence
from typing import Protocol

import dns.exception
import dns.name
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.txtbase import TXTBase

# A TXT record is its strings, an MX record its preference and host, any other its text.
Answer = str | tuple[int, str] | tuple[bytes, ...]

# The last three: what strangers write into their records need not even be a name.
NOTHING_THERE = (
    dns.resolver.NoAnswer,
    dns.resolver.NXDOMAIN,
    dns.name.LabelTooLong,
    dns.name.NameTooLong,
    dns.name.EmptyLabel,
)


class LookupFailedError(Exception):
    """The DNS did not say whether there is such a record; later it may."""


class Resolving(Protocol):
    """Whoever answers questions to the DNS."""

    def lookup(self, name: str, kind: str, seconds: float) -> Sequence[Answer]:
        """Return the records of a name; none where there are none. Raises LookupFailedError."""
        ...


class SystemResolver:
    """The resolvers that this machine is told to use."""

    def lookup(self, name: str, kind: str, seconds: float) -> Sequence[Answer]:
        """Return the records of a name; none where there are none. Raises LookupFailedError."""
        try:
            answers = dns.resolver.resolve(name, kind, lifetime=seconds, search=False)
        except NOTHING_THERE:
            return ()
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise LookupFailedError(f"{kind} {name}: {type(error).__name__}") from error
        return [_answer(item) for item in answers]


class Lookups:
    """The questions of one mail: together they take no longer than the limit."""

    def __init__(
        self, resolver: Resolving, limit_seconds: float, monotonic: Callable[[], float]
    ) -> None:
        self._resolver = resolver
        self._monotonic = monotonic
        self._end = monotonic() + limit_seconds

    def ask(self, name: str, kind: str) -> Sequence[Answer]:
        """Return the records of a name. Raises LookupFailedError, also once the time is over."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise LookupFailedError(f"no time left for {kind} {name}")
        return self._resolver.lookup(name.rstrip("."), kind, left)

    def texts(self, name: str) -> list[bytes]:
        """Return the TXT records of a name, each put together from its strings."""
        return [
            b"".join(part for part in answer if isinstance(part, bytes))
            for answer in self.ask(name, "TXT")
        ]


def _answer(item: object) -> Answer:
    if isinstance(item, TXTBase):
        return tuple(item.strings)
    if isinstance(item, MX):
        return item.preference, item.exchange.to_text(omit_final_dot=True)
    return str(item).rstrip(".")
