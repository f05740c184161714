"""HTML of strangers, made safe to show."""

import re
from collections.abc import Callable
from html import escape

import nh3

Picture = Callable[[str], str | None]

_MAX_OPEN = 500  # open elements at once; the sanitiser's time grows with their square
_OWN = ("data:image/png", "data:image/gif", "data:image/jpeg", "data:image/webp")
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
    ]
)


def came_with_it(source: str) -> str | None:
    """Return where a picture is that came with its mail (`cid:`, `data:`), as it stands."""
    folded = source.strip().casefold()
    return source if folded.startswith(("cid:", *_OWN)) else None


def in_itself(source: str) -> str | None:
    """Return a picture that stands in the HTML itself (`data:`), none that is somewhere else."""
    return source if source.strip().casefold().startswith(_OWN) else None


def safe_html(source: str, picture: Picture = came_with_it) -> str:
    """Return HTML without anything that runs, loads or tracks.

    Scripts, styles and forms go. `picture` says where an image is, None where it is not to be shown.
    Hand over nothing that `is_deep`: it would take minutes.
    """

    def allowed(_element: str, attribute: str, value: str) -> str | None:
        if attribute in ("src", "background"):
            return picture(value)
        if attribute in ("href", "cite"):
            return value if _LINK.match(value) else None
        return None if value.strip().casefold().startswith("data:") else value

    return nh3.clean(
        source,
        attribute_filter=allowed,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def is_deep(source: str) -> bool:
    """Whether it is nested deeper than any person's HTML, which would take the sanitiser long."""
    depth = 0
    for tag in _TAG.finditer(source):
        if tag[2].casefold() in _CLOSED_BY_NEXT:
            continue
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > _MAX_OPEN:
            return True
    return False


def text_to_html(text: str) -> str:
    """Return plain text as HTML that looks the same."""
    return f"<p>{escape(text, quote=False).replace(chr(10), '<br>')}</p>"
