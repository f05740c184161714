"""Mail that no person wrote to us: answered never, each kind labelled for what it is."""

import re

from ingest_email.core.headers import Headers
from ingest_email.core.words import decode_header

LOOP_HOPS = 30  # more Received fields than any honest path has

_LIST_FIELDS = ("list-id", "list-unsubscribe", "list-post", "mailing-list")
_BULK = ("bulk", "list", "junk")
_RESPONDER_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-mail-autoreply",
)
_ABSENCE = re.compile(
    r"^\W*(?:(?:re|fw|fwd)\s*[:：]\s*)*(?:"
    r"auto(?:matic|mated|)[ -]?(?:reply|response|answer)|auto ?re(?:ply)?\b|autosvar|automatisch(?:e|es) (?:antwort|antwoord)"
    r"|out of (?:the )?office|vacation (?:reply|notice|message)|away from (?:my )?(?:e?mail|office)|on vacation"
    r"|abwesenheit|abwesend|réponse automatique|absence du bureau|respuesta automática|fuera de (?:la )?oficina"
    r"|risposta automatica|fuori (?:sede|ufficio)|resposta automática|afwezig|frånvaro|automatiskt svar|poissaolo"
    r"|автоответ|автоматический ответ|自动(?:回复|答复)|自動(?:回覆|回复)|자동 ?(?:응답|회신)|부재"
    r"|.{0,20}(?:自動返信|自動応答|自動配信|不在通知|不在の(?:お知らせ|ご連絡)|不在連絡|オートリプライ)"
    r")",
    re.IGNORECASE,
)


def automatic_labels(headers: Headers) -> dict[str, str]:
    """Return why no machine should answer this mail, and its Auto-Submitted field (RFC 3834).

    `automatic` is `auto-replied`, `auto-generated`, `list`, `bulk` or `loop`; a person's mail has
    none. A form on a web site sends `auto-generated` mail too: that is routed like any other.
    """
    submitted = headers.get("auto-submitted").decode("latin-1").partition(";")[0].strip().lower()
    return {"automatic": _automatic(headers, submitted), "auto_submitted": submitted}


def _automatic(headers: Headers, submitted: str) -> str:
    if len(headers.all("received")) > LOOP_HOPS or headers.has("x-madoguchi-loop"):
        return "loop"
    if submitted.startswith("auto-replied") or is_responder(headers):
        return "auto-replied"
    if any(headers.has(name) for name in _LIST_FIELDS):
        return "list"
    if submitted not in ("", "no"):
        return "auto-generated"
    return "bulk" if _precedence(headers) in _BULK else ""


def is_responder(headers: Headers) -> bool:
    """Whether a program wrote on a person's behalf, by fields or words that mail systems don't use."""
    if _precedence(headers) in ("auto_reply", "auto-reply"):
        return True
    if any(headers.has(name) for name in _RESPONDER_FIELDS):
        return True
    return bool(_ABSENCE.search(decode_header(headers.get("subject"))))


def _precedence(headers: Headers) -> str:
    return headers.get("precedence").decode("latin-1").strip().lower()
