"""The HTML of a mail: what it says of itself, and how it may be shown."""

import re

from common.core import html
from common.core.html import text_to_html
from ingest_email.core.html_text import html_to_text

_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE
)
_META_BYTES = 2_048


def safe_html(source: str) -> str:
    """Return HTML that is safe to show; what is nested deeper than any person's as its text."""
    if html.is_deep(source):
        return text_to_html(html_to_text(source))
    return html.safe_html(source)


def declared_charset(raw: bytes) -> str:
    """Return the charset that an HTML document names itself, or an empty string."""
    found = _META_CHARSET.search(raw, 0, _META_BYTES)
    return found[1].decode("ascii") if found else ""
