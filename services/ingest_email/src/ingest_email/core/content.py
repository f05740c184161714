"""The text and the HTML of a mail, read from its body parts."""

from msgspec import Struct

from ingest_email.core.bodies import Bodies
from ingest_email.core.charsets import decode
from ingest_email.core.cleaning import lines
from ingest_email.core.flowed import unwrap
from ingest_email.core.limits import HTML_READ_CHARACTERS
from ingest_email.core.markup import declared_charset, html_to_text, safe_html, text_to_html
from ingest_email.core.tree import Part


class Content(Struct, frozen=True):
    """What a mail says, whole. `html` is safe to show, and None where the mail has none."""

    text: str = ""
    html: str | None = None


def read_content(bodies: Bodies) -> Content:
    """Return the decoded bodies. Several parts (Apple Mail puts text between pictures) are joined."""
    text = _joined(bodies.text) or _joined(bodies.html)
    html = None
    if any(part.media_type == "text/html" for part in bodies.html):
        html = "\n".join(_as_html(part) for part in bodies.html)
    return Content(text, html)


def _joined(parts: tuple[Part, ...]) -> str:
    texts = [_as_text(part) for part in parts]
    return "\n".join(text for text in texts if text.strip())


def read_text(part: Part) -> str:
    """Return a text part's characters, decoded, lines ending in LF, paragraphs unwrapped."""
    raw = part.content()
    label = part.content_type.get("charset")
    if not label and part.media_type == "text/html":
        label = declared_charset(raw)
    text = lines(decode(raw, label))
    if part.content_type.get("format").casefold() == "flowed":
        return unwrap(text, delete_space=part.content_type.get("delsp").casefold() == "yes")
    return text


def _as_text(part: Part) -> str:
    text = read_text(part)
    return html_to_text(text[:HTML_READ_CHARACTERS]) if part.media_type == "text/html" else text


def _as_html(part: Part) -> str:
    text = read_text(part)[:HTML_READ_CHARACTERS]
    return safe_html(text) if part.media_type == "text/html" else text_to_html(text)
