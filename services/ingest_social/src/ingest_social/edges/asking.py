"""Asking the providers that do not tell us by themselves."""

from collections.abc import Mapping
from typing import Protocol

import httpx
import msgspec
from msgspec import Struct

from common.core.adapters import ChannelAccount
from common.core.errors import MadoguchiError, TransientError
from common.core.payloads import UnreadableError
from common.edges.rotation import Rotation
from ingest_social.core.bluesky import notifications as bluesky
from ingest_social.core.mastodon import notifications as mastodon
from ingest_social.core.news import News

ANSWER_BYTES = 10_000_000
MOST_PAGES = 50  # 5000 notifications behind; older ones wait for nobody
BLUESKY = "https://bsky.social"
_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN = 200, 400, 401, 403
_SESSION = "/xrpc/com.atproto.server.createSession"


class CredentialError(MadoguchiError):
    """The provider does not accept our token: somebody has to renew it."""


class Asking(Protocol):
    """One account at one provider."""

    async def news(self, position: str | None) -> News:
        """Return what came after a position. Raises CredentialError, TransientError."""
        ...

    def complaint(self) -> str | None:
        """Return which of its credentials were refused, or None."""
        ...


def asking(account: ChannelAccount, client: httpx.AsyncClient) -> Asking | None:
    """Return how to ask for an account's mentions, or None where it gives no credential for it."""
    options = account.options
    if account.provider == "mastodon" and options.get("access_token"):
        return AskMastodon(account, client)
    if account.provider == "bluesky" and options.get("app_password"):
        return AskBluesky(account, client)
    return None


class AskMastodon:
    """Mentions by an access token with the scope `read:notifications`."""

    def __init__(self, account: ChannelAccount, client: httpx.AsyncClient) -> None:
        instance = account.options.get("handle", "").rpartition("@")[2]
        self._url = account.options.get("server", f"https://{instance}") + mastodon.PATH
        self._tokens = Rotation(account, "mentions", account.options["access_token"].split())
        self._client = client

    def complaint(self) -> str | None:
        """Return which of its credentials were refused, or None."""
        return self._tokens.complaint()

    async def news(self, position: str | None) -> News:
        """Return one page of mentions. Raises CredentialError, TransientError."""
        query = mastodon.query(position)

        async def ask(token: str) -> _Answer:
            headers = _bearer(token)
            answer = await _ask(self._client, "GET", self._url, headers=headers, params=query)
            _credential_accepted(answer)
            return answer

        return mastodon.news(_good(await self._tokens.first_accepted(ask, _is_refusal)), position)


class _Session(Struct, frozen=True, rename="camel"):
    access_jwt: str


class AskBluesky:
    """Mentions by an app password. A session is kept until Bluesky has enough of it."""

    def __init__(self, account: ChannelAccount, client: httpx.AsyncClient) -> None:
        self._server = account.options.get("server", BLUESKY)
        self._identifier = account.options.get("did", account.account)
        self._passwords = Rotation(account, "mentions", account.options["app_password"].split())
        self._client = client
        self._token: str | None = None

    def complaint(self) -> str | None:
        """Return which of its credentials were refused, or None."""
        return self._passwords.complaint()

    async def news(self, position: str | None) -> News:
        """Return everything since `position`. Raises CredentialError, TransientError."""
        pages: list[bluesky.Page] = []
        older: str | None = None
        while len(pages) < MOST_PAGES:
            pages.append(bluesky.page(await self._listed(bluesky.query(older))))
            if bluesky.reaches(pages[-1], position):
                break
            older = pages[-1].older
        return bluesky.news(pages, position)

    async def _listed(self, query: tuple[tuple[str, str], ...]) -> bytes:
        answer = await self._listing(query)
        if answer.status in (_BAD_REQUEST, _UNAUTHORIZED):  # "ExpiredToken" comes as 400
            self._token = None
            answer = await self._listing(query)
        _credential_accepted(answer)
        return _good(answer)

    async def _listing(self, query: tuple[tuple[str, str], ...]) -> "_Answer":
        token = self._token
        if token is None:
            token = await self._passwords.first_accepted(self._new_token, _is_refusal)
            self._token = token
        headers = _bearer(token)
        url = self._server + bluesky.PATH
        return await _ask(self._client, "GET", url, headers=headers, params=query)

    async def _new_token(self, password: str) -> str:
        login = {"identifier": self._identifier, "password": password}
        answer = await _ask(self._client, "POST", self._server + _SESSION, json=login)
        _credential_accepted(answer)
        try:
            return msgspec.json.decode(_good(answer), type=_Session).access_jwt
        except msgspec.DecodeError as error:
            raise UnreadableError("not a session") from error


class _Answer(Struct, frozen=True):
    status: int
    body: bytes
    headers: Mapping[str, str]


class BusyError(TransientError):
    """The provider asks us to come back after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"provider: busy for {seconds:.0f} s")
        self.seconds = seconds


async def _ask(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: tuple[tuple[str, str], ...] | None = None,
    json: Mapping[str, str] | None = None,
) -> _Answer:
    body = bytearray()
    try:
        request = client.build_request(method, url, headers=headers, params=params, json=json)
        response = await client.send(request, stream=True)
        try:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > ANSWER_BYTES:
                    raise TransientError("provider: the answer is too large")
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TransientError(f"provider: {type(error).__name__}") from error
    return _Answer(response.status_code, bytes(body), response.headers)


def _bearer(token: str) -> dict[str, str]:
    if not token.isascii():
        raise CredentialError("the credential is no token: it is not ASCII")
    return {"authorization": f"Bearer {token}"}


def _credential_accepted(answer: _Answer) -> None:
    if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
        raise CredentialError(f"the provider refuses our credential: {answer.status}")


def _is_refusal(error: MadoguchiError) -> bool:
    return isinstance(error, CredentialError)


def _good(answer: _Answer) -> bytes:
    wait = answer.headers.get("retry-after", "")
    if answer.status != _OK and wait.isdecimal():
        raise BusyError(min(float(wait), 3600.0))
    if answer.status != _OK:
        raise TransientError(f"provider: {answer.status}")
    return answer.body
