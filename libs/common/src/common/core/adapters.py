"""What a provider's adapter is: pure functions from an untouched original to events and an answer."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, structs
from typing_extensions import override

from common.core.events import Message, MessageStatus


class Original(Struct, frozen=True, kw_only=True):
    """What reached us, untouched: a webhook request or a mail with its envelope.

    `headers` have lower-case names (for mail: the SMTP envelope). `url` is the public address that
    the provider was given, query included; providers sign it, so it never comes from `Host`.
    """

    provider: str
    account: str
    received_at: datetime
    body: bytes
    headers: dict[str, str] = {}
    url: str = ""
    method: str = "POST"


CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-telegram-bot-api-secret-token"}
)


def without_credentials(original: Original) -> Original:
    """Return the original as it may be kept: what proves the sender today must not leak tomorrow."""
    if CREDENTIAL_HEADERS.isdisjoint(original.headers):
        return original
    headers = {k: v for k, v in original.headers.items() if k not in CREDENTIAL_HEADERS}
    return structs.replace(original, headers=headers)


CERTIFICATE = "certificate:"


class ChannelAccount(Struct, frozen=True, kw_only=True):
    """One number, page, bot or mailbox of the company, from the accounts file.

    `secrets` are tried in turn, newest first, so that they can be rotated. `region` is the
    ISO 3166 country of numbers written without one. `team` owns what comes in here.
    """

    tenant: str
    provider: str
    account: str
    public_url: str = ""
    secrets: tuple[str, ...] = ()
    region: str = "JP"
    team: str | None = None
    addresses: tuple[str, ...] = ()  # mailboxes or numbers that reach this account
    options: dict[str, str] = {}

    @override
    def __repr__(self) -> str:
        return f"ChannelAccount({self.tenant}/{self.provider}/{self.account})"


def with_certificate(account: ChannelAccount, url: str, pem: str) -> ChannelAccount:
    """Return the account with a certificate beside its options, where no request can write."""
    options = {**account.options, f"{CERTIFICATE}{url}": pem}
    return structs.replace(account, options=options)


def certificate_of(account: ChannelAccount, url: str) -> str:
    """Return the certificate (PEM) that was fetched from `url`, empty where none was."""
    return account.options.get(f"{CERTIFICATE}{url}", "")


class File(Struct, frozen=True):
    """Bytes that a message carries and that go to object storage under their SHA-256 (hex)."""

    sha256: str
    content: bytes
    media_type: str


class Draft(Struct, frozen=True, kw_only=True):
    """An event before it is published; the edge adds `raw_ref` and stores `files`.

    `provider_id` is what the event id is derived from, equal in every delivery; `time` is the
    provider's time where there is one.
    """

    provider_id: str
    contact: str
    time: datetime
    data: Message | MessageStatus
    files: tuple[File, ...] = ()


Parse = Callable[[Original, ChannelAccount], tuple[Draft, ...]]


class Outcome(StrEnum):
    """What became of a request, in the words that an adapter turns into a provider's answer."""

    ACCEPTED = "accepted"
    UNAUTHENTIC = "unauthentic"
    UNAVAILABLE = "unavailable"
    TOO_LARGE = "too_large"


class Answer(Struct, frozen=True):
    """The HTTP answer that the provider expects."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain"


class Adapter(Protocol):
    """One provider. Every method is pure: same arguments, same result, no I/O, no clock."""

    @property
    def provider(self) -> str:
        """Return the name in `/v1/webhooks/{provider}/{account}`."""
        ...

    def authentic(self, original: Original, account: ChannelAccount) -> bool:
        """Whether the provider itself sent this, checked over the raw bytes."""
        ...

    def certificate(self, original: Original, account: ChannelAccount) -> str | None:
        """Return the https URL of the certificate that `authentic` needs, None where it needs none.

        Nobody has vouched for the request yet: only a place of the provider's own may be named, and
        none for a sender that the account does not know. `authentic` finds the certificate by
        `certificate_of`.
        """
        ...

    def confirmation(self, original: Original, account: ChannelAccount) -> str | None:
        """Return the https URL that an authentic, kept request asks us to call, or None."""
        ...

    def challenge(self, original: Original, account: ChannelAccount) -> Answer | None:
        """Return the answer to a provider's check of our address, or None where this is no check."""
        ...

    def parse(self, original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
        """Return the events in an authentic request.

        Never raises on content: what cannot be read becomes one `unsupported` message.
        """
        ...

    def answer(self, outcome: Outcome) -> Answer:
        """Return what the provider should hear."""
        ...
