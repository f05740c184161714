"""Which folder of which server an account's mail is fetched from, and what of it is still to come.

A folder numbers its mails upwards; the numbers hold as long as its UIDVALIDITY does (RFC 9051,
2.3.1.1). So (UIDVALIDITY, last UID) says everything that has to be remembered.
"""

import ipaddress
from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.errors import MadoguchiError
from common.core.events import Message, MessageKind
from ingest_email.core.limits import MESSAGE_BYTES

Parse = Callable[[Original, ChannelAccount], tuple[Draft, ...]]

PROVIDER = "imap"

OVERSIZE = "imap-size"  # in `Original.headers`: the bytes of a mail whose body was left where it is
WHENCE = "imap-uid"  # in `Original.headers`: folder, UIDVALIDITY and UID, one a line


class FolderError(MadoguchiError):
    """An account's options cannot be used; the message says which and why."""


class Protection(StrEnum):
    """How the connection is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class Login(StrEnum):
    """What the account's secrets are."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind of secret
    XOAUTH2 = "xoauth2"


class Folder(Struct, frozen=True, forbid_unknown_fields=True):
    """An `imap` account's options. `since` leaves older mail alone (days of the server's clock)."""

    host: str
    user: str
    port: int = 0
    folder: str = "INBOX"
    tls: Protection = Protection.TLS
    ca_file: str = ""
    login: Login = Login.PASSWORD
    token_file: str = ""
    since: date | None = None


class Cursor(Struct, frozen=True):
    """How far a folder is read: every mail up to `last_uid` is durable with us."""

    validity: int
    last_uid: int


def folder_of(account: ChannelAccount) -> Folder:
    """Return where the account's mail lies. Raises FolderError."""
    try:
        folder = msgspec.convert(account.options, Folder, strict=False)
    except msgspec.ValidationError as error:
        raise FolderError(str(error)) from error
    if folder.tls is Protection.NONE and not _on_this_machine(folder.host):
        raise FolderError(f"tls: none would show the password to the way to {folder.host}")
    port = folder.port or (993 if folder.tls is Protection.TLS else 143)
    return replace(folder, port=port)


def resume(cursor: Cursor | None, validity: int) -> Cursor:
    """Return where to go on in a folder that now has this UIDVALIDITY.

    Under a new one the old numbers mean nothing: everything is read again, and what we had becomes
    the same events again.
    """
    if cursor is None or cursor.validity != validity:
        return Cursor(validity, 0)
    return cursor


def further(one: Cursor | None, other: Cursor | None) -> Cursor | None:
    """Return the cursor that has read more, `other` where they speak of different numberings."""
    if one is None or other is None or one.validity != other.validity:
        return other or one
    return max(one, other, key=lambda cursor: cursor.last_uid)


def still_to_come(found: Iterable[int], cursor: Cursor, most: int) -> list[int]:
    """Return the next UIDs, ascending.

    A server answers a search for `n:*` with its last mail even where that is below n.
    """
    return sorted(uid for uid in set(found) if uid > cursor.last_uid)[:most]


def is_oversize(size: int) -> bool:
    """Whether a mail of so many bytes is left where it is: nothing would be read of it anyway."""
    return size > MESSAGE_BYTES


def parsing_what_was_fetched(parse: Parse) -> Parse:
    """Return `parse` that marks a mail whose body was left in its folder."""

    def marked(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
        drafts = parse(original, account)
        if original.provider != PROVIDER or OVERSIZE not in original.headers:
            return drafts
        return tuple(_left_behind(draft, original.headers[OVERSIZE]) for draft in drafts)

    return marked


def _left_behind(draft: Draft, size: str) -> Draft:
    if not isinstance(draft.data, Message):
        return draft
    labels = {**draft.data.attributes, "unreadable": "size", "size": size}
    data = replace(draft.data, kind=MessageKind.UNSUPPORTED, attributes=labels)
    return replace(draft, data=data)


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
