"""HTML turned into the text that a reader sees.

Text hidden from people is written for programs, filters and lately language models: it is left out.
"""

import re
from collections.abc import Container, Sequence
from itertools import chain, islice, takewhile

from inscriptis import Inscriptis
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.model.config import ParserConfig
from lxml import etree, html  # type: ignore[import-untyped]  # lxml ships no types

from ingest_email.core.cleaning import lines
from ingest_email.core.html_quotes import mark_quotes
from ingest_email.core.quote_marks import unmarked, with_quote_signs

_CONFIG = ParserConfig(css=STRICT_CSS_PROFILE)
_MAX_DEPTH = 100  # the layout engine calls itself for each level
_MAX_ELEMENTS = 10_000  # it lays out some 60,000 a second
_MAX_TABLE_CHARACTERS = 10_000_000  # it makes every row of a table as wide as the widest
_UNREAD = ("script", "style", "head", "title")
_BLANKS = re.compile(r"\s+")
_HIDDEN = re.compile(r"display:none|visibility:hidden|mso-hide:all|opacity:0(?:\.0+)?(?:;|!|$)")
_NO_SIZE = re.compile(r"(?:^|;)(?:max-)?(?:height|width):0(?:px)?(?:;|!|$)")
_NO_FONT = re.compile(r"font-size:0(?:\.0+)?(?:px|pt|em|%)?(?:;|!|$)")
_FONT = re.compile(r"font-size:(?!0(?:\.0+)?(?:px|pt|em|%)?(?:;|!|$))")
_WHITE = re.compile(r"(?:^|;)color:(?:white|#fff(?:fff)?|rgb\(255,255,255\))(?:;|!|$)")
_BACKGROUND = re.compile(
    r"background(?:-color|-image)?:(?!white|#fff(?:fff)?(?:;|!|$)|transparent|none)"
)
_CONDITIONAL_RULES = re.compile(r"@[^{;]{0,500}\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_CLASS_RULE = re.compile(r"\.([\w-]{1,100})\s*\{([^{}]*)\}")
_MANY_BLANK_LINES = re.compile(r"\n{3,}")


def html_to_text(source: str) -> str:
    """Return what a reader would see, tables and lists laid out. Never raises.

    What the markup tells to be quoted begins with `>`, and a signature stands below `--` (RFC 3676
    §4.3, 4.5), as in the text that mail programs make of HTML.
    """
    tree = _tree(unmarked(source))
    if tree is None:
        return ""
    for element in _hidden(tree):
        if element.getparent() is not None:
            element.drop_tree()
    mark_quotes(tree)
    etree.strip_attributes(tree, "style")  # a padding of a million would be laid out, too
    text = _plain(tree) if _is_heavy(tree) else Inscriptis(tree, _CONFIG).get_text()
    stripped = "\n".join(line.rstrip() for line in lines(text).split("\n"))
    return _MANY_BLANK_LINES.sub("\n\n", with_quote_signs(stripped)).strip("\n")


def _tree(source: str) -> html.HtmlElement | None:
    parser = html.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        return html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):  # nothing but comments or blanks
        return None


def _hidden(tree: html.HtmlElement) -> list[html.HtmlElement]:
    elements = list(tree.iter(etree.Element))
    classes, sized = _hidden_classes(tree), _around_sized_text(elements)
    return [
        element
        for element in elements
        if element.get("hidden") is not None
        or not classes.isdisjoint(element.get("class", "").split())
        or _is_hidden_by_style(element, _style(element), sized)
    ]


def _hidden_classes(tree: html.HtmlElement) -> frozenset[str]:
    """Return the classes that the style sheets hide on every screen."""
    sheets = "".join(style.text or "" for style in tree.iter("style"))[:100_000]
    rules = _CLASS_RULE.findall(_CONDITIONAL_RULES.sub("", sheets))
    return frozenset(name for name, rule in rules if _HIDDEN.search(_BLANKS.sub("", rule)))


def _around_sized_text(elements: Sequence[html.HtmlElement]) -> set[html.HtmlElement]:
    """Return what surrounds an element with a font size: layouts set 0 outside and undo it inside."""
    around: set[html.HtmlElement] = set()
    for element in elements:
        if _FONT.search(_style(element)):
            around.update(takewhile(lambda found: found not in around, element.iterancestors()))
    return around


def _is_hidden_by_style(
    element: html.HtmlElement, style: str, sized: Container[html.HtmlElement]
) -> bool:
    if _HIDDEN.search(style) or (_NO_SIZE.search(style) and "overflow:hidden" in style):
        return True
    if _NO_FONT.search(style):
        return element not in sized
    return bool(_WHITE.search(style)) and not _may_be_on_colour(element)


def _may_be_on_colour(element: html.HtmlElement) -> bool:
    """Whether white text can perhaps be read: something around it has a colour, or a class."""
    return any(
        found.get("class") or found.get("bgcolor") or _BACKGROUND.search(_style(found))
        for found in islice(chain((element,), element.iterancestors()), _MAX_DEPTH)
    )


def _style(element: html.HtmlElement) -> str:
    return _BLANKS.sub("", element.get("style", "")).casefold()


def _is_heavy(tree: html.HtmlElement) -> bool:
    depth = 0
    for number, (event, _) in enumerate(etree.iterwalk(tree, events=("start", "end"))):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH or number > 2 * _MAX_ELEMENTS:
            return True
    rows = sum(1 for _ in tree.iter("tr"))
    return rows * sum(len(piece) for piece in tree.itertext()) > _MAX_TABLE_CHARACTERS


def _plain(tree: html.HtmlElement) -> str:
    """Return the text without layout, for HTML larger or deeper than any person's."""
    etree.strip_elements(tree, *_UNREAD, with_tail=False)
    return "\n".join(piece.strip() for piece in tree.itertext() if piece.strip())
