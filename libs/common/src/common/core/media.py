"""Where media may be fetched from: providers' hosts, public addresses, and who sees a credential.

What a message says about a file is written by strangers. A link is followed only to hosts on the
provider's list, by https on port 443, and only to addresses of the public internet; a credential
goes to the provider's own host and nowhere else.
"""

import base64
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount
from common.core.errors import MadoguchiError, TransientError
from common.core.payloads import UnreadableError, json_value, text_at

HTTPS_PORTS = frozenset([443])
MAX_REDIRECTS = 4
MAX_URL = 4096  # characters

_PATH = "/%:@!$&'()*+,;=~-._"  # kept as it is: links may be signed
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")  # programs read these in URLs differently
# What resolvers, TLS and headers can all say; anything else would end in an exception of theirs.
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+")
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500  # RFC 9110
_MISSING = frozenset([404, 408, 409, 423, 425])
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(hours=1)


class Refusal(StrEnum):
    """Why a file is given up; the codes stand in events and metrics."""

    BAD_URL = "bad-url"
    HOST = "host-not-allowed"
    ADDRESS = "address-not-public"
    REDIRECTS = "too-many-redirects"
    TOO_LARGE = "too-large"
    TYPE = "type-mismatch"
    HASH = "hash-mismatch"
    NO_ACCOUNT = "no-account"
    GONE = "gone"
    MISSING = "never-there"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"


# A file may come later than its message ("MMS"), but not by much; an outage lasts longer.
_PATIENCE: Mapping[Refusal, timedelta] = MappingProxyType({Refusal.MISSING: timedelta(minutes=10)})
_LONGEST_PATIENCE = timedelta(hours=24)


class RefusedError(MadoguchiError):
    """This file will never be fetched."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class NotYetError(TransientError):
    """The file may be there later; `refusal` is what to say when waiting ends."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"media: {refusal}")
        self.refusal = refusal


class Scheme(StrEnum):
    """How a credential is shown (RFC 7617, RFC 6750)."""

    NONE = ""
    BASIC = "Basic"
    BEARER = "Bearer"


class MediaSource(Struct, frozen=True):
    """Where one provider keeps files. `*.example.jp` is every host below example.jp."""

    hosts: tuple[str, ...] = ()
    scheme: Scheme = Scheme.NONE
    trusted: tuple[str, ...] = ()  # the hosts that may see the credential


class Target(Struct, frozen=True):
    """A URL taken apart once, so that no second reader can read it otherwise."""

    host: str
    port: int
    path: str  # with the query

    @property
    def url(self) -> str:
        """The target as a URL again, the base of a relative redirect."""
        return f"https://{self.host}:{self.port}{self.path}"


# The hosts of downloads are nowhere promised; an account's option `media_hosts` adds to them.
SOURCES: Mapping[str, MediaSource] = MappingProxyType(
    {
        "twilio": MediaSource(
            ("*.twilio.com", "*.twiliocdn.com", "s3-external-1.amazonaws.com"),
            Scheme.BASIC,
            ("api.twilio.com",),
        ),
        "vonage-messages": MediaSource(("*.nexmo.com", "*.vonage.com")),
        "sinch-sms": MediaSource(("*.sinch.com",)),
        "sinch-conversation": MediaSource(("*.sinch.com",)),
        "whatsapp": MediaSource(
            ("graph.facebook.com", "*.fbsbx.com", "*.fbcdn.net"),
            Scheme.BEARER,
            ("graph.facebook.com", "lookaside.fbsbx.com"),
        ),
        "messenger": MediaSource(("*.fbsbx.com", "*.fbcdn.net")),
        "instagram": MediaSource(("*.fbsbx.com", "*.fbcdn.net", "*.cdninstagram.com")),
        "line": MediaSource(("api-data.line.me",), Scheme.BEARER, ("api-data.line.me",)),
        "x": MediaSource(("pbs.twimg.com", "video.twimg.com")),
        "telegram": MediaSource(("api.telegram.org",)),  # its credential is part of the path
        "viber": MediaSource(("*.viber.com",)),
        "bluesky": MediaSource(("bsky.social", "*.bsky.network")),
        "mastodon": MediaSource(),
        "generic": MediaSource(),
    }
)


def source_of(account: ChannelAccount) -> MediaSource:
    """Return where an account's files may lie: its provider's hosts and its own `media_hosts`."""
    source = SOURCES.get(account.provider, MediaSource())
    added = tuple(account.options.get("media_hosts", "").lower().split())
    instance = account.options.get("handle", "").rpartition("@")[2].lower()
    if account.provider == "mastodon" and instance:
        added += (instance, f"*.{instance}")  # an instance keeps copies of what others hold
    return replace(source, hosts=source.hosts + added)


def is_fetched(account: ChannelAccount) -> bool:
    """Whether files of this account are fetched: we know from where, and hold what it takes."""
    source = source_of(account)
    needs_credential = source.scheme is not Scheme.NONE or account.provider == "telegram"
    return bool(source.hosts) and bool(
        account.options.get("media_credential") or not needs_credential
    )


def media_credentials(account: ChannelAccount) -> tuple[str, ...]:
    """Return the credentials of the option `media_credential`, newest first."""
    return tuple(account.options.get("media_credential", "").split())


def with_media_credential(account: ChannelAccount, credential: str) -> ChannelAccount:
    """Return the account with this one of its credentials alone."""
    return replace(account, options={**account.options, "media_credential": credential})


def is_forbidden(error: MadoguchiError) -> bool:
    """Whether the provider did not let us in: with another credential it may."""
    return isinstance(error, NotYetError) and error.refusal is Refusal.FORBIDDEN


def credential_for(host: str, source: MediaSource, account: ChannelAccount) -> str | None:
    """Return the `Authorization` that this very host may see: the option `media_credential`."""
    secret = account.options.get("media_credential")
    if not secret or source.scheme is Scheme.NONE or host not in source.trusted:
        return None
    if source.scheme is Scheme.BASIC:
        secret = base64.b64encode(secret.encode()).decode()
    return f"{source.scheme} {secret}" if secret.isascii() else None


def target_of(url: str, hosts: Collection[str], ports: Collection[int] = HTTPS_PORTS) -> Target:
    """Return what to ask, and whom. Raises RefusedError for all but https to a host on the list."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
        host = (parts.hostname or "").removesuffix(".")
        path = quote(parts.path or "/", safe=_PATH)
        query = quote(parts.query, safe=f"{_PATH}?")
    except ValueError as error:
        raise RefusedError(Refusal.BAD_URL) from error
    if len(url) > MAX_URL or _UNSAFE.search(url) or parts.scheme != "https" or "@" in parts.netloc:
        raise RefusedError(Refusal.BAD_URL)
    if port not in ports or not _is_allowed(host, hosts):
        raise RefusedError(Refusal.HOST)
    return Target(host, port, f"{path}?{query}" if query else path)


def redirected(target: Target, location: str) -> str:
    """Return the URL that a redirect leads to; it has to be checked like the first one."""
    try:
        return urljoin(target.url, location)
    except ValueError as error:
        raise RefusedError(Refusal.BAD_URL) from error


def follow(status: int) -> bool:
    """Whether an answer leads elsewhere; False when its body is the file.

    Raises NotYetError and RefusedError by what the status says of later.
    """
    if status in _REDIRECTS:
        return True
    if status in _MISSING:
        raise NotYetError(Refusal.MISSING)
    if status in (401, 403):
        raise NotYetError(Refusal.FORBIDDEN)  # an operator can mend a credential
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        raise NotYetError(Refusal.UNAVAILABLE)
    if status != _OK:
        raise RefusedError(Refusal.GONE)
    return False


def next_attempt(
    refusal: Refusal, attempts: int, first_seen: datetime, now: datetime
) -> datetime | None:
    """Return when to ask again after so many attempts, or None where that was the last.

    Five seconds, doubled each time up to an hour; ten minutes in all for what is not there yet, a
    day for everything else.
    """
    until = first_seen + _PATIENCE.get(refusal, _LONGEST_PATIENCE)
    pause = min(_FIRST_PAUSE * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE)
    return None if now >= until else min(now + pause, until)


def first_url(reference: str, account: ChannelAccount) -> str:
    """Return the URL to ask first for what a message calls its file."""
    if account.provider == "bluesky":
        did, _, cid = reference.removeprefix("blob:").partition("/")
        query = f"did={quote(did, safe='')}&cid={quote(cid, safe='')}"
        return f"https://bsky.social/xrpc/com.atproto.sync.getBlob?{query}"
    if account.provider == "telegram":
        file_id = quote(reference.removeprefix("file_id:"), safe="")
        return f"https://api.telegram.org/bot{_token(account)}/getFile?file_id={file_id}"
    return reference


def needs_lookup(account: ChannelAccount) -> bool:
    """Whether the first answer is JSON that tells where the file is."""
    return account.provider in ("whatsapp", "telegram")


def looked_up(answer: bytes, account: ChannelAccount) -> str:
    """Return the file's URL from the first answer (Cloud API `url`, Bot API `getFile`)."""
    try:
        told = json_value(answer)
    except UnreadableError as error:
        raise RefusedError(Refusal.GONE) from error
    path = text_at(told, "result", "file_path")
    if account.provider == "telegram" and path:
        return f"https://api.telegram.org/file/bot{_token(account)}/{quote(path)}"
    url = text_at(told, "url")
    if not url:
        raise RefusedError(Refusal.GONE)
    return url


def _token(account: ChannelAccount) -> str:
    return quote(account.options.get("media_credential", ""), safe=":")


def _is_allowed(host: str, patterns: Collection[str]) -> bool:
    if not _HOST.fullmatch(host):
        return False
    return any(
        host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
        for pattern in patterns
    )
