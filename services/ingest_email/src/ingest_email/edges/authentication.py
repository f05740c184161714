"""Checking SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489) where we are the edge."""

import asyncio
import logging
from collections.abc import Callable
from functools import lru_cache

import dkim
import spf
import structlog
from authheaders.dmarc_lookup import get_org_domain
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Original
from common.core.events import Authenticity
from ingest_email.core.authentication import (
    MOST_SIGNATURES,
    RESULTS,
    Policy,
    Vouched,
    author_domain,
    best_of,
    dmarc,
    domain_of,
    in_dns,
    is_verifiable,
    is_verified_here,
    policy_of,
    to_header,
)
from ingest_email.core.envelope import Envelope, from_headers
from ingest_email.edges.dns import Answer, LookupFailedError, Lookups, Resolving
from ingest_email.edges.mailroom import Accepting

logger = structlog.get_logger()
quiet = logging.getLogger("dkimpy")
quiet.setLevel(logging.CRITICAL)  # it reports each stranger's broken signature as an error of ours

VOID_LOOKUPS = 2  # RFC 7208, 4.6.4


class VerifyingIntake:
    """Checks mail of the accounts that ask for it, then hands it on: with labels or without."""

    def __init__(
        self,
        intake: Accepting,
        resolver: Resolving,
        limit_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._intake = intake
        self._resolver = resolver
        self._limit_seconds = limit_seconds
        self._monotonic = monotonic

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Return once the message is safe. Raises TransientError."""
        if is_verified_here(account):
            original = await asyncio.to_thread(self._labelled, original)
        await self._intake.accept(original, account)

    def _labelled(self, original: Original) -> Original:
        lookups = Lookups(self._resolver, self._limit_seconds, self._monotonic)
        try:
            results = verify(original.body, from_headers(original.headers), lookups)
        except Exception as error:  # noqa: BLE001 - what cannot be checked is taken without labels
            logger.warning("mail could not be checked", error=type(error).__name__)
            return original
        return replace(original, headers={**original.headers, RESULTS: to_header(results)})


def verify(raw: bytes, envelope: Envelope, lookups: Lookups) -> Authenticity:
    """Return what the checks say of a mail, exactly as it came."""
    sender = check_spf(envelope, lookups) if envelope.client_ip else None
    signatures = check_dkim(raw, lookups) if is_verifiable(raw) else [Vouched("neutral")]
    return Authenticity(
        spf=sender.result if sender else None,
        dkim=best_of(signatures),
        dmarc=check_dmarc(raw, sender, signatures, lookups),
    )


def check_spf(envelope: Envelope, lookups: Lookups) -> Vouched:
    """Return whether the client may send for the envelope's sender, or for its HELO name if none."""
    query = spf.query(i=envelope.client_ip, s=envelope.sender or "", h=envelope.helo, querytime=0)
    query.dns = _Answering(query, lookups)
    result, _, _ = query.check()
    return Vouched(str(result), domain_of(envelope.sender or "") or in_dns(envelope.helo))


class _Answering:
    """Stands in for the query's own way to the DNS, which is a global of its module."""

    def __init__(self, query: "spf.query", lookups: Lookups) -> None:
        self._query = query
        self._lookups = lookups

    def __call__(self, name: str, kind: str, *, ignore_void: bool = False) -> list[Answer]:
        try:
            answers = list(self._lookups.ask(name, kind))
        except LookupFailedError as error:
            raise spf.TempError(str(error)) from error
        if not answers and not ignore_void:
            self._query.void_lookups += 1
            if self._query.void_lookups > VOID_LOOKUPS:
                raise spf.PermError(f"more than {VOID_LOOKUPS} lookups of nothing")
        return answers


def check_dkim(raw: bytes, lookups: Lookups) -> list[Vouched]:
    """Return the result of each signature, of the topmost ones where there are many."""
    try:
        message = dkim.DKIM(raw, logger=quiet)
    except Exception:  # noqa: BLE001 - a stranger's mail; one that begins with a fold is an IndexError
        return [Vouched("permerror")]
    count = sum(name.lower() == b"dkim-signature" for name, _ in message.headers)
    return [_signature(message, index, lookups) for index in range(min(count, MOST_SIGNATURES))]


def _signature(message: "dkim.DKIM", index: int, lookups: Lookups) -> Vouched:
    def key(name: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG001 - dkim passes its own
        return next(iter(lookups.texts(name.decode("ascii"))), None)

    try:
        good = message.verify(index, dnsfunc=key)
    except LookupFailedError:
        return Vouched("temperror")
    except dkim.ValidationError:
        return Vouched("fail")
    except Exception:  # noqa: BLE001 - a stranger's signature, in any shape
        return Vouched("permerror")
    domain = in_dns(message.domain.decode("ascii", "replace"))
    if good and b"l" in message.signature_fields:
        return Vouched("policy", domain)  # below what was signed anybody may have added anything
    return Vouched("pass" if good else "fail", domain)


def check_dmarc(
    raw: bytes, sender: Vouched | None, signatures: list[Vouched], lookups: Lookups
) -> str:
    """Return whether what passed speaks for the mail's author."""
    author = author_domain(raw)
    if not author:
        return "none"
    try:
        policy = _policy(author, lookups)
    except LookupFailedError:
        return "temperror"
    return dmarc(author, policy, sender, signatures, organisation) if policy else "none"


@lru_cache(maxsize=10_000)
def organisation(domain: str) -> str:
    """Return the domain below a public suffix that a domain belongs to."""
    return str(get_org_domain(domain))


def _policy(author: str, lookups: Lookups) -> Policy | None:
    for domain in dict.fromkeys((author, organisation(author))):
        records = [text.decode("latin-1") for text in lookups.texts(f"_dmarc.{domain}")]
        if policy := policy_of(records):
            return policy
    return None
