"""From bytes to text: what the mail says about its charset, and what is true instead.

Labels are wrong in known ways (Shift_JIS means CP932, us-ascii means "I did not look"), so a label
is a first guess that the bytes may refute.
"""

import codecs
import re

from charset_normalizer import from_bytes

from ingest_email.core.japanese import decode_iso_2022_jp, has_escape

_SAMPLE_BYTES = 8_192  # enough to recognise a charset; the detector's cost grows with it
_FEW_ERRORS = 0.05
_ENOUGH_TO_GUESS = 12  # bytes that are not ASCII; with fewer, Western European is the best guess
_ELSEWHERE = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp874"),
    *("gb18030", "big5hkscs", "cp949"),
]
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")

ISO_2022_JP = "iso-2022-jp"
_UNKNOWN = frozenset(
    ("", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "x-unknown", "unknown", "binary")
    + ("8bit", "7bit", "default", "none", "iso646-us", "x-user-defined", "default_charset"),
)
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
_ISO_2022_JP_NAME = re.compile(r"(?:cs)?(?:x-)?iso-?2022-?jp.*|cp5022[0-2]|jis|x-jis|jis7")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc]")
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_RARE = re.compile("[\ue000-\uf8ff\u0370-\u04ff\u2500-\u257f]")


def decode(raw: bytes, label: str = "", hint: str = "") -> str:
    """Return the text of `raw`. Never raises.

    `label` is the charset that the mail declares for these bytes, `hint` one that it uses elsewhere.
    U+FFFD appears only where the bytes are wrong under every charset that fits the rest.
    """
    charset = canonical(label)
    if charset == ISO_2022_JP and raw.isascii():
        return decode_iso_2022_jp(raw)
    for candidate in (charset, canonical(hint)):
        text = _strictly(raw, candidate)
        if text is not None:
            return text
    return _mostly(raw, charset) or _detected(raw)


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
    return name if is_text else ""


def _strictly(raw: bytes, charset: str) -> str | None:
    if charset in ("", ISO_2022_JP) or (has_escape(raw) and raw.isascii()):
        return None
    try:
        return raw.decode(charset)
    except (UnicodeError, ValueError):
        return raw.decode("euc_jis_2004") if _is_jis_2004(raw, charset) else None


def _is_jis_2004(raw: bytes, charset: str) -> bool:
    if charset != "euc-jp":
        return False
    try:
        raw.decode("euc_jis_2004")
    except UnicodeDecodeError:
        return False
    return True


def _mostly(raw: bytes, charset: str) -> str | None:
    """Return the text where only a few bytes contradict the label: a cut or patched mail."""
    charset = charset or "utf-8"
    if charset in (ISO_2022_JP, "cp1252"):
        return None
    text = raw.decode(charset, "replace")
    wrong = text.count("\ufffd")
    foreign = sum(1 for byte in raw[:_SAMPLE_BYTES] if byte >= 0x80)
    return text if wrong <= max(1, foreign * _FEW_ERRORS) and foreign > wrong * 4 else None


def _detected(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if has_escape(raw):
        return raw.decode("iso2022_kr", "replace") if b"\x1b$)C" in raw else decode_iso_2022_jp(raw)
    return text or _japanese(raw) or _european(raw)


def _japanese(raw: bytes) -> str | None:
    """Return the text if it reads as Japanese in CP932 or EUC-JP, the better of both."""
    scored = [
        (_japanese_score(sample), codec)
        for codec in ("cp932", "euc_jp")
        if (sample := _strict_sample(raw, codec)) is not None
    ]
    score, codec = max(scored, default=(0.0, ""))
    return raw.decode(codec, "replace") if score > 0 else None


def _strict_sample(raw: bytes, codec: str) -> str | None:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        return decoder.decode(raw[:_SAMPLE_BYTES], final=len(raw) <= _SAMPLE_BYTES)
    except UnicodeDecodeError:
        return None


def _japanese_score(text: str) -> float:
    """Return how Japanese a text reads, per character that is not ASCII; 0 or less is not.

    Kana is proof; common kanji alone (a file name, a subject) still is a hint; half-width kana in
    quantity is what EUC and Latin letters look like in CP932.
    """
    foreign = [character for character in text if character > "\x7f"]
    common = sum(1 for character in foreign if _is_common_kanji(character))
    kana, half, rare = (len(rule.findall(text)) for rule in (_KANA, _HALF_WIDTH, _RARE))
    others = len(foreign) - common - kana - half
    return (2 * kana + common - half - 3 * rare - 0.5 * others) / max(1, len(foreign))


def _is_common_kanji(character: str) -> bool:
    """Whether JIS X 0208 counts it to level 1 (rows 16 to 47), the kanji in daily use."""
    encoded = character.encode("euc_jp", "ignore")
    return len(encoded) == 2 and 0xB0 <= encoded[0] <= 0xCF


def _european(raw: bytes) -> str:
    foreign = sum(1 for byte in raw[:_SAMPLE_BYTES] if byte >= 0x80)
    if foreign >= _ENOUGH_TO_GUESS:
        best = from_bytes(raw[:_SAMPLE_BYTES], cp_isolation=_ELSEWHERE).best()
        text = _strictly(raw, best.encoding) if best else None
        if text is not None:
            return text
    return raw.decode("latin-1" if _UNDEFINED_IN_CP1252.search(raw) else "cp1252")
