"""Which charset bytes are in when nobody says so: by what their characters would be.

A statistical detector needs a page of text; a subject or a file name is a few words. East Asian
text is recognised by its most frequent characters, and the detector is asked about the rest.
"""

import codecs
import re

from charset_normalizer import from_bytes

from ingest_email.core.japanese import decode_iso_2022_jp, has_escape

_SAMPLE_BYTES = 8_192
_HIGH = bytes(range(0x80, 0x100))
_ENOUGH_TO_GUESS = 12  # bytes that are not ASCII; with fewer, Western European is the best guess
_ELSEWHERE = [
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp874"),
]
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")

_KANA = "[\u3041-\u3096\u30a1-\u30fa\u30fc]"
_FREQUENT = {
    "cp932": re.compile(_KANA),
    "euc_jp": re.compile(_KANA),
    "gb18030": re.compile(
        "[的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
        "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心您请谢订单货问题]"
    ),
    "big5hkscs": re.compile(
        "[的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡"
        "用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心您請謝訂單貨問題]"
    ),
    "cp949": re.compile(
        "[이다는에의을가고하지기은들한로리나어사그아시도인있것서자보를일대정해수라안세주니까요으습합구해제문의"
        "감사드립스여성무부상원과만장전오신요게면우조동선마내와려없비습녕]"
    ),
}
_ODD = re.compile("[\uff61-\uff9f\ue000-\uf8ff\u0370-\u04ff\u2500-\u257f]")
_LEAST_SHARE = 0.12
_CERTAIN_SHARE = 0.3
_VENDORS = re.compile("[\u2160-\u2169\u2460-\u2473\u2116\u2121\u3231-\u33cd髙﨑濵～－]")
_SYMBOLS_OR_LEVEL_1 = re.compile(rb"(?:[\xb0-\xcf\xa1-\xa3][\xa1-\xfe])+")
_KANJI = re.compile("[\u4e00-\u9fff]")
_CYRILLIC_WORD = re.compile(rb"[\xc0-\xff]{4,}")  # no Western word has four accents in a row
_LOWER_CASE_IN_KOI8 = bytes(range(0xC0, 0xE0))


def decode_unlabelled(raw: bytes) -> str:
    """Return the text of bytes whose charset is not known. Never raises."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    if has_escape(raw):
        return raw.decode("iso2022_kr", "replace") if is_korean(raw) else decode_iso_2022_jp(raw)
    codec = _east_asian(raw) or _western(raw)
    return raw.decode(codec, "replace")


def is_korean(raw: bytes) -> bool:
    """Whether escapes announce ISO-2022-KR."""
    return b"\x1b$)C" in raw


def foreign_bytes(raw: bytes) -> int:
    """Return how many bytes at the beginning are not ASCII."""
    sample = raw[:_SAMPLE_BYTES]
    return len(sample) - len(sample.translate(None, _HIGH))


def fits_better(raw: bytes, codec: str) -> str | None:
    """Return an East Asian codec for bytes that are wrong under the one declared, or None.

    It reads all of them, and as more frequent characters than the declared one reads.
    """
    frequent = _FREQUENT.get(codec.replace("-", "_"))
    if frequent is None:
        return None
    declared = _share(raw[:_SAMPLE_BYTES].decode(codec, "replace"), frequent)
    best, share = _most_frequent(_samples(raw))
    return best if share >= max(declared, _LEAST_SHARE) else None


def japanese_under_a_western_label(raw: bytes) -> str | None:
    """Return cp932 or euc_jp where the bytes are kana so often that nothing else can be meant."""
    if foreign_bytes(raw) < _ENOUGH_TO_GUESS:
        return None
    best, share = _most_frequent(_samples(raw))
    return best if best in ("cp932", "euc_jp") and share >= _CERTAIN_SHARE else None


def _samples(raw: bytes) -> dict[str, str]:
    return {codec: text for codec in _FREQUENT if (text := _strict_sample(raw, codec))}


def _most_frequent(samples: dict[str, str]) -> tuple[str, float]:
    shares = {codec: _share(text, _FREQUENT[codec]) for codec, text in samples.items()}
    best = max(shares, key=lambda codec: shares[codec], default="")
    return best, shares.get(best, 0.0)


def _east_asian(raw: bytes) -> str | None:
    samples = _samples(raw)
    best, share = _most_frequent(samples)
    if share >= _LEAST_SHARE:
        return best
    kanji = (codec for codec in ("cp932", "euc_jp") if _is_common_kanji(samples.get(codec, "")))
    return next(kanji, None)


def _strict_sample(raw: bytes, codec: str) -> str | None:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        return decoder.decode(raw[:_SAMPLE_BYTES], final=len(raw) <= _SAMPLE_BYTES)
    except UnicodeDecodeError:
        return None


def _share(text: str, frequent: re.Pattern[str]) -> float:
    """Return how much of what is not ASCII a language uses all the time, less what none uses."""
    foreign = sum(1 for character in text if character > "\x7f")
    return (len(frequent.findall(text)) - len(_ODD.findall(text))) / max(1, foreign)


def _is_common_kanji(text: str) -> bool:
    """Whether there is nothing but daily kanji (JIS X 0208 level 1): a name, a subject, a file."""
    foreign = "".join(character for character in _VENDORS.sub("", text) if character > "\x7f")
    encoded = foreign.encode("euc_jp", "replace")
    return bool(_KANJI.search(foreign) and _SYMBOLS_OR_LEVEL_1.fullmatch(encoded))


def _western(raw: bytes) -> str:
    if foreign_bytes(raw) >= _ENOUGH_TO_GUESS:
        best = from_bytes(raw[:_SAMPLE_BYTES], cp_isolation=_ELSEWHERE).best()
        if best and _strict_sample(raw, best.encoding) is not None:
            return best.encoding
    if not _UNDEFINED_IN_CP1252.search(raw) and (word := _CYRILLIC_WORD.search(raw)):
        upper_in_cp1251 = len(word[0]) - len(word[0].translate(None, _LOWER_CASE_IN_KOI8))
        return "koi8-r" if 2 * upper_in_cp1251 > len(word[0]) else "cp1251"
    return "latin-1" if _UNDEFINED_IN_CP1252.search(raw) else "cp1252"
