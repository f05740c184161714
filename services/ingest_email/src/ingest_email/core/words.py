"""Encoded words in headers (RFC 2047), with the ways in which real mail breaks the rule."""

import binascii
import re
from collections.abc import Iterator
from itertools import groupby

from ingest_email.core.charsets import canonical, decode
from ingest_email.core.transfer import decode_base64

# An encoded word may be longer than the 75 characters allowed, hold blanks or question marks, or
# carry a language tag (RFC 2231 §5).
_OPENING = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?")
_CLOSING = "?="


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
    for opening, end in _words(text):
        between = text[position : opening.start()]
        if between.strip() or (between and not pieces):
            pieces.append((None, between))
        label = opening[1].casefold()
        raw = _payload(opening[2], text[opening.end() : end])
        pieces.append((canonical(label) or label, raw))
        position = end + len(_CLOSING)
    pieces.append((None, text[position:]))
    return pieces


def _words(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Yield the opening of each word and where its content ends; linear however it is nested."""
    openings = list(_OPENING.finditer(text))
    next_starts = [*(opening.start() for opening in openings[1:]), len(text)]
    end = 0
    for opening, next_start in zip(openings, next_starts, strict=False):
        if end < opening.end():
            end = text.find(_CLOSING, opening.end())
        if end < 0:
            return
        if end <= next_start:
            yield opening, end


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
