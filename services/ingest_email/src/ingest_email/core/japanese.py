"""ISO-2022-JP as it is really sent.

Python's codecs refuse NEC and IBM characters (①, ㈱, 髙), half-width kana and a missing return to
ASCII; each of them turns a whole mail into U+FFFD. This decoder is equal to the strict codec on
strictly valid input (RFC 1468, RFC 2237) and reads the rest character by character.
"""

import re
from functools import lru_cache

_SHIFT = re.compile(
    rb"\x1b\$\(?[@BDOPQ]|\x1b\([A-KZ]|\x1b&@|[\x0e\x0f\r\n]",
)
_ROMAN = str.maketrans("\\~", "¥‾")
_PAIR_CODECS = {
    b"@": ("euc_jp", b""),
    b"B": ("euc_jp", b""),
    b"D": ("euc_jp", b"\x8f"),  # JIS X 0212
    b"O": ("euc_jis_2004", b""),  # JIS X 0213, plane 1
    b"Q": ("euc_jis_2004", b""),
    b"P": ("euc_jis_2004", b"\x8f"),  # JIS X 0213, plane 2
}
_LEADS_BELOW_KANA = 0xA0 - 0x81
_TRAILS_BELOW_DEL = 0x7F - 0x40
_PAIR = re.compile(rb"[\x21-\x7e\xa1-\xfe]{2}")
_HIGH = bytes(byte | 0x80 for byte in range(256))


def has_escape(raw: bytes) -> bool:
    """Whether the bytes switch character sets as ISO-2022-JP does."""
    return b"\x1b$" in raw or b"\x1b(" in raw


def decode_iso_2022_jp(raw: bytes) -> str:
    """Return the text; what no table knows becomes U+FFFD, one for each character. Never raises."""
    try:
        return raw.decode("iso2022_jp")
    except UnicodeDecodeError:
        return _lenient(raw)


def _lenient(raw: bytes) -> str:
    text: list[str] = []
    state, position = b"(B", 0
    for shift in _SHIFT.finditer(raw):
        text.append(_run(raw[position : shift.start()], state))
        position = shift.end()
        if shift[0] in b"\r\n":
            text.append(shift[0].decode())
        state = _next_state(shift[0], state)
    text.append(_run(raw[position:], state))
    return "".join(text)


def _next_state(shift: bytes, state: bytes) -> bytes:
    if shift == b"\x0e":
        return b"(I"
    if shift == b"\x1b&@":  # announces the revision of 1990; the set itself follows
        return state
    return shift[1:] if shift.startswith(b"\x1b") else b"(B"


def _run(raw: bytes, state: bytes) -> str:
    if not raw:
        return ""
    if state == b"(I":
        return raw.translate(_HIGH).decode("cp932", "replace")
    if state.startswith(b"$"):
        return _pairs(raw, *_PAIR_CODECS[state[-1:]])
    text = raw.decode("cp932", "replace")  # eight-bit kana and unescaped Shift_JIS between escapes
    return text.translate(_ROMAN) if state == b"(J" else text


def _pairs(raw: bytes, codec: str, prefix: bytes) -> str:
    if not prefix:
        try:
            return raw.translate(_HIGH).decode(codec)
        except UnicodeDecodeError:
            pass
    return "".join(_singly(raw, codec, prefix))


def _singly(raw: bytes, codec: str, prefix: bytes) -> list[str]:
    text, position = [], 0
    while position < len(raw):
        pair = raw[position : position + 2]
        if _PAIR.fullmatch(pair):
            text.append(_pair(pair, codec, prefix))
            position += 2
        else:  # a blank or an odd byte where a pair should be: shown as it is
            text.append(pair[:1].decode("latin-1"))
            position += 1
    return text


@lru_cache(maxsize=4_096)
def _pair(pair: bytes, codec: str, prefix: bytes) -> str:
    try:
        return (prefix + pair.translate(_HIGH)).decode(codec)
    except UnicodeDecodeError:
        return _shifted(pair[0] & 0x7F, pair[1] & 0x7F).decode("cp932", "replace")[:1]


def _shifted(row: int, cell: int) -> bytes:
    """Return the Shift_JIS form of a JIS pair, where the vendors' characters have their tables.

    Two rows share a lead byte; leads skip the half-width kana, trails skip DEL.
    """
    lead = (row - 0x21) // 2
    trail = cell - 0x21 + (0 if row % 2 else 94)
    return bytes(
        (
            lead + (0x81 if lead < _LEADS_BELOW_KANA else 0xC1),
            trail + (0x40 if trail < _TRAILS_BELOW_DEL else 0x41),
        )
    )
