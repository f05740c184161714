"""Certificates that sign providers' requests: fetched once, kept while they are in force.

Which URL may be asked is the adapter's decision (common.core.adapters); a stranger who knows one of
our topics can make us ask the provider's own host, a few calls at a time, and nothing else.
"""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta

from cryptography import x509
from msgspec import Struct

from common.core.errors import TransientError
from common.edges.outbound import Outbound

LIMIT_BYTES = 65_536
MOST = 32
# A certificate that is out of date may be renewed in place; until then it need not be asked for.
ASK_AGAIN_AFTER = timedelta(hours=1)


class _Kept(Struct, frozen=True):
    pem: str
    until: datetime


class Certificates:
    """Finds certificates by URL; of many requests that need the same one, the first fetches it."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[str]] = {}

    async def find(self, url: str, now: datetime) -> str:
        """Return the certificate at `url` as PEM. Raises TransientError where it cannot be had."""
        kept = self._kept.get(url)
        if kept and now <= kept.until:
            self._kept.move_to_end(url)
            return kept.pem
        if url not in self._fetching:
            task = asyncio.create_task(self._fetch(url, now), name="certificate")
            task.add_done_callback(lambda _: self._fetching.pop(url))
            self._fetching[url] = task
        # Shielded: whoever asked first may hang up while others wait for the same certificate.
        return await asyncio.shield(self._fetching[url])

    async def _fetch(self, url: str, now: datetime) -> str:
        content = await self._outbound.get(url, LIMIT_BYTES)
        try:
            certificate = x509.load_pem_x509_certificate(content)
        except ValueError as error:
            raise TransientError("outbound: not a certificate") from error
        in_force = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        until = certificate.not_valid_after_utc if in_force else now + ASK_AGAIN_AFTER
        kept = self._kept[url] = _Kept(content.decode("latin-1"), until)
        self._kept.move_to_end(url)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return kept.pem
