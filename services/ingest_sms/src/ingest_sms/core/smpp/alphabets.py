"""The characters of text messages, by SMPP's data coding (SMPP 3.4, 5.2.19; 3GPP TS 23.038).

Every function is total: a message centre that declares one alphabet and sends another must not
make a message unreadable.
"""

from collections.abc import Callable

Decode = Callable[[bytes], str]

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
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
_ESCAPE = 0x1B


def gsm(octets: bytes) -> str:
    """Return the text of unpacked GSM 7-bit octets; one above 0x7F shows that it is Latin-1."""
    if any(octet >= len(_BASIC) for octet in octets):
        return latin_1(octets)
    text, escaped = [], False
    for octet in octets:
        if octet == _ESCAPE and not escaped:
            escaped = True
            continue
        # An extension that the table lacks shows the basic character (TS 23.038, 6.2.1.1).
        text.append(_EXTENSION.get(octet, _BASIC[octet]) if escaped else _BASIC[octet])
        escaped = False
    return "".join(text)


def latin_1(octets: bytes) -> str:
    """Return the text of ISO 8859-1 octets."""
    return octets.decode("latin-1")


def ucs_2(octets: bytes) -> str:
    """Return the text of big-endian UTF-16 octets, which is what phones send as UCS-2."""
    return octets.decode("utf-16-be", "replace")


def japanese(octets: bytes) -> str:
    """Return the text of ISO-2022-JP or, as Japanese centres do under the same name, Shift_JIS."""
    try:
        return octets.decode("iso2022_jp_ext")
    except UnicodeDecodeError:
        return octets.decode("cp932", "replace")


def decoder(data_coding: int, default: str = "gsm") -> Decode | None:
    """Return how to read octets of a data coding; None for binary and for what nobody defined.

    `default` is what the centre means by 0: `gsm` or `latin-1`.
    """
    if data_coding == 0:
        return latin_1 if default == "latin-1" else gsm
    return _DECODERS.get(data_coding)


def _charset(name: str) -> Decode:
    return lambda octets: octets.decode(name, "replace")


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
    # Codings of TS 23.038 that centres pass on as they are: with a message class, bits 3-2 tell
    # the alphabet.
    **{0x10 | message_class: gsm for message_class in range(4)},
    **{0x18 | message_class: ucs_2 for message_class in range(4)},
    **{0xF0 | message_class: gsm for message_class in range(4)},
}
