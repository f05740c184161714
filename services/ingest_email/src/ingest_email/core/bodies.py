"""Which parts are the message and which came with it (RFC 8621 §4.1.4)."""

from msgspec import Struct

from ingest_email.core.tree import Part

PLAIN, HTML = "text/plain", "text/html"
_MEDIA = ("image/", "audio/", "video/")


class Bodies(Struct, frozen=True):
    """Leaves to read as text, leaves to show as HTML, and all the others, in the mail's order.

    A leaf may be in both bodies: an alternative that exists in one form only serves for both.
    """

    text: tuple[Part, ...] = ()
    html: tuple[Part, ...] = ()
    attachments: tuple[Part, ...] = ()


def choose_bodies(root: Part) -> Bodies:
    """Return the bodies of a mail by the algorithm that JMAP servers agree on.

    It differs in one thing: pictures are never body parts here, shown inline or not.
    """
    text: list[Part] = []
    html: list[Part] = []
    attachments: list[Part] = []
    _Level("mixed", text, html, attachments, alternative=False).sort((root,))
    return Bodies(tuple(text), tuple(html), tuple(attachments))


class _Level:
    """The parts of one multipart.

    A body that is None is closed: the branch of an alternative that we are in has shown to be of
    the other form.
    """

    def __init__(
        self,
        subtype: str,
        text: list[Part] | None,
        html: list[Part] | None,
        attachments: list[Part],
        *,
        alternative: bool,
    ) -> None:
        self._subtype = subtype
        self._text = text
        self._html = html
        self._attachments = attachments
        self._alternative = alternative

    def sort(self, parts: tuple[Part, ...]) -> None:
        text_before, html_before = _length(self._text), _length(self._html)
        for index, part in enumerate(parts):
            if part.children:
                self._descend(part)
            elif not self._is_body(part, index):
                self._attachments.append(part)
            elif self._subtype == "alternative":
                self._add_alternative(part)
            else:
                self._add(part)
        if self._subtype == "alternative":
            self._share(text_before, html_before)

    def _descend(self, part: Part) -> None:
        subtype = part.media_type.partition("/")[2]
        alternative = self._alternative or subtype == "alternative"
        level = _Level(subtype, self._text, self._html, self._attachments, alternative=alternative)
        level.sort(_root_first(part) if subtype == "related" else part.children)

    def _is_body(self, part: Part, index: int) -> bool:
        """Whether a leaf is to be read: text that is not the first and has a name is a file."""
        if part.media_type not in (PLAIN, HTML) or part.disposition.value == "attachment":
            return False
        return index == 0 or (self._subtype != "related" and not part.name)

    def _add_alternative(self, part: Part) -> None:
        body = self._text if part.media_type == PLAIN else self._html
        (self._attachments if body is None else body).append(part)

    def _add(self, part: Part) -> None:
        if self._alternative and part.media_type == PLAIN:
            self._html = None
        if self._alternative and part.media_type == HTML:
            self._text = None
        for body in (self._text, self._html):
            if body is not None:
                body.append(part)

    def _share(self, text_before: int, html_before: int) -> None:
        """Let an alternative that has one form only stand for the other form too."""
        if self._text is None or self._html is None:
            return
        if len(self._text) == text_before:
            self._text.extend(self._html[html_before:])
        elif len(self._html) == html_before:
            self._html.extend(self._text[text_before:])


def _length(body: list[Part] | None) -> int:
    return -1 if body is None else len(body)


def _root_first(related: Part) -> tuple[Part, ...]:
    """Return the children with the one that `start` names in front (RFC 2387)."""
    start = related.content_type.get("start").encode("utf-8", "surrogateescape")
    return tuple(
        sorted(
            related.children, key=lambda part: not start or part.headers.get("content-id") != start
        ),
    )
