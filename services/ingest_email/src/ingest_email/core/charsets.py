"""From bytes to text: what the mail says about its charset, and what is true instead.

Labels are wrong in known ways (Shift_JIS means CP932, us-ascii means "I did not look"), so a label
is a first guess that the bytes may refute.
"""

import codecs
import re

from ingest_email.core.detection import (
    decode_unlabelled,
    fits_better,
    foreign_bytes,
    is_korean,
    japanese_under_a_western_label,
)
from ingest_email.core.japanese import decode_iso_2022_jp, has_escape

ISO_2022_JP = "iso-2022-jp"

_FEW_ERRORS = 0.05
_ENOUGH_FOR_PROOF = 12  # bytes that are not ASCII: so many are no valid UTF-8 by chance
_UNKNOWN = frozenset(
    [
        "us-ascii",
        "ascii",
        "ansi_x3.4-1968",
        "iso646-us",
        "7bit",
        "8bit",
        "binary",
        "default",
        "default_charset",
        "none",
        "unknown",
        "unknown-8bit",
        "x-unknown",
        "x-user-defined",
    ],
) | {""}
_ALIASES = {
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "x-shift-jis": "cp932",
    "x-ms-cp932": "cp932",
    "ms_kanji": "cp932",
    "ms932": "cp932",
    "cswindows31j": "cp932",
    "windows-31j": "cp932",
    "windows-932": "cp932",
    "x-sjis-cp932": "cp932",
    "x-euc-jp": "euc-jp",
    "eucjp": "euc-jp",
    "ujis": "euc-jp",
    "eucjp-ms": "euc-jp",
    "cp51932": "euc-jp",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "gb18030": "gb18030",
    "x-big5": "big5hkscs",
    "big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "ks_c_5601-1989": "cp949",
    "korean": "cp949",
    "euc-kr": "cp949",
    "x-windows-949": "cp949",
    "windows-949": "cp949",
    "iso-8859-1": "cp1252",  # as every browser reads it (WHATWG Encoding)
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-11": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "macintosh": "mac-roman",
    "x-mac-roman": "mac-roman",
    "x-mac-japanese": "cp932",
    "x-mac-cyrillic": "mac-cyrillic",
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "x-utf-7": "utf-7",
}
_NO_CHARSETS = frozenset(  # of Python's own, which raise, or take long
    ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")
)
_ISO_2022_JP_NAME = re.compile(r"(?:cs)?(?:x-)?iso-?2022-?jp.*|cp5022[0-2]|jis|x-jis|jis7")
_WIDE = ("utf-16", "utf16", "utf-32", "utf32")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UPPER_HALVES = re.compile(rb"[\x00\x30\xff]")  # ASCII, kana, full width
_LEAST_UPPER_HALVES = 0.4
_SAMPLE_BYTES = 8_192
_STATEFUL = re.compile(r"utf-?7|hz.*|iso-?2022.*")


def decode(raw: bytes, label: str = "", hint: str = "") -> str:
    """Return the text of `raw`. Never raises.

    `label` is the charset that the mail declares for these bytes, `hint` one that it uses elsewhere.
    U+FFFD appears only where the bytes are wrong under every charset that fits the rest.
    """
    charset = canonical(label)
    if charset == ISO_2022_JP and raw.isascii() and not is_korean(raw):
        return decode_iso_2022_jp(raw)
    for candidate in _candidates(raw, charset, canonical(hint)):
        text = _strictly(raw, candidate)
        if text is not None:
            return text
    better = fits_better(raw, charset)
    if better:
        return raw.decode(better, "replace")
    return _mostly(raw, charset) or decode_unlabelled(raw)


def canonical(label: str) -> str:
    """Return the codec to try first for a label: `` where it says nothing that could be tried."""
    name = label.strip(" \t\"'<>;").casefold()
    if name in _UNKNOWN:
        return ""
    if _ISO_2022_JP_NAME.fullmatch(name):
        return ISO_2022_JP
    name = _ALIASES.get(name, name)
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):  # a NUL or a non-ASCII letter in the name
        return ""
    is_text = codec._is_text_encoding  # noqa: SLF001 - `zlib` is a codec too; nothing public tells
    return name if is_text and codec.name not in _NO_CHARSETS else ""


def _candidates(raw: bytes, charset: str, hint: str) -> tuple[str, ...]:
    """Return the codecs to try strictly, in turn.

    What is valid UTF-8 and not ASCII is UTF-8, whatever the label says: one accented letter is proof
    against a single-byte label, a few words are against any other.
    """
    if charset.startswith(_WIDE):
        return _wide(raw, charset)
    if raw.startswith(_BYTE_ORDER_MARKS):
        return "utf-16", "utf-8", charset
    if not charset:
        return (_byte_order(raw), "utf-8", hint) if _is_utf_16(raw) else ("utf-8", hint)
    if charset == "cp1252" and (japanese := japanese_under_a_western_label(raw)):
        return "utf-8", japanese
    is_proof = foreign_bytes(raw) >= _ENOUGH_FOR_PROOF or _is_single_byte(charset)
    if is_proof and not _STATEFUL.fullmatch(charset):
        return "utf-8", charset, hint
    return charset, "utf-8", hint


def _wide(raw: bytes, charset: str) -> tuple[str, ...]:
    """Return the codecs for UTF-16 and UTF-32: a label alone makes neither of what has no NUL."""
    if raw.startswith(_BYTE_ORDER_MARKS):
        return (charset,)
    named = (_byte_order(raw),) if raw and charset in ("utf-16", "utf16") else (charset,)
    return named if b"\x00" in raw else ("utf-8", *named)


def _byte_order(raw: bytes) -> str:
    """Return which UTF-16 it is without a mark: ASCII, kana and kanji have few upper halves."""
    first, second = _upper_halves(raw)
    return "utf-16-be" if first > second else "utf-16-le"


def _upper_halves(raw: bytes) -> tuple[float, float]:
    """Return which share of the bytes in even and in odd places could be upper halves."""
    sample = raw[:_SAMPLE_BYTES]
    first, second = (len(_UPPER_HALVES.findall(sample[at::2])) for at in (0, 1))
    return 2 * first / len(sample), 2 * second / len(sample)


def _is_utf_16(raw: bytes) -> bool:
    """Whether NUL is in even or in odd places alone, and most bytes there could be upper halves."""
    if len(raw) % 2 or (b"\x00" in raw[::2]) == (b"\x00" in raw[1::2]):
        return False
    return max(_upper_halves(raw)) >= _LEAST_UPPER_HALVES


def _is_single_byte(charset: str) -> bool:
    return charset.startswith(("cp125", "iso-8859", "iso8859", "koi8", "mac", "cp874"))


def _strictly(raw: bytes, charset: str) -> str | None:
    if charset in ("", ISO_2022_JP) or (has_escape(raw) and raw.isascii()):
        return None
    codecs_in_turn = ("euc-jp", "euc_jis_2004") if charset == "euc-jp" else (charset,)
    for codec in codecs_in_turn:
        try:
            return raw.decode(codec)
        except (UnicodeError, ValueError):
            continue
    return None


def _mostly(raw: bytes, charset: str) -> str | None:
    """Return the text where only a few bytes contradict the label: a cut or patched mail."""
    charset = charset or "utf-8"
    if charset.startswith(_WIDE):
        return raw.decode(charset, "ignore")
    if charset in (ISO_2022_JP, "cp1252"):
        return None
    text = raw.decode(charset, "replace")
    wrong, foreign = text.count("\ufffd"), foreign_bytes(raw)
    return text if wrong <= max(1, foreign * _FEW_ERRORS) and foreign > wrong * 4 else None
