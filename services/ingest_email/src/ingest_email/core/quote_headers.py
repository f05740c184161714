"""How mail programs introduce what they quote, in the languages that customers' programs speak.

Two kinds: an *attribution* ("On … wrote:") may be followed by an answer between the quoted lines; an
*embedded header* ("-----Original Message-----", 差出人: …) is followed by the old mail and nothing
else.
"""

import re
from collections.abc import Sequence

_MAX_ATTRIBUTION_LINES = 4
_MAX_ATTRIBUTION_CHARACTERS = 400
_MAX_HEADER_LINES = 12
_MAX_RULES = 3  # blank or ruled lines above a header
_FEWEST_HEADER_ROLES = 3

QUOTED = re.compile(r"\s{0,3}(?:[>＞]|[A-Za-z]{1,4}>)")

_DATE = (
    r"(?:\d{4}\s?[-/.年년]\s?\d{1,2}\s?[-/.月월]\s?\d{1,2}[日일]?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|\d{1,2}\.?\s(?:de\s)?[^\W\d]{3,12}\.?,?\s(?:de\s)?\d{4}"
    r"|[^\W\d]{3,9}\.?\s\d{1,2},?\s\d{4})"
)
_WROTE = (
    r"(?:wrote|writes|schrieb|a écrit|escribi[oó]|ha scritto|escreveu|schreef|geschreven|skrev|kirjoitti"
    r"|napisał(?:\(a\)|a)?|napsala?|написала?|пише[т]?|yazdı|írta|a scris"
    r"|写道|寫道|님이 작성|님이 쓴 글|さん(?:は|が)書きました|さん(?:は|が)書いた)"
)
_HAS_DATE = re.compile(_DATE)
_HAS_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_VERB = re.compile(rf".{{0,300}}{_WROTE}.{{0,80}}[:：]$", re.IGNORECASE)
_DATED = re.compile(rf"\W{{0,3}}.{{0,20}}{_DATE}.{{0,300}}[^\s<>@]+@[^\s<>@]+[>)）]?\s?[:：]$")
_OLD_GMAIL = re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d{1,2}:?\d\d\s.{0,300}$")
_JAPANESE = re.compile(
    rf"(?:.{{0,60}}{_DATE}.{{0,300}}(?:のメール|のメッセージ|さんより|様より|さんから|様から)"
    r"|.{0,200}[^\s<>@]+@[^\s<>@]+.{0,60}のメール)\s?[:：]$"
)
_OPENING = re.compile(
    r"\W{0,3}(?:On|At|Am|Le|El|Il|Em|Op|Den|Dnia|Dne|W dniu|Den|In message|在|於|于)\b"
    rf"|\W{{0,3}}{_DATE}|\W{{0,3}}[^\W\d]{{2,12}}\.?,\s.{{0,20}}\d|.{{0,100}}<|.{{0,100}}[^\s<>@]+@[^\s<>@]+",
    re.IGNORECASE,
)
_WEAK = re.compile(rf"\S.{{0,80}}{_WROTE}.{{0,40}}[:：]$", re.IGNORECASE)

_RULE = r"[-_=*~ー―─━－＝＿]{2,80}"
_EMBEDDED = re.compile(
    rf"[\s*]{{0,4}}{_RULE}\s{{0,4}}(?:begin )?(?:"
    r"original[ -]?(?:message|mail|nachricht|e-?mail|appointment)|reply message|ursprüngliche (?:nachricht|e-mail)"
    r"|message (?:d['’]origine|original|transféré|initial)|mensaje (?:original|reenviado)"
    r"|messaggio (?:originale|inoltrato)|mensagem (?:original|encaminhada)|mensagem encaminhada"
    r"|(?:oorspronkelijk|doorgestuurd) bericht|(?:ursprungligt|vidarebefordrat) meddelande"
    r"|(?:wiadomość oryginalna|oryginalna wiadomość|wiadomość przekazana)"
    r"|(?:исходное|пересылаемое) сообщение|forwarded (?:message|mail|by).{0,80}|weitergeleitete nachricht"
    r"|.{1,60}さんが書きました|元の(?:メッセージ|メール)|返信元(?:の)?(?:メッセージ|メール)|受信(?:した)?メール|(?:引用)?元メール"
    r"|転送(?:された)?(?:メッセージ|メール)|原始(?:邮件|郵件)(?:信息)?|(?:转发|轉寄)(?:邮件|郵件|的郵件)(?:信息)?"
    r"|원본 ?(?:메일|메시지)|전달된 ?메시지"
    rf")\s{{0,4}}(?:{_RULE})?[\s*]{{0,4}}$"
    r"|\s{0,4}(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)"
    r"|début du message (?:réexpédié|transféré)|inizio messaggio inoltrato|inicio del mensaje reenviado"
    r"|início da mensagem (?:re)?encaminhada|転送されたメッセージ|以下は転送されたメッセージです|下面是被转发的邮件"
    r")\s?[:：]?$",
    re.IGNORECASE,
)
_LABELS = {
    "from": r"from|差出人|送信者|発信者|von|de|da|van|från|fra|od|от|发件人|寄件者|寄件人|보낸 ?사람",
    "sent": (
        r"sent|date|送信日時|日時|日付|送信日|受信日時|gesendet|datum|envoyé|enviado(?: el| em)?|fecha|data|inviato"
        r"|verzonden|skickat|sendt|dato|wysłano|отправлено|дата|发送时间|发送日期|日期|寄件日期|보낸 ?날짜|날짜"
    ),
    "to": (
        r"to|宛先|送信先|an|à|para|a|aan|till|til|do|кому|收件人|收件者|받는 ?사람|cc|ｃｃ|copie|kopie|抄送|副本|참조"
    ),
    "subject": (
        r"subject|件名|題名|タイトル|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|temat|тема|主题|主題|主旨|제목"
    ),
    "other": r"reply-to|importance|attachments?|返信先|添付ファイル|重要度|sender|organization",
}
_LABELLED = re.compile(
    r"[\s*]{0,4}(?:"
    + "|".join(f"(?P<{role}>{names})" for role, names in _LABELS.items())
    + r")\s{0,3}\**\s?[:：]\**(?:\s|$|\S)",
    re.IGNORECASE,
)
_ONLY_RULE = re.compile(r"[-_=*~ー―─━－＝＿\s]{3,}$|\s*$")


def attribution_end(lines: Sequence[str], start: int) -> int | None:
    """Return where the attribution that begins at line `start` ends (exclusive), or None.

    Mail programs wrap it: it may take up to four lines.
    """
    joined = ""
    for end in range(start + 1, min(start + _MAX_ATTRIBUTION_LINES, len(lines)) + 1):
        line = lines[end - 1].strip()
        if not line or QUOTED.match(line):
            return None
        joined = f"{joined} {line}".strip()
        if len(joined) > _MAX_ATTRIBUTION_CHARACTERS or not _OPENING.match(joined):
            break
        if _is_attribution(joined):
            return end
    is_weak = _WEAK.match(lines[start].strip()) and _only_quotes_next(lines, start + 1)
    return start + 1 if is_weak else None


def embedded_header_end(lines: Sequence[str], start: int) -> int | None:
    """Return where the header of an old mail that begins at line `start` ends (exclusive), or None."""
    position = start
    while position < min(len(lines), start + _MAX_RULES) and _ONLY_RULE.match(lines[position]):
        position += 1
    if position < len(lines) and _EMBEDDED.match(lines[position]):
        return _labels_end(lines, position + 1)[0]
    end, roles = _labels_end(lines, position)
    is_header = "from" in roles and len(roles) >= _FEWEST_HEADER_ROLES
    return end if is_header else None


def _is_attribution(text: str) -> bool:
    if _OLD_GMAIL.match(text):
        return True
    if not text.endswith((":", "：")):
        return False
    if _VERB.match(text) and (_HAS_DATE.search(text) or _HAS_ADDRESS.search(text)):
        return True
    return bool(_DATED.match(text) or _JAPANESE.match(text))


def _only_quotes_next(lines: Sequence[str], start: int) -> bool:
    """Whether a quoted line follows, or nothing: then a quote was there and is off already."""
    following = next((line for line in lines[start:] if line.strip()), None)
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
        elif not lines[position].strip() and roles:
            break
        else:
            gap += 1
        if gap > 1:
            break
    return end, roles
