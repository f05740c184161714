"""Content-Transfer-Encoding (RFC 2045 §6), read as leniently as mail programs do."""

import binascii
import re

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_ALPHABET) - {ord("=")})
_WHITE = b" \t\r\n"
_PIECES = re.compile(rb"(?:[A-Za-z0-9+/=]{4}|[ \t]*\r?\n)*[ \t]*")
_UU_NAMES = frozenset(("x-uuencode", "uuencode", "x-uue", "uue"))
_MAX_PIECES = 10_000
_MAX_UU_LINES = 570_000  # a full mail of lines of the usual length
_MAX_GARBAGE = 0.1
_PROBE_BYTES = 4_096


def decode_transfer(raw: bytes, encoding: str) -> bytes:
    """Return a part's bytes. What does not look like its label is returned as it is. Never raises."""
    name = encoding.partition(";")[0].strip().casefold()
    if name == "base64":
        return decode_base64(raw) if _looks_like_base64(raw) else raw
    if name in ("quoted-printable", "quoted_printable", "qp"):
        return binascii.a2b_qp(raw)
    if name in _UU_NAMES:
        return decode_uu(raw) or (b"" if b"\nend" in raw else raw)
    return raw


def decode_base64(raw: bytes) -> bytes:
    """Return the bytes of base64 with stray characters, missing padding or several padded pieces.

    Text after the padding that is no base64 (a mailing list's footer) is left out.
    """
    compact = raw.translate(None, _NOT_BASE64)
    head, padding, _ = compact.partition(b"=")
    if not padding or not compact[len(head) :].strip(b"="):
        return _unpadded(head)
    if not _goes_on(raw.partition(b"=")[2].lstrip(b"=")):
        return _unpadded(head)
    pieces = re.split(rb"=+", compact, maxsplit=_MAX_PIECES)
    return b"".join(_unpadded(piece) for piece in pieces)


def _goes_on(tail: bytes) -> bool:
    """Whether what follows padding is another piece of base64."""
    if len(tail) > _PROBE_BYTES:
        tail = tail[:_PROBE_BYTES].rpartition(b"\n")[0]
    return bool(_PIECES.fullmatch(tail))


def _unpadded(piece: bytes) -> bytes:
    rest = len(piece) % 4
    if rest == 1:  # six bits are no byte: cut off in transit
        piece, rest = piece[:-1], 0
    return binascii.a2b_base64(piece + b"=" * (-rest % 4))


def _looks_like_base64(raw: bytes) -> bool:
    """Whether the beginning could be base64: prose under that label has blanks and points."""
    probe = raw[:_PROBE_BYTES].translate(None, b"\r\n\t")
    garbage = len(probe) - len(probe.translate(None, _NOT_BASE64))
    return garbage <= len(probe.strip(_WHITE)) * _MAX_GARBAGE


def decode_uu(raw: bytes) -> bytes:
    """Return the file in a uuencoded block; a broken line is left out."""
    decoded: list[bytes] = []
    for line in raw.split(b"\n", _MAX_UU_LINES)[:_MAX_UU_LINES]:
        content = line.strip()
        if content == b"end":
            break
        if content and not content.startswith((b"begin ", b"`")):
            decoded.append(_uu_line(line))
    return b"".join(decoded)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    try:  # some encoders write more characters than the count says
        return binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3])
    except (binascii.Error, IndexError):
        return b""
