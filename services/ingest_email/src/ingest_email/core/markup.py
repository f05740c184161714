"""HTML of strangers, made safe to show."""

import re
from html import escape

import nh3

from ingest_email.core.html_text import html_to_text

_MAX_OPEN = 500  # open elements at once; the sanitiser's time grows with their square
_SHOWN_SOURCES = ("cid:", "data:image/png", "data:image/gif", "data:image/jpeg", "data:image/webp")
_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
# A relative link would lead from the agent's tool to the agent's tool.
_LINK = re.compile(r"\s*(?:#|(?:https?|mailto|tel|cid):)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSED_BY_NEXT = frozenset(
    [
        "p",
        "li",
        "td",
        "th",
        "tr",
        "dt",
        "dd",
        "option",
        "br",
        "img",
        "hr",
        "input",
        "meta",
        "link",
        "base",
        "col",
        "area",
        "embed",
        "source",
        "wbr",
    ],
)
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE
)
_META_BYTES = 2_048


def safe_html(source: str) -> str:
    """Return HTML without anything that runs, loads or tracks.

    Scripts, styles and forms go; images stay only where they came with the mail (`cid:`, `data:`).
    What is nested deeper than any person's HTML is shown as text.
    """
    if _is_deep(source):
        return text_to_html(html_to_text(source))
    return nh3.clean(
        source,
        attribute_filter=_allowed_attribute,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def text_to_html(text: str) -> str:
    """Return plain text as HTML that looks the same."""
    return f"<p>{escape(text, quote=False).replace(chr(10), '<br>')}</p>"


def declared_charset(raw: bytes) -> str:
    """Return the charset that an HTML document names itself, or an empty string."""
    found = _META_CHARSET.search(raw, 0, _META_BYTES)
    return found[1].decode("ascii") if found else ""


def _allowed_attribute(_element: str, attribute: str, value: str) -> str | None:
    is_shown = value.strip().casefold().startswith(_SHOWN_SOURCES)
    if attribute in ("src", "background"):
        return value if is_shown else None
    if attribute in ("href", "cite"):
        return value if _LINK.match(value) else None
    return None if value.strip().casefold().startswith("data:") else value


def _is_deep(source: str) -> bool:
    depth = 0
    for tag in _TAG.finditer(source):
        if tag[2].casefold() in _CLOSED_BY_NEXT:
            continue
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > _MAX_OPEN:
            return True
    return False
