"""Which part of a long message a PDU is: by user data header or by SAR parameters."""

from collections.abc import Iterator

from msgspec import Struct

from ingest_sms.core.smpp.gsm import NO_SHIFTS, Shifts
from ingest_sms.core.smpp.pdu import Delivery

_HAS_HEADER = 0x40  # in esm_class
_CONCATENATED = {0x00: 3, 0x08: 4}  # information element: octets of reference, total and number
_SINGLE_SHIFT, _LOCKING_SHIFT = 0x24, 0x25
_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER = 0x020C, 0x020E, 0x020F


class Segment(Struct, frozen=True):
    """Part `number` (from 1) of `total`; a whole message is part 1 of 1 without a reference.

    `shifts` are the national tables that its header announces.
    """

    text: bytes
    number: int = 1
    total: int = 1
    reference: str = ""
    shifts: Shifts = NO_SHIFTS


def segment(pdu: Delivery) -> Segment:
    """Return the octets of the text and their place (3GPP TS 23.040, 9.2.3.24; SMPP 3.4, 5.3.2.22)."""
    header, text = _split(pdu)
    elements = dict(_elements(header))
    shifts = Shifts(*(_number(elements.get(tag)) for tag in (_LOCKING_SHIFT, _SINGLE_SHIFT)))
    for tag, length in _CONCATENATED.items():
        if len(value := elements.get(tag, b"")) == length:
            return _placed(text, shifts, f"udh-{value[:-2].hex()}", value[-2], value[-1])
    sar = [_number(pdu.tlvs.get(tag)) for tag in (_SAR_TOTAL, _SAR_NUMBER)]
    return _placed(text, shifts, f"sar-{pdu.tlvs.get(_SAR_REFERENCE, b'').hex()}", *sar)


def _placed(text: bytes, shifts: Shifts, reference: str, total: int, number: int) -> Segment:
    if 1 <= number <= total and total > 1:
        return Segment(text, number, total, reference, shifts)
    return Segment(text, shifts=shifts)


def _number(octets: bytes | None) -> int:
    return int.from_bytes(octets or b"", "big")


def _split(pdu: Delivery) -> tuple[bytes, bytes]:
    if not pdu.esm_class & _HAS_HEADER or not pdu.content:
        return b"", pdu.content
    end = 1 + pdu.content[0]
    return pdu.content[1:end], pdu.content[end:]


def _elements(header: bytes) -> Iterator[tuple[int, bytes]]:
    while len(header) > 1:
        element, length = header[0], header[1]
        yield element, header[2 : 2 + length]
        header = header[2 + length :]
