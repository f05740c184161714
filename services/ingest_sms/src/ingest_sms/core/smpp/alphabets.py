"""The characters of text messages, by SMPP's data coding (SMPP 3.4, 5.2.19; 3GPP TS 23.038).

Every function is total: a message centre that declares one alphabet and sends another must not
make a message unreadable.
"""

from collections.abc import Callable
from functools import partial

from ingest_sms.core.smpp.gsm import NO_SHIFTS, Shifts, gsm

_TO_KANJI = b"\x1b$"

Decode = Callable[[bytes], str]


def latin_1(octets: bytes) -> str:
    """Return the text of ISO 8859-1 octets."""
    return octets.decode("latin-1")


def ucs_2(octets: bytes) -> str:
    """Return the text of big-endian UTF-16 octets, which is what phones send as UCS-2."""
    return octets.decode("utf-16-be", "replace")


def japanese(octets: bytes) -> str:
    """Return the text of ISO-2022-JP or, as Japanese centres do under the same name, Shift_JIS."""
    if _TO_KANJI in octets:  # what is not in the standard is lost, the rest is not
        return octets.decode("iso2022_jp_ext", "replace")
    try:
        return octets.decode("iso2022_jp_ext")
    except UnicodeDecodeError:
        return octets.decode("cp932", "replace")


def decoder(data_coding: int, default: str = "gsm", shifts: Shifts = NO_SHIFTS) -> Decode | None:
    """Return how to read octets of a data coding; None for binary and for what nobody defined.

    `default` is what the centre means by 0: `gsm` or `latin-1`. `shifts` are for GSM alone.
    """
    if data_coding == 0 and default == "latin-1":
        return latin_1
    if data_coding in _GSM:
        return partial(gsm, shifts=shifts) if shifts.known else None
    return _DECODERS.get(data_coding)


def _charset(name: str) -> Decode:
    return lambda octets: octets.decode(name, "replace")


# 0, and what centres pass on as it is in TS 23.038: with a message class, or that something waits.
_GSM = frozenset((0, *range(0x10, 0x14), *range(0xC0, 0xE0), *range(0xF0, 0xF4)))
_DECODERS: dict[int, Decode] = {
    0x01: latin_1,  # ASCII, and what is sent as ASCII
    0x03: latin_1,
    0x05: japanese,
    0x06: _charset("iso8859-5"),
    0x07: _charset("iso8859-8"),
    0x08: ucs_2,
    0x0A: japanese,
    0x0D: _charset("euc_jis_2004"),
    0x0E: _charset("euc_kr"),
    **dict.fromkeys((*range(0x18, 0x1C), *range(0xE0, 0xF0)), ucs_2),
}
