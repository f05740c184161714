"""Everything that reaches this service, read; the functions that other processes look up by name."""

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.unread import set_aside
from ingest_email.core.authentication import parsing_what_was_verified
from ingest_email.core.folders import parsing_what_was_fetched
from ingest_email.core.limits import LimitExceededError
from ingest_email.core.message import parse_with
from ingest_email.core.providers.registry import ADAPTERS, parse

_read = parsing_what_was_verified(parsing_what_was_fetched(parse))


def read(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the events of a provider's request, or of a mail with what was noted when it came."""
    return _read(original, account)


def unread(original: Original, account: ChannelAccount, reason: str) -> tuple[Draft, ...]:
    """Return what can be said without reading on: of a mail what its headers tell.

    The event is the one that the whole mail would have had, so that a mended parser replaces it.
    """
    if original.provider in ADAPTERS:
        return set_aside(parse, original, account, reason)

    def refuse(_original: Original, _account: ChannelAccount) -> Draft:
        raise LimitExceededError(reason)

    return (parse_with(refuse, original, account),)
