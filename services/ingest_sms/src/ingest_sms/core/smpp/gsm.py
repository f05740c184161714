"""The GSM 7-bit alphabet and its national variants (3GPP TS 23.038, 6.2.1 and Annex A).

A national table is announced in the user data header: a locking shift replaces the basic table, a
single shift the characters after an escape. Known are Turkish, Spanish and Portuguese; telephones
send the languages of India as UCS-2.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

_ESCAPE = 0x1B
_DIGITS_AND_SIGNS = " !\"#¤%&'()*+,-./0123456789:;<=>?"
_BASIC = (
    f"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ{_DIGITS_AND_SIGNS}"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TURKISH = (
    f"@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bŞşßÉ{_DIGITS_AND_SIGNS}"
    "İABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§çabcdefghijklmnopqrstuvwxyzäöñüà"
)
_PORTUGUESE = (
    f"@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ{_DIGITS_AND_SIGNS.replace('¤', 'º')}"
    "ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§~abcdefghijklmnopqrstuvwxyzãõ`üà"
)
_LOCKING: Mapping[int, str] = MappingProxyType({0: _BASIC, 1: _TURKISH, 3: _PORTUGUESE})

_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x1B: " ",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
# Each adds to the extension what its language needs, at the place of a letter that resembles it.
_SINGLE: Mapping[int, Mapping[int, str]] = MappingProxyType(
    {
        0: _EXTENSION,
        1: _EXTENSION | dict(zip(b"GIScgis", "ĞİŞçğış", strict=True)),
        2: _EXTENSION | dict(zip(b"\x09AIOUaiou", "çÁÍÓÚáíóú", strict=True)),
        3: _EXTENSION
        | dict(zip(b"\x05\x09\x0b\x0c\x0e\x0f\x1f", "êçÔôÁáÊ", strict=True))
        | dict(zip(b"\x12\x13\x15\x16\x17\x18\x19", "ΦΓΩΠΨΣΘ", strict=True))
        | dict(zip(b"AIOU[\\aiou{|\x7f", "ÀÍÓÚÃÕÂíóúãõâ", strict=True)),
    }
)


class Shifts(Struct, frozen=True):
    """The national tables of a message, by TS 23.038's number of their language; 0: none."""

    locking: int = 0
    single: int = 0

    @property
    def known(self) -> bool:
        """Whether a text can be read by them: without the single shift only some characters are lost."""
        return self.locking in _LOCKING


NO_SHIFTS = Shifts()


def gsm(octets: bytes, shifts: Shifts = NO_SHIFTS) -> str:
    """Return the text of unpacked septets; an octet above 0x7F shows that it is Latin-1."""
    if any(octet >= len(_BASIC) for octet in octets):
        return octets.decode("latin-1")
    basic = _LOCKING.get(shifts.locking, _BASIC)
    extension = _SINGLE.get(shifts.single, _EXTENSION)
    text, escaped = [], False
    for octet in octets:
        if octet == _ESCAPE and not escaped:
            escaped = True
            continue
        # An extension that the table lacks shows the basic character (6.2.1.1).
        text.append(extension.get(octet, basic[octet]) if escaped else basic[octet])
        escaped = False
    return "".join(text)
