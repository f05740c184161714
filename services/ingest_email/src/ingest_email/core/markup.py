"""HTML of strangers: made safe to show, and turned into text."""

import re
from html import escape
from itertools import chain, islice

import nh3
from inscriptis import Inscriptis
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.model.config import ParserConfig
from lxml import etree, html  # type: ignore[import-untyped]  # lxml ships no types

from ingest_email.core.cleaning import lines

_CONFIG = ParserConfig(css=STRICT_CSS_PROFILE)
_MAX_DEPTH = 200  # the layout engine calls itself for each level
_UNREAD = ("script", "style", "head", "title")
_SHOWN_SOURCES = ("cid:", "data:image/png", "data:image/gif", "data:image/jpeg", "data:image/webp")
_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
_HIDDEN_STYLE = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|font-size:0(?:\.0+)?(?:px|pt|em|%)?(?:;|!|$)"
    r"|opacity:0(?:\.0+)?(?:;|!|$)|(?:max-)?(?:height|width):0(?:px)?;[^<>]*overflow:hidden",
)
_WHITE = re.compile(r"(?:^|;)color:(?:white|#fff(?:fff)?|rgb\(255,255,255\))")
_BACKGROUND = re.compile(r"background(?:-color)?:")
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE
)
_BLANK_LINES = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t\u3000]+$", re.MULTILINE)


def safe_html(source: str) -> str:
    """Return HTML without anything that runs, loads or tracks.

    Scripts, styles and forms go; images stay only where they came with the mail (`cid:`, `data:`).
    """
    return nh3.clean(
        source,
        attribute_filter=_allowed_attribute,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def _allowed_attribute(element: str, attribute: str, value: str) -> str | None:
    if attribute in ("src", "background"):
        return value if value.strip().casefold().startswith(_SHOWN_SOURCES) else None
    if element == "a" and attribute == "href":
        return None if value.strip().casefold().startswith("data:") else value
    return value


def html_to_text(source: str) -> str:
    """Return what a reader would see, tables and lists laid out; hidden text is left out.

    Text hidden from people is written for programs: filters, and lately language models.
    """
    tree = _tree(source)
    if tree is None:
        return ""
    for element in [found for found in tree.iter(etree.Element) if _is_hidden(found)]:
        if element.getparent() is not None:
            element.drop_tree()
    text = _plain(tree) if _is_deep(tree) else Inscriptis(tree, _CONFIG).get_text()
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", lines(text))).strip("\n")


def text_to_html(text: str) -> str:
    """Return plain text as HTML that looks the same."""
    return f"<p>{escape(text, quote=False).replace(chr(10), '<br>')}</p>"


def declared_charset(raw: bytes) -> str:
    """Return the charset that an HTML document names itself, or an empty string."""
    found = _META_CHARSET.search(raw, 0, 2_048)
    return found[1].decode("ascii") if found else ""


def _tree(source: str) -> html.HtmlElement | None:
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    try:
        return html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):  # nothing but comments or blanks
        return None


def _is_hidden(element: html.HtmlElement) -> bool:
    if element.get("hidden") is not None:
        return True
    style = re.sub(r"\s+", "", element.get("style", "")).casefold()
    if _HIDDEN_STYLE.search(style):
        return True
    return bool(_WHITE.search(style)) and not _is_on_colour(element)


def _is_on_colour(element: html.HtmlElement) -> bool:
    """Whether the element or one around it has a background that white text can be read on."""
    around = islice(chain((element,), element.iterancestors()), _MAX_DEPTH)
    return any(
        found.get("bgcolor") or _BACKGROUND.search(re.sub(r"\s+", "", found.get("style", "")))
        for found in around
    )


def _is_deep(tree: html.HtmlElement) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH:
            return True
    return False


def _plain(tree: html.HtmlElement) -> str:
    """Return the text without layout, for HTML nested deeper than any person's."""
    etree.strip_elements(tree, *_UNREAD, with_tail=False)
    return "\n".join(piece.strip() for piece in tree.itertext() if piece.strip())
