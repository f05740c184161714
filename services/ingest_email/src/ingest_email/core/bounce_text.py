"""Bounces that only people can read: qmail, exim, sendmail and others, docomo, ezweb, m-FILTER.

Nothing in them is certain, so nothing here decides that a mail *is* a bounce by text alone: the
sender must look like a mail system first.
"""

import re
from collections.abc import Collection, Sequence
from itertools import islice

from msgspec.structs import replace

from ingest_email.core.cleaning import one_line
from ingest_email.core.headers import Headers, read_headers
from ingest_email.core.report_fields import Delivery

_READ_CHARACTERS = 20_000
_DIAGNOSTIC_CHARACTERS = 500
_MOST_RECIPIENTS = 100

_FAILURE = re.compile(
    r"(?:could|can|was|were)(?: ?n[o']t| not) (?:be )?(?:delivered|reached|sent)|undeliver(?:able|ed)"
    r"|deli?very? (?:\S+ ){0,8}?(?:failed|failure|failures|has been delayed|aborted)|delivery (?:failure|error|status)"
    r"|failed delivery|mail failed|failure notice|returned mail|mail delivery failed|mail system error"
    r"|(?:unable|n[o']t able|error) to deliver|error(?:s)? (?:occurred while trying to )?deliver"
    r"|(?:has|have) (?:not (?:yet )?been delivered|been postponed)|failed mail\b|user unknown|no such user"
    r"|addresses? (?:had|failed)|did not reach|message not delivered|delayed mail|mail could not be"
    r"|送信できません|配信できません|配達できません|お届けできません|送信エラー|配信エラー|不達|届きませんでした"
    r"|送信に失敗|配信に失敗|宛先(?:が|の).{0,20}(?:見つかり|存在し)|エラーメール"
    r"|unzustellbar|nicht zugestellt|non (?:remis|distribué)|échec de (?:la )?remise|no se (?:ha podido|pudo) entregar"
    r"|mancata consegna|impossibile recapitare|не может быть доставлено|недоставлен|无法(?:投递|送达)|退信|無法(?:傳遞|投遞)"
    r"|반송|전송 ?실패",
    re.IGNORECASE,
)
_STOCK_SUBJECT = re.compile(
    r"undeliver|returned mail|mail delivery|delivery (?:status|report)|failure notice|non-delivery",
    re.IGNORECASE,
)
_COPY = re.compile(
    r"^[-=_>| \t]{0,80}(?:"
    r"below this line is a copy|this is a copy of|(?:the )?header of the original|original message(?: headers?| follows)?\b"
    r"|original mail info|unsent message|message (?:headers?|text) follow|included is a copy|below is a copy|here is a copy of"
    r"|start of returned message"
    r"|enclosed is a copy|returned message|undelivered message|copy of (?:the|your) message|transcript of the mail"
    r"|以下は.{0,20}(?:元|原)の|元のメッセージ|受信メール"
    r").*$",
    re.IGNORECASE | re.MULTILINE,
)
_COPIED_ID = re.compile(
    r"^[ \t>]{0,8}message-id\s?:\s{0,3}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE
)
_ADDRESS = r"[^\s<>\"'@:;,()\[\]：、。「」]{1,64}@[^\s<>\"'@:;,()\[\]]{1,255}[^\s<>\"'@:;,()\[\].]"


def _rules(*patterns: str) -> tuple[re.Pattern[str], ...]:
    flags = re.IGNORECASE | re.MULTILINE
    return tuple(re.compile(text.replace("ADDRESS", f"({_ADDRESS})"), flags) for text in patterns)


_CERTAIN = _rules(
    r"(?:following|these) (?:recipients?|address(?:es)?|users?)(?:\(s\))?[^\n@]{0,80}:?\s{1,20}(?:[^\n@]{0,80}=)?[<\"']?ADDRESS",
    r"(?:final|original)-recipient\s*:\s*rfc822\s*;\s*<?ADDRESS",
    r"RCPT TO:\s*<ADDRESS>",
    r"(?:recipient(?: address)?|delivered to|宛先|あて先)\s*[:：]\s*<?ADDRESS",
    r"addressed(?: to|,)\s+[<\"']?ADDRESS",
    r"^[ \t>*]{0,12}[<\"]?ADDRESS[>\"]?\s*(?::|\.\.\.|\[|\(|on (?:\d|\w{3}, )|<mailto|$)",
)
_LIKELY = _rules(
    r"^\d{3} [<\"]?ADDRESS",
    r"(?:mail|message|delivery|deliver) (?:\S+ ){0,4}?to:?\s+<?ADDRESS",
    r"ADDRESS",
)
_OFFICES = re.compile(
    r"(?:mailer-daemon|postmaster|support|abuse|mail-?admin)[^@\s]*@\S+", re.IGNORECASE
)
_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_AFTER_REPLY = re.compile(r"\b[45]\d\d[ -]+#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(
    r"(?:^|[\s:'\"(])([45])\d\d(?=\s|-\D)",
    re.MULTILINE,  # not a telephone number, 480-624-2500
)
_TEMPORARY = re.compile(
    r"warning|delayed|temporar(?:y|ily)|will (?:be )?(?:retried|retry|keep trying|continue to)|has been postponed|attempts will continue|not need to re-?send"
    r"|一時的|再送(?:を|い)",
    re.IGNORECASE,
)

_FOR_EVER = re.compile(r"user unknown|unknown user|no such user|does not exist", re.IGNORECASE)


def speaks_of_failure(subject: str, text: str) -> bool:
    """Whether subject or text says, in a mail system's words, that a mail did not arrive."""
    return bool(_FAILURE.search(subject) or _FAILURE.search(text[:_READ_CHARACTERS]))


def read_bounce_text(text: str, subject: str, ours: Collection[str]) -> tuple[Delivery, ...]:
    """Return what the text of a bounce says, a delivery for each recipient and one at the least.

    `ours` are addresses that cannot be a recipient.
    """
    notice, _ = _split(text)
    own = frozenset(address.casefold() for address in ours)
    certain = _recipients(notice, _CERTAIN, own)
    if certain:  # a list goes on below its first line
        certain = tuple(dict.fromkeys((*certain, *_recipients(notice, _CERTAIN[-1:], own))))
    recipients = (
        certain
        or _recipients(_OFFICES.sub("", notice), _LIKELY, own)[:1]
        or _recipients(notice, _CERTAIN, frozenset())[:1]  # a mail to oneself
    )
    whole = f"{subject}\n{notice}"
    is_temporary = bool(_TEMPORARY.search(whole)) and not _FOR_EVER.search(whole)
    told = Delivery(
        action="delayed" if is_temporary else "failed",
        status=status_in(notice) or ("4.0.0" if is_temporary else "5.0.0"),
        diagnostic=_diagnostic(notice),
    )
    return tuple(replace(told, recipient=recipient) for recipient in recipients or ("",))


def status_in(text: str) -> str:
    """Return the enhanced status code (RFC 3463) in a text, made up from a reply code if need be."""
    found = _AFTER_REPLY.search(text) or _ENHANCED.search(text)
    if found:
        return found[1]
    reply = _REPLY.search(text)
    return f"{reply[1]}.0.0" if reply else ""


def speaks_of_mail(subject: str, text: str) -> bool:
    """Whether a failure is a mail's: a stock subject, or an enhanced status code (RFC 3463)."""
    return bool(_STOCK_SUBJECT.match(subject) or _ENHANCED.search(text[:_READ_CHARACTERS]))


def copied_headers(text: str) -> Headers:
    """Return the headers of the mail whose copy follows the notice, in the text itself.

    Where nothing announces the copy, its Message-ID alone.
    """
    _, copy = _split(text)
    headers, _ = read_headers(copy.lstrip().encode("utf-8", "replace"), 0)
    if headers.has("message-id"):
        return headers
    found = _COPIED_ID.search(text[: 10 * _READ_CHARACTERS])
    return Headers((("message-id", found[1].encode()),)) if found else headers


def _split(text: str) -> tuple[str, str]:
    marker = _COPY.search(text[: 10 * _READ_CHARACTERS])
    if not marker:
        return text[:_READ_CHARACTERS], ""
    copy = text[marker.end() : marker.end() + _READ_CHARACTERS]
    return text[: marker.start()][:_READ_CHARACTERS], copy


def _recipients(
    notice: str, rules: Sequence[re.Pattern[str]], own: Collection[str]
) -> Sequence[str]:
    """Return the addresses that the first rule finds which finds any."""
    for rule in rules:
        found = (match[1] for match in islice(rule.finditer(notice), _MOST_RECIPIENTS))
        others = [address for address in found if address.casefold() not in own]
        if others:
            return others
    return ()


def _diagnostic(notice: str) -> str:
    """Return the line that carries a code, the server's own words."""
    for rule in (_AFTER_REPLY, _ENHANCED, _REPLY):
        if found := rule.search(notice):
            line = notice[notice.rfind("\n", 0, found.start(1)) + 1 :].partition("\n\n")[0]
            return one_line(line, _DIAGNOSTIC_CHARACTERS)
    return ""
