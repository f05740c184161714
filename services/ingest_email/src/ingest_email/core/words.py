"""Encoded words in headers (RFC 2047), with the ways in which real mail breaks the rule."""

import binascii
import re
from itertools import groupby

from ingest_email.core.charsets import canonical, decode
from ingest_email.core.transfer import decode_base64

# An encoded word may be longer than the 75 characters allowed, hold blanks, or carry a language tag
# (RFC 2231 §5). The bound keeps a header full of openings from costing more than its length.
_WORD = re.compile(
    r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?((?:[^?]|\?(?!=)){0,4000}?)\?="
)


def decode_header(raw: bytes, hint: str = "") -> str:
    """Return a header's text: raw bytes in any charset, encoded words decoded. Never raises.

    `hint` is a charset that the mail declares elsewhere, for header bytes that declare none.
    """
    return decode_words(decode(raw, "", hint), hint)


def decode_words(text: str, hint: str = "") -> str:
    """Return text with its encoded words decoded.

    Neighbouring words of one charset are joined before decoding, because senders split characters
    and ISO-2022-JP escapes between them; blanks between two words do not count (RFC 2047 §6.2).
    """
    if "=?" not in text:
        return text
    pieces = _pieces(text)
    grouped = groupby(pieces, key=lambda piece: piece[0])
    return "".join(_joined(charset, [raw for _, raw in run], hint) for charset, run in grouped)


def _pieces(text: str) -> list[tuple[str | None, str | bytes]]:
    """Return (charset, bytes) of each word and (None, text) of what stands between."""
    pieces: list[tuple[str | None, str | bytes]] = []
    position = 0
    for word in _WORD.finditer(text):
        between = text[position : word.start()]
        if between.strip() or (between and not pieces):
            pieces.append((None, between))
        label = word[1].casefold()
        pieces.append((canonical(label) or label, _payload(word[2], word[3])))
        position = word.end()
    pieces.append((None, text[position:]))
    return pieces


def _joined(charset: str | None, run: list[str | bytes], hint: str) -> str:
    if charset is None:
        return "".join(piece for piece in run if isinstance(piece, str))
    raw = b"".join(piece for piece in run if isinstance(piece, bytes))
    return decode(raw, charset, hint)


def _payload(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return decode_base64(raw)
    return binascii.a2b_qp(raw, header=True)
