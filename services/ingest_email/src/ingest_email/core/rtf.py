"""RTF as Outlook compresses it ([MS-OXRTFCP])."""

from struct import unpack_from

# What the dictionary holds before the first byte ([MS-OXRTFCP] §2.1.2.1).
_PRELOADED = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_DICTIONARY_BYTES = 4_096
_HEADER_BYTES = 16
_MAX_BYTES = 2_000_000
_COMPRESSED, _PLAIN = b"LZFu", b"MELA"


def decompress_rtf(raw: bytes) -> bytes:
    """Return the RTF file, at most 2 MB, cut where the compressed bytes end or do not fit. Never raises."""
    if len(raw) < _HEADER_BYTES:
        return b""
    size, kind = min(unpack_from("<I", raw, 4)[0], _MAX_BYTES), raw[8:12]
    if kind == _PLAIN:
        return raw[_HEADER_BYTES : _HEADER_BYTES + size]
    return _expanded(raw, size) if kind == _COMPRESSED else b""


def _expanded(raw: bytes, size: int) -> bytes:
    """Return what the runs of eight tokens stand for: a byte, or a place in what was before."""
    out = bytearray(_PRELOADED)
    position, end = _HEADER_BYTES, len(_PRELOADED) + size
    while position < len(raw) and len(out) < end:
        control = raw[position]
        position += 1
        for bit in range(8):
            width = 1 + (control >> bit & 1)
            token = raw[position : position + width]
            position += width
            if len(token) < width or not _append(out, token):
                return bytes(out[len(_PRELOADED) : end])
    return bytes(out[len(_PRELOADED) : end])


def _append(out: bytearray, token: bytes) -> bool:
    """Append what a token stands for; false where it says that the file ends."""
    if len(token) == 1:
        out += token
        return True
    place, length = int.from_bytes(token, "big") >> 4, (token[1] & 0x0F) + 2
    distance = (len(out) - place) % _DICTIONARY_BYTES
    if not distance or distance > len(out):  # the place to be written next ends the file
        return False
    for _ in range(length):
        out.append(out[-distance])
    return True
