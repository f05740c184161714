"""What the markup of a mail tells about who wrote what.

Mail programs mark up what they quote, how they introduce it and what is a signature. Here each such
element gets a character before and behind it; `quote_marks` turns those into lines that begin with
`>` once the HTML is text, so that one set of rules finds the answer in both.
"""

import re
from collections.abc import Iterator, Sequence

from lxml import html  # type: ignore[import-untyped]  # lxml ships no types

from ingest_email.core.quote_marks import CLOSE, Mark

_SKIPPED = ("html", "head", "body")
_BLANKS = re.compile(r"\s+")
_PREFIX = re.compile(r"(?:x_)+|ydp[0-9a-f]{6,8}(?=yahoo|signature)")  # quoting programs rename

# class, id, name, data-marker: of Gmail, Yahoo, Proton, Tuta, Zoho, Outlook, Spark, NetEase, Zimbra
_QUOTE = re.compile(
    r"gmail_quote(?:_container)?|protonmail_quote|zmail_extra|yahoo_quoted(?:_\d+)?|tutanota_quote"
    r"|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container|ms-outlook-mobile-reference-message"
    r"|messageReplySection|isReplyContent|__QUOTED_TEXT__",
    re.IGNORECASE,
)
_AROUND_QUOTE = re.compile(
    r"gmail_quote(?:_container)?|protonmail_quote|zmail_extra", re.IGNORECASE
)
_OLD_FROM_HERE = re.compile(
    r"divRplyFwdMsg|appendonsend|stopSpelling|zwchr|OutlookMessageHeader|__DIVIDER__|__HEADERS__",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(r"gmail_attr|moz-cite-prefix|moz-email-headers-table", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"(?:gmail_|moz-)?signature|protonmail_signature_block(?:-user)?|AppleMailSignature"
    r"|ms-outlook-mobile-signature|(?:iosy|y)mail(?:_android)?_signature|messageSignatureSection|__SIG_P(?:RE|OST)__",
    re.IGNORECASE,
)
_RULED = re.compile(r"border-top(?::|-style:)[^;]*solid")
_PADDED = re.compile(r"padding(?:-top)?:(?:3(?:\.0)?pt|5px)")
_INDENTED = re.compile(r"(?:^|;)border:(?:none|0(?:px)?)(?:;(?!.*border-left)|$)")


def mark_quotes(tree: html.HtmlElement) -> None:
    """Set the characters of `quote_marks` around quotes, introductions and signatures, in place."""
    elements = [found for found in tree.iter() if isinstance(found.tag, str)]
    around = _around_blockquotes(elements)
    last = _last_blockquote(elements)
    within: set[html.HtmlElement] = set()
    for element in elements:
        names = list(_names(element))
        if _has(names, _AROUND_QUOTE) or element.getparent() in within:
            within.add(element)
        mark = _mark(element, names, is_within=element.getparent() in within)
        if mark is Mark.INTRODUCED and element is last and not _has(names, _AROUND_QUOTE):
            mark = Mark.PLAIN  # (Gmail's button for quoting sets that class)
        if mark is Mark.QUOTE and element in around and _has(names, _AROUND_QUOTE):
            continue  # answers stand between the blockquotes in it
        if mark and element.tag not in _SKIPPED:
            _enclose(element, mark)


def _mark(element: html.HtmlElement, names: Sequence[str], *, is_within: bool) -> Mark | None:
    if element.tag == "blockquote":
        return _blockquote_mark(element, is_within=is_within)
    for rule, mark in (
        (_QUOTE, Mark.QUOTE),
        (_OLD_FROM_HERE, Mark.OLD),
        (_ATTRIBUTION, Mark.ATTRIBUTION),
        (_SIGNATURE, Mark.SIGNATURE),
    ):
        if _has(names, rule):
            return mark
    style = _style(element)
    if element.tag == "hr":  # what stands around it stays apart once it is text
        return Mark.RULE
    return Mark.RULED if _RULED.search(style) and _PADDED.search(style) else None


def _blockquote_mark(element: html.HtmlElement, *, is_within: bool) -> Mark | None:
    if element.get("type") == "cite" or element.get("cite") or is_within:
        return Mark.QUOTE
    return None if _INDENTED.search(_style(element)) else Mark.INTRODUCED


def _last_blockquote(elements: Sequence[html.HtmlElement]) -> html.HtmlElement | None:
    """Return the last blockquote that is in no other: old mails stand last."""
    inside: set[html.HtmlElement] = set()
    last = None
    for element in elements:
        parent = element.getparent()
        if parent is not None and (parent in inside or parent.tag == "blockquote"):
            inside.add(element)
        elif element.tag == "blockquote":
            last = element
    return last


def _around_blockquotes(elements: Sequence[html.HtmlElement]) -> set[html.HtmlElement]:
    around: set[html.HtmlElement] = set()
    for element in elements:
        if element.tag == "blockquote":
            parent = element.getparent()
            while parent is not None and parent not in around:
                around.add(parent)
                parent = parent.getparent()
    return around


def _enclose(element: html.HtmlElement, mark: Mark) -> None:
    before, behind = element.makeelement("div"), element.makeelement("div")
    before.text, behind.text = mark, CLOSE
    behind.tail, element.tail = element.tail, None
    element.addprevious(before)
    element.addnext(behind)


def _names(element: html.HtmlElement) -> Iterator[str]:
    values = (element.get(name, "") for name in ("class", "id", "name", "data-marker"))
    return (_PREFIX.sub("", name, count=1) for value in values for name in value.split())


def _has(names: Sequence[str], rule: re.Pattern[str]) -> bool:
    return any(rule.fullmatch(name) for name in names)


def _style(element: html.HtmlElement) -> str:
    return _BLANKS.sub("", element.get("style", "")).casefold()
