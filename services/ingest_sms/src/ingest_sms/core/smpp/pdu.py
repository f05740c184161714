"""Reading `deliver_sm` and `data_sm` (SMPP 3.4, 4.6.1 and 4.7.1)."""

from collections.abc import Iterator

from msgspec import Struct

from common.core.payloads import UnreadableError
from common.core.text import clean

DELIVER_SM = 0x05
DATA_SM = 0x103
HEADER_BYTES = 16

_MESSAGE_PAYLOAD = 0x0424
_INTERNATIONAL = 1


class Address(Struct, frozen=True):
    """A number or name with its type of number (1: international, 5: alphanumeric)."""

    type_of_number: int
    digits: str

    @property
    def written(self) -> str:
        """The address as people write it."""
        international = self.type_of_number == _INTERNATIONAL and not self.digits.startswith("+")
        return f"+{self.digits}" if international else self.digits


class Delivery(Struct, frozen=True):
    """One PDU: a message, a part of one, or a receipt. `tlvs` by tag."""

    source: Address
    destination: Address
    esm_class: int
    data_coding: int
    content: bytes
    tlvs: dict[int, bytes]


def deliveries(stream: bytes) -> Iterator[Delivery]:
    """Yield every PDU of a stream of them. Raises UnreadableError at the first that is none."""
    while stream:
        cursor = _Cursor(stream)
        length, command = cursor.number(4), cursor.number(4)
        if length < HEADER_BYTES or length > len(stream):
            raise UnreadableError("a PDU whose length is wrong")
        cursor = _Cursor(stream[HEADER_BYTES:length])
        yield _delivery(command, cursor)
        stream = stream[length:]


def _delivery(command: int, cursor: "_Cursor") -> Delivery:
    if command not in (DELIVER_SM, DATA_SM):
        raise UnreadableError("neither deliver_sm nor data_sm")
    cursor.text()  # service type
    source, destination = cursor.address(), cursor.address()
    esm_class = cursor.number(1)
    if command == DATA_SM:
        cursor.number(1)  # registered delivery
        data_coding, content = cursor.number(1), b""
    else:
        data_coding, content = _short_message(cursor)
    tlvs = cursor.tlvs()
    content = content or tlvs.get(_MESSAGE_PAYLOAD, b"")
    return Delivery(source, destination, esm_class, data_coding, content, tlvs)


def _short_message(cursor: "_Cursor") -> tuple[int, bytes]:
    cursor.number(2)  # protocol id, priority
    cursor.text()  # schedule
    cursor.text()  # validity
    cursor.number(2)  # registered delivery, replace if present
    data_coding = cursor.number(1)
    cursor.number(1)  # predefined message
    return data_coding, cursor.octets(cursor.number(1))


class _Cursor:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def octets(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise UnreadableError("a PDU that ends too soon")
        self._at += count
        return taken

    def number(self, octets: int) -> int:
        return int.from_bytes(self.octets(octets), "big")

    def text(self) -> str:
        end = self._octets.find(b"\x00", self._at)
        if end < 0:
            raise UnreadableError("a text without its end")
        return self.octets(end + 1 - self._at)[:-1].decode("latin-1")

    def address(self) -> Address:
        type_of_number, _ = self.number(1), self.number(1)
        return Address(type_of_number, clean(self.text()))

    def tlvs(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        while self._at < len(self._octets):
            tag, length = self.number(2), self.number(2)
            found[tag] = self.octets(length)
        return found
