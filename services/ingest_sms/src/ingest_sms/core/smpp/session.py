"""What a bound session says and hears besides messages (SMPP 3.4, 3.2, 4.1, 4.11, 5.1.3)."""

import struct
from enum import IntEnum

from msgspec import Struct

from common.core.adapters import ChannelAccount
from common.core.errors import MadoguchiError
from ingest_sms.core.smpp.pdu import HEADER_BYTES

RESPONSE = 0x8000_0000
# A PDU holds at most a payload of 64 KiB and a few parameters; more is a stream out of step.
LONGEST_PDU = 0x1_0000 + 4096
HIGHEST_SEQUENCE = 0x7FFF_FFFF

_VERSION = 0x34
_HEADER = struct.Struct(">IIII")


class Command(IntEnum):
    """Requests; the response to one has the same number with the highest bit set."""

    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    DATA_SM = 0x103


GENERIC_NACK = 0x8000_0000


class Status(IntEnum):
    """The `command_status` values that we give or explain."""

    OK = 0x00
    INVALID_LENGTH = 0x02
    INVALID_COMMAND = 0x03
    ALREADY_BOUND = 0x05
    SYSTEM_ERROR = 0x08
    BIND_FAILED = 0x0D
    INVALID_PASSWORD = 0x0E
    INVALID_SYSTEM_ID = 0x0F
    THROTTLED = 0x58
    TRY_AGAIN = 0x64  # ESME_RX_T_APPN: the centre keeps the message and delivers it once more


class SmppOptionsError(MadoguchiError):
    """An account's options cannot be used; the message says which and why."""


class Header(Struct, frozen=True):
    """What every PDU begins with. `length` includes it, in octets."""

    length: int
    command: int
    status: int
    sequence: int

    @property
    def is_response(self) -> bool:
        """Whether it answers a request of ours."""
        return bool(self.command & RESPONSE)

    @property
    def in_step(self) -> bool:
        """Whether the length can be true; if not, nobody knows where the next PDU begins."""
        return HEADER_BYTES <= self.length <= LONGEST_PDU


class BindOptions(Struct, frozen=True, kw_only=True):
    """Where and as whom to bind. Passwords are tried in turn, newest first; times in seconds."""

    host: str
    port: int
    system_id: str
    passwords: tuple[str, ...]
    system_type: str = ""
    tls: bool = False
    enquire_link_seconds: float = 30.0
    redelivery_seconds: float = 3600.0


def header(octets: bytes) -> Header:
    """Return the header that 16 octets are."""
    return Header(*_HEADER.unpack(octets))


def pdu(command: int, sequence: int, status: int = Status.OK, body: bytes = b"") -> bytes:
    """Return a PDU as it goes over the wire."""
    return _HEADER.pack(HEADER_BYTES + len(body), command, status, sequence) + body


def bind_transceiver(options: BindOptions, password: str, sequence: int) -> bytes:
    """Return the request to send and receive on one session (4.1.5)."""
    names = (options.system_id, password, options.system_type)
    body = b"".join(name.encode("latin-1") + b"\x00" for name in names)
    any_address = bytes((_VERSION, 0, 0, 0))
    return pdu(Command.BIND_TRANSCEIVER, sequence, body=body + any_address)


def answer(request: Header, status: int) -> bytes:
    """Return the response to a request; a message's has an empty message id (4.6.2)."""
    has_id = request.command in (Command.DELIVER_SM, Command.DATA_SM)
    body = b"\x00" if has_id else b""
    return pdu(request.command | RESPONSE, request.sequence, status, body)


def refusal(request: Header, status: int) -> bytes:
    """Return `generic_nack` (4.3.1): for what is no request that we know."""
    return pdu(GENERIC_NACK, request.sequence, status)


def explained(status: int) -> str:
    """Return a status for people, e.g. `0x0e invalid password`."""
    known = {item.value: item.name.lower().replace("_", " ") for item in Status}
    return f"0x{status:02x} {known.get(status, '')}".rstrip()


def bind_options(account: ChannelAccount) -> BindOptions:
    """Return what an account's options say. Raises SmppOptionsError."""
    told = account.options
    missing = [name for name in ("host", "port", "system_id") if not told.get(name)]
    if missing or not account.secrets:
        wanted = ", ".join([*missing, *([] if account.secrets else ["secrets"])])
        raise SmppOptionsError(f"smpp/{account.account} needs {wanted}")
    names = (told["system_id"], told.get("system_type", ""), *account.secrets)
    if not all(name.isascii() and "\x00" not in name for name in names):
        raise SmppOptionsError(f"smpp/{account.account}: names and passwords are ASCII")
    try:
        return BindOptions(
            host=told["host"],
            port=int(told["port"]),
            system_id=told["system_id"],
            passwords=account.secrets,
            system_type=told.get("system_type", ""),
            tls=told.get("tls") == "true",
            enquire_link_seconds=float(told.get("enquire_link_seconds", "30")),
            redelivery_seconds=float(told.get("redelivery_seconds", "3600")),
        )
    except ValueError as error:
        raise SmppOptionsError(f"smpp/{account.account}: {error}") from error
