"""Fetching one file from a provider, held to common.core.media at every hop."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import httpx
from msgspec import Struct

from common.core.adapters import ChannelAccount
from common.core.addresses import is_public
from common.core.media import (
    HTTPS_PORTS,
    MAX_REDIRECTS,
    MediaSource,
    NotYetError,
    Refusal,
    RefusedError,
    Target,
    credential_for,
    first_url,
    follow,
    is_forbidden,
    looked_up,
    media_credentials,
    needs_lookup,
    redirected,
    source_of,
    target_of,
    with_media_credential,
)
from common.edges.rotation import Rotation

LOOKUP_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0
QUIET_SECONDS = 15.0  # between two pieces of a body

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class FetchLimits(Struct, frozen=True, kw_only=True):
    """How much of our time and memory one file may take."""

    max_bytes: int = 25_000_000
    seconds: float = 60.0


class Surroundings(Struct, frozen=True, kw_only=True):
    """What is the public internet in production, and a server of their own in tests."""

    admits: Callable[[str], bool] = is_public
    ports: Collection[int] = HTTPS_PORTS
    trusts: ssl.SSLContext | None = None


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, best first. Raises NotYetError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotYetError(Refusal.UNAVAILABLE) from error
    return [str(address[0]) for *_, address in found]


class MediaClient:
    """Follows a message's reference to its file.

    A name is resolved once, and the very address that was checked is connected to: a second answer
    of the resolver has no say. No proxy is used, for the same reason.
    """

    def __init__(
        self,
        limits: FetchLimits,
        resolve: Resolve = resolve,
        surroundings: Surroundings = Surroundings(),  # noqa: B008 - frozen
    ) -> None:
        self._limits = limits
        self._resolve = resolve
        self._around = surroundings
        self._rotations: dict[tuple[str, str], Rotation] = {}
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            verify=surroundings.trusts or ssl.create_default_context(),
            timeout=httpx.Timeout(QUIET_SECONDS, connect=CONNECT_SECONDS),
            # Connections are pooled by address: one made for another host must never be used again.
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"user-agent": "madoguchi", "accept-encoding": "identity"},
        )

    async def fetch(self, reference: str, account: ChannelAccount) -> bytes:
        """Return the file's bytes.

        Raises RefusedError where it may or can never be had, NotYetError where it may come.
        """
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._fetch_as(reference, account)
        except TimeoutError as error:
            raise NotYetError(Refusal.UNAVAILABLE) from error

    def complaint(self) -> str | None:
        """Return which accounts' credentials were refused, or None."""
        told = [rotation.complaint() for rotation in self._rotations.values()]
        return "; ".join(sorted(filter(None, told))) or None

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    async def _fetch_as(self, reference: str, account: ChannelAccount) -> bytes:
        """Fetch with one of the account's credentials, where it has any."""
        credentials = media_credentials(account)
        if not credentials:
            return await self._fetch(reference, account)
        name = account.provider, account.account
        if name not in self._rotations:
            self._rotations[name] = Rotation(account, "media", credentials)

        async def ask(credential: str) -> bytes:
            return await self._fetch(reference, with_media_credential(account, credential))

        return await self._rotations[name].first_accepted(ask, is_forbidden)

    async def _fetch(self, reference: str, account: ChannelAccount) -> bytes:
        source, url = source_of(account), first_url(reference, account)
        if needs_lookup(account):
            url = looked_up(await self._get(url, source, account, LOOKUP_BYTES), account)
        return await self._get(url, source, account, self._limits.max_bytes)

    async def _get(
        self, url: str, source: MediaSource, account: ChannelAccount, most: int
    ) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            target = target_of(url, source.hosts, self._around.ports)
            async with self._asked(target, credential_for(target.host, source, account)) as answer:
                if not follow(answer.status_code):
                    return await _body(answer, most)
                url = redirected(target, answer.headers.get("location", ""))
        raise RefusedError(Refusal.REDIRECTS)

    @asynccontextmanager
    async def _asked(self, target: Target, credential: str | None) -> AsyncIterator[httpx.Response]:
        addresses = await self._resolve(target.host, target.port)
        if not all(self._around.admits(address) for address in addresses):
            raise RefusedError(Refusal.ADDRESS)
        try:
            answer = await self._first_answer(addresses, target, credential)
            try:
                yield answer
            finally:
                await answer.aclose()
        except httpx.TransportError as error:
            raise NotYetError(Refusal.UNAVAILABLE) from error

    async def _first_answer(
        self, addresses: Sequence[str], target: Target, credential: str | None
    ) -> httpx.Response:
        for address in addresses:
            try:
                return await self._client.send(
                    self._request(address, target, credential), stream=True
                )
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        raise NotYetError(Refusal.UNAVAILABLE)

    def _request(self, address: str, target: Target, credential: str | None) -> httpx.Request:
        url = httpx.URL(
            scheme="https", host=address, port=target.port, raw_path=target.path.encode("ascii")
        )
        host = target.host if target.port == 443 else f"{target.host}:{target.port}"  # noqa: PLR2004
        headers = {"host": host} | ({"authorization": credential} if credential else {})
        # The certificate has to be the host's, not the address's.
        return self._client.build_request(
            "GET", url, headers=headers, extensions={"sni_hostname": target.host}
        )


async def _body(answer: httpx.Response, most: int) -> bytes:
    """Return the body as it was sent; packed ones are refused, for nobody knows how large they are."""
    declared = answer.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise RefusedError(Refusal.TOO_LARGE)
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError(Refusal.TYPE)
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > most:
            raise RefusedError(Refusal.TOO_LARGE)
    return bytes(body)
