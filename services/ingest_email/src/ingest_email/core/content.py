"""The text and the HTML of a mail, read from its body parts."""

from itertools import accumulate

from msgspec import Struct

from common.core.html import text_to_html
from ingest_email.core.alternatives import may_tell_more, tells_more
from ingest_email.core.bodies import HTML, Bodies
from ingest_email.core.charsets import decode
from ingest_email.core.cleaning import lines
from ingest_email.core.flowed import unwrap
from ingest_email.core.html_text import html_to_text
from ingest_email.core.limits import (
    BODY_PARTS,
    BODY_READ_BYTES,
    HTML_CHARACTERS,
    TEXT_CHARACTERS,
)
from ingest_email.core.markup import declared_charset, safe_html
from ingest_email.core.tree import Part


class Content(Struct, frozen=True):
    """What a mail says. `html` is safe to show, and None where the mail has none.

    `long` are the parts that say more than is shown here: they travel as files, too.
    """

    text: str = ""
    html: str | None = None
    long: tuple[Part, ...] = ()


def read_content(bodies: Bodies) -> Content:
    """Return the decoded bodies. Several parts (Apple Mail puts text between pictures) are joined."""
    text_parts, text = bodies.text, _joined_text(_within_budget(bodies.text))
    html_parts = _within_budget(bodies.html)
    if not text or _is_poor(text, html_parts):
        text_parts, text = bodies.html, _joined_text(html_parts)
    html = _joined_html(html_parts)
    long = [part for part in (*bodies.text, *bodies.html) if len(part.body) > BODY_READ_BYTES]
    long += bodies.text[len(_within_budget(bodies.text)) :] + bodies.html[len(html_parts) :]
    if len(text) > TEXT_CHARACTERS:
        long += text_parts
    if len(html) > HTML_CHARACTERS:
        long += bodies.html
    shown_html = html if 0 < len(html) <= HTML_CHARACTERS else None
    return Content(text[:TEXT_CHARACTERS], shown_html, _unique(long))


def read_text(part: Part) -> str:
    """Return a text part's characters, decoded, lines ending in LF, paragraphs unwrapped."""
    raw = part.beginning(BODY_READ_BYTES)
    label = part.content_type.get("charset")
    if not label and part.media_type == HTML:
        label = declared_charset(raw)
    text = lines(decode(raw, label))
    if part.content_type.get("format").casefold() == "flowed":
        return unwrap(text, delete_space=part.content_type.get("delsp").casefold() == "yes")
    return text


def _within_budget(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the first parts, as many as are read together; always one."""
    sizes = accumulate(len(part.body) for part in parts)
    count = sum(1 for size in sizes if size <= BODY_READ_BYTES)
    return parts[: min(max(count, 1), BODY_PARTS)]


def _is_poor(text: str, html_parts: tuple[Part, ...]) -> bool:
    """Whether the HTML beside a text tells more than it: who wrote what, or anything at all."""
    sources = [read_text(part) for part in html_parts if part.media_type == HTML]
    if not any(may_tell_more(text, source) for source in sources):
        return False
    return tells_more(text, _joined_text(html_parts))


def _joined_text(parts: tuple[Part, ...]) -> str:
    texts = [_as_text(part) for part in parts]
    return "\n".join(text for text in texts if text.strip())


def _joined_html(parts: tuple[Part, ...]) -> str:
    """Return the HTML, and nothing where there are only text parts to make it of."""
    if not any(part.media_type == HTML for part in parts):
        return ""
    return "\n".join(_as_html(part) for part in parts)


def _as_text(part: Part) -> str:
    text = read_text(part)
    return html_to_text(text) if part.media_type == HTML else text


def _as_html(part: Part) -> str:
    text = read_text(part)
    return safe_html(text) if part.media_type == HTML else text_to_html(text)


def _unique(parts: list[Part]) -> tuple[Part, ...]:
    return tuple({id(part): part for part in parts}.values())
