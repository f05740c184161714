"""Calls that we make to providers' own addresses: https, no redirects, bounded in size and time."""

import asyncio

import httpx

from common.core.errors import TransientError

SECONDS = 5.0
AT_A_TIME = 4


class Outbound:
    """Fetches small documents. What is asked for more often than can be served is refused at once."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            transport=transport, follow_redirects=False, timeout=httpx.Timeout(SECONDS)
        )
        self._calls = 0

    async def get(self, url: str, limit_bytes: int) -> bytes:
        """Return the body of a 200. Raises TransientError for everything else."""
        if not url.startswith("https://"):
            raise TransientError("outbound: not https")
        if self._calls >= AT_A_TIME:
            raise TransientError("outbound: too many calls at a time")
        self._calls += 1
        try:
            async with asyncio.timeout(SECONDS):
                return await self._read(url, limit_bytes)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise TransientError(f"outbound: {type(error).__name__}") from error
        finally:
            self._calls -= 1

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    async def _read(self, url: str, limit_bytes: int) -> bytes:
        async with self._client.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise TransientError(f"outbound: {answer.url.host} answered {answer.status_code}")
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > limit_bytes:
                    raise TransientError("outbound: the answer is too large")
            return bytes(body)
