"""Mastodon's streaming API as a nudge: something happened, ask now.

A stream cannot be resumed, so nothing is taken from it: what was missed while it was broken would
be missed for ever. The question that it makes us ask goes on from the stored position.
"""

import asyncio

import httpx

from common.core.adapters import ChannelAccount
from common.core.errors import TransientError

PATH = "/api/v1/streaming/user/notification"
QUIET_SECONDS = 90.0  # an instance sends a heartbeat every fifteen
_EVENT = b"event:"
_OK = 200
_REFUSED = (401, 403)


class Stream:
    """One account's server-sent events, from the option `streaming`, e.g. https://streaming.example.jp."""

    def __init__(self, account: ChannelAccount, client: httpx.AsyncClient) -> None:
        self._url = account.options["streaming"] + PATH
        self._tokens = account.options.get("access_token", "").split() or [""]
        self._refusals = 0
        self._client = client

    async def watch(self, nudge: asyncio.Event) -> None:
        """Set `nudge` at each event until the stream ends. Raises TransientError."""
        token = self._tokens[self._refusals % len(self._tokens)]
        try:
            request = self._client.build_request(
                "GET",
                self._url,
                headers={"authorization": f"Bearer {token}", "accept": "text/event-stream"},
                timeout=httpx.Timeout(20.0, read=QUIET_SECONDS),
            )
            answer = await self._client.send(request, stream=True)
            try:
                if answer.status_code in _REFUSED:
                    self._refusals += 1  # the next attempt is made with the next token
                await _watch(answer, nudge)
            finally:
                await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise TransientError(f"stream: {type(error).__name__}") from error


async def _watch(answer: httpx.Response, nudge: asyncio.Event) -> None:
    if answer.status_code != _OK:
        raise TransientError(f"stream: {answer.status_code}")
    nudge.set()  # what came while there was no stream
    tail = b""
    async for piece in answer.aiter_bytes():
        seen = tail + piece
        if _EVENT in seen:
            nudge.set()
        tail = seen[-len(_EVENT) + 1 :]  # an event's name may be cut in two
