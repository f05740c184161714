"""What mail programs and habits put under a text: signatures, rules, `iPhoneから送信`."""

import re
from collections.abc import Sequence

_MAX_LINES = 20
_MAX_RULED_LINES = 14
_FEW_LINES = 2

_MARK = re.compile(r"\s*(?:--|—|–)\s*$")
_RULE = re.compile(r"\s*([-_=*#~+.・･ー―─━═－＝＿～〜◆◇■□●○★☆※♪♢♦/\\|^:；;＊＋]\s?){4,}$")
_LOW_RULE = re.compile(r"\s*_{4,}\s*$")
_DELIMITER = re.compile(r"\s*(?:[-_=*#~+]{2,}|ᐧ)\s*$")
_FOOTER = re.compile(
    r"\W{0,4}(?:"
    r".{0,40}(?:から(?:の)?送信(?:しました|されました|しています)?|にて送信|で送信しました)\W{0,3}"
    r"|(?:sent|get|download|envoyé|enviado|inviato|gesendet|verzonden|verstuurd|skickat|wysłane|sendt|отправлено)"
    r"\s(?:from|via|with|using|outlook|yahoo|de(?:puis)?|desde|do|da|dal|mit|von|vanaf|från|z|fra|с|из)\b.{0,100}"
    r"|(?:von|diese nachricht wurde).{0,60}gesendet\W?"
    r"|(?:iOS|Android|Windows)\s?版の?\s?(?:Outlook|メール).{0,80}"
    r"|\[?Outlook (?:for|pour|para) (?:iOS|Android)\]?.{0,80}"
    r"|Yahoo!メール(?:アプリ|\s-\s).{0,80}"
    r"|发自我的\s?\S{1,20}.{0,20}|發自我的\s?\S{1,20}.{0,20}|나의 \S{1,20}에서 보냄"
    r")$",
    re.IGNORECASE,
)
_EVIDENCE = re.compile(
    r"@|https?://|www\.|\bTEL\b|\bFAX\b|\bMobile?\b|\bPhone\b|電話|携帯|ＴＥＬ|ＦＡＸ|内線|直通|℡|☎"
    r"|〒|株式会社|有限会社|合同会社|\(株\)|（株）|㈱|\d{2,4}[-−‐()（）]\d{2,4}[-−‐()（）]\d{3,4}|e-?mail",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[。！？!?]\s*$|(?:です|ます|ました|ません|ください|下さい)\s*$")


def without_tail(lines: Sequence[str], quoted: re.Pattern[str]) -> int:
    """Return how many lines are left once signature, footers, rules and a trailing quote are off."""
    end = len(lines)
    while True:
        shorter = _shorter(lines, end, quoted)
        if shorter == end:
            return end
        end = shorter


def _shorter(lines: Sequence[str], end: int, quoted: re.Pattern[str]) -> int:
    while end and _is_dispensable(lines[end - 1], quoted):
        end -= 1
    first = max(0, end - _MAX_LINES)
    for start in range(first, end):
        if _begins_signature(lines[start:end], quoted):
            return start
    return end


def _is_dispensable(line: str, quoted: re.Pattern[str]) -> bool:
    return not line.strip() or any(rule.match(line) for rule in (quoted, _DELIMITER, _FOOTER))


def _begins_signature(block: Sequence[str], quoted: re.Pattern[str]) -> bool:
    """Whether the lines up to the end are a signature: after `--`, or after a rule with proof.

    Quoted lines in it show that somebody answered below the signature.
    """
    if _MARK.match(block[0]):
        return not any(quoted.match(line) for line in block)
    if not _RULE.match(block[0]):
        return False
    content = [line for line in block if line.strip() and not _RULE.match(line)]
    if len(block) > _MAX_RULED_LINES or any(_SENTENCE.search(line) for line in content):
        return bool(_LOW_RULE.match(block[0])) and len(content) < _FEW_LINES
    return any(_EVIDENCE.search(line) for line in content) or (
        bool(_LOW_RULE.match(block[0])) and len(content) < _FEW_LINES
    )
