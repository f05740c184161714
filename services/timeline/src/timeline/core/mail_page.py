"""The HTML of a mail as a page that may be shown: nothing runs, nothing is loaded from elsewhere."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

from common.core.events import AttachmentState, Message
from common.core.html import in_itself, is_deep, safe_html, text_to_html
from timeline.core.items import ShownFile
from timeline.core.serving import is_picture

_PAGE = """<!doctype html>
<html{language}><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer"></head>
<body>{body}</body></html>
"""


def pictures(files: Sequence[ShownFile]) -> dict[str, int]:
    """Return the places of the files that a mail shows within itself, by their content id."""
    return {
        file.content_id: place
        for place, file in enumerate(files)
        if file.content_id and file.state is AttachmentState.STORED and is_picture(file.media_type)
    }


def content_policy(origin: str) -> str:
    """Return the Content-Security-Policy of such a page; its pictures come from `origin`, if any."""
    pictures_from = origin or "'self'"
    return f"default-src 'none'; img-src data: {pictures_from}; base-uri 'none'; form-action 'none'"


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address; nothing of a path alone."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def mail_page(message: Message, links: Mapping[str, str], policy: str) -> str:
    """Return the page of a mail that has HTML.

    `links` say where the pictures are, by content id. What was published is made safe once more:
    the bus is open to others, and what is safe was decided on the day when the mail came.
    """

    def picture(source: str) -> str | None:
        scheme, _, name = source.strip().partition(":")
        return links.get(unquote(name)) if scheme.casefold() == "cid" else in_itself(source)

    html = message.html or ""
    body = text_to_html(message.text or "") if is_deep(html) else safe_html(html, picture)
    language = f' lang="{message.language}"' if (message.language or "").isalpha() else ""
    return _PAGE.format(language=language, policy=policy, body=body)
