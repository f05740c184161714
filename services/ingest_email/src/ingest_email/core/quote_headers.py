"""How mail programs introduce what they quote, in the languages that customers' programs speak.

Two kinds: an *attribution* ("On … wrote:") may be followed by an answer between the quoted lines; an
*embedded header* ("-----Original Message-----", 差出人: …) is followed by the old mail and nothing
else.
"""

import re
from collections.abc import Sequence

from ingest_email.core.quote_words import FORWARDED, LABELS, OPENINGS, ORIGINALS, WROTE

MAX_ATTRIBUTION_LINES = 4
_MAX_ATTRIBUTION_CHARACTERS = 400
_MAX_HEADER_LINES = 12
_MAX_RULES = 3  # blank or ruled lines above a header
_FEWEST_HEADER_ROLES = 3

QUOTED = re.compile(r"\s{0,3}(?:[>＞]|[A-Za-z]{1,4}>)")

_DATE = (
    r"(?:\d{4}\s?[-/.年년]\s?\d{1,2}\s?[-/.月월]\s?\d{1,2}[日일]?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}-[^\W\d]{3,9}\.?-\d{4}|\d{1,2} tháng \d{1,2},? \d{4}"
    r"|\d{1,2}\.?\s(?:de\s)?[^\W\d]{3,12}\.?,?\s(?:de\s)?\d{4}"
    r"|[^\W\d]{3,9}\.?\s\d{1,2},?\s\d{4})"
)
_WROTE = f"(?:{'|'.join(WROTE)})"
_HAS_DATE = re.compile(_DATE)
_HAS_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_VERB = re.compile(rf".{{0,300}}{_WROTE}.{{0,80}}[:：]$", re.IGNORECASE)
_DATED = re.compile(rf"\W{{0,3}}.{{0,20}}{_DATE}.{{0,300}}[^\s<>@]+@[^\s<>@]+[>)）]?\s?[:：]$")
_OLD_GMAIL = re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d{1,2}:?\d\d\s.{0,300}$")
_JAPANESE = re.compile(
    rf"(?:.{{0,60}}{_DATE}.{{0,300}}(?:のメール|のメッセージ|さんより|様より|さんから|様から)"
    r"|.{0,200}[^\s<>@]+@[^\s<>@]+.{0,60}のメール)\s?[:：]$"
)
_OPENING_WORD = re.compile(rf"\W{{0,3}}(?:{'|'.join(OPENINGS)})\b", re.IGNORECASE)
_OPENING = re.compile(
    rf"{_OPENING_WORD.pattern}|\W{{0,3}}{_DATE}|\W{{0,3}}[^\W\d]{{2,12}}\.?,\s.{{0,20}}\d"
    r"|.{0,100}<$|.{0,100}[^\s<>@]+@[^\s<>@]+",
    re.IGNORECASE,
)
_SHARED = re.compile(r"\W*\w.{0,300}(?:\s|--)On\s(?:[A-Z][a-z]{2,8}\.?,\s|\d)")
_BARE = re.compile(rf"\W{{0,3}}{_DATE}.{{0,200}}<[^\s<>@]+@[^\s<>@]+>$")
_WEAK = re.compile(rf"\S.{{0,80}}{_WROTE}.{{0,40}}[:：]$", re.IGNORECASE)

_COLONS = (":", "：")

_RULE = r"[-_=*~ー―─━－＝＿]{2,80}"
_FORWARDED = re.compile(
    rf"[\s*]{{0,4}}{_RULE}\s{{0,4}}(?:{'|'.join(FORWARDED)})\s{{0,4}}(?:{_RULE})?[\s*]{{0,4}}$"
    rf"|\s{{0,4}}(?:{'|'.join(FORWARDED)})\s?[:：]$|\s{{0,4}}転送されたメッセージ$",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    rf"[\s*]{{0,4}}{_RULE}\s{{0,4}}(?:{'|'.join(ORIGINALS)})\s{{0,4}}(?:{_RULE})?[\s*]{{0,4}}$",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"[\s*]{0,4}(?:"
    + "|".join(f"(?P<{role}>{names})" for role, names in LABELS.items())
    + r")\s{0,3}\**\s?[:：]\**(?:\s|$|\S)",
    re.IGNORECASE,
)
_ONLY_RULE = re.compile(r"[-_=*~ー―─━－＝＿\s]{3,}$|\s*$")


def attribution_end(lines: Sequence[str], start: int) -> int | None:
    """Return where the attribution that begins at line `start` ends (exclusive), or None.

    Mail programs wrap it: it may take up to four lines.
    """
    taken: list[str] = []
    for end in range(start + 1, min(start + MAX_ATTRIBUTION_LINES, len(lines)) + 1):
        line = lines[end - 1].strip()
        if not line or QUOTED.match(line):
            return None
        taken.append(line)
        joined = " ".join(taken)
        if len(joined) > _MAX_ATTRIBUTION_CHARACTERS or not _OPENING.match(taken[0]):
            break
        if _is_attribution(joined):
            return None if _begins_later(taken) else end
    is_weak = taken and _is_weak(taken[0]) and _only_quotes_next(lines, start + 1)
    return start + 1 if is_weak else None


def next_line(lines: Sequence[str], start: int) -> str | None:
    """Return the first line from `start` on that is not blank."""
    return next(
        (lines[number] for number in range(start, len(lines)) if lines[number].strip()), None
    )


def is_forwarded(lines: Sequence[str]) -> bool:
    """Whether the text begins with words that introduce a forwarded mail."""
    return bool(_FORWARDED.match(next_line(lines, 0) or ""))


def embedded_header_end(lines: Sequence[str], start: int) -> int | None:
    """Return where the header of an old mail that begins at line `start` ends (exclusive), or None."""
    position = start
    while position < min(len(lines), start + _MAX_RULES) and _ONLY_RULE.match(lines[position]):
        position += 1
    introduction = lines[position] if position < len(lines) else ""
    if _FORWARDED.match(introduction) or _ORIGINAL.match(introduction):
        return _labels_end(lines, position + 1)[0]
    end, roles = _labels_end(lines, position)
    is_header = "from" in roles and len(roles) >= _FEWEST_HEADER_ROLES
    return end if is_header else None


def _is_attribution(text: str) -> bool:
    if _SHARED.match(text):  # with words of the answer: they are not to be lost
        return False
    if _OLD_GMAIL.match(text):
        return True
    if not text.endswith(_COLONS):
        return False
    if _VERB.match(text) and (_HAS_DATE.search(text) or _HAS_ADDRESS.search(text)):
        return True
    return bool(_DATED.match(text) or _JAPANESE.match(text))


def _begins_later(taken: Sequence[str]) -> bool:
    """Whether the first of the lines are words of the answer that stand right above it."""
    return any(
        _OPENING_WORD.match(taken[first]) and _is_attribution(" ".join(taken[first:]))
        for first in range(1, len(taken))
    )


def _is_weak(text: str) -> bool:
    # The last character first: few lines end so, and the rules are slow to say no.
    weak = _WEAK if text.endswith(_COLONS) else _BARE if text.endswith(">") else None
    return weak is not None and bool(weak.match(text)) and not _SHARED.match(text)


def _only_quotes_next(lines: Sequence[str], start: int) -> bool:
    """Whether a quoted line follows, or nothing: then a quote was there and is off already."""
    following = next_line(lines, start)
    return following is None or bool(QUOTED.match(following))


def _labels_end(lines: Sequence[str], start: int) -> tuple[int, set[str]]:
    """Return the end of a block of `Label: value` lines, wrapped values included, and its roles."""
    roles: set[str] = set()
    end, gap = start, 0
    for position in range(start, min(start + _MAX_HEADER_LINES, len(lines))):
        found = _LABELLED.match(lines[position])
        if found and found.lastgroup:
            roles.add(found.lastgroup)
            end, gap = position + 1, 0
        elif bool(lines[position].strip()) != bool(roles):  # own words above it, or a blank below
            break
        else:
            gap += 1
        if gap > 1:
            break
    return end, roles
