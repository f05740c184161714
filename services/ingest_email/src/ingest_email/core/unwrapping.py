"""Attachments that wrap a mail (winmail.dat) are replaced by what is in them."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from ingest_email.core.bodies import HTML, PLAIN, Bodies
from ingest_email.core.headers import Headers
from ingest_email.core.parameters import Structured
from ingest_email.core.sniffing import media_type
from ingest_email.core.tnef import SIGNATURE, Tnef, Wrapped, read_tnef
from ingest_email.core.tree import Part

_MAX_STREAMS = 10
_MAX_FILES = 200
_PROBE_BYTES = 64
_MEETINGS = {
    "ipm.schedule.meeting.request": "request",
    "ipm.schedule.meeting.canceled": "cancel",
    "ipm.schedule.meeting.resp": "reply",
    "ipm.microsoft schedule.mtgreq": "request",
    "ipm.microsoft schedule.mtgcncl": "cancel",
    "ipm.microsoft schedule.mtgresp": "reply",
}


class Unwrapped(Struct, frozen=True):
    """The bodies of a mail with wrapped ones opened.

    `labels` hold `tnef`: `opened`, or `damaged` where something could not be read and the
    winmail.dat is therefore still among the attachments; and `calendar` for a meeting.
    """

    bodies: Bodies
    labels: dict[str, str] = {}


def unwrap(bodies: Bodies) -> Unwrapped:
    """Return the bodies with the files of each winmail.dat in its place.

    Its body becomes the mail's where the mail has no other. Never raises.
    """
    opened = _opened(bodies.attachments)
    if not opened:
        return Unwrapped(bodies)
    attachments: list[Part] = []
    for part in bodies.attachments:
        stream = opened.get(id(part))
        if stream is None or not stream.is_whole:
            attachments.append(part)
        if stream is not None:
            attachments.extend(_files(stream))
    kept = replace(bodies, attachments=tuple(attachments[: _MAX_FILES + len(bodies.attachments)]))
    streams = list(opened.values())
    return Unwrapped(kept if _says_something(kept) else _with_body(kept, streams), _labels(streams))


def _opened(parts: tuple[Part, ...]) -> dict[int, Tnef]:
    streams = [part for part in parts if part.beginning(len(SIGNATURE)) == SIGNATURE]
    return {id(part): read_tnef(part.content()) for part in streams[:_MAX_STREAMS]}


def _says_something(bodies: Bodies) -> bool:
    return any(part.body.strip() for part in (*bodies.text, *bodies.html))


def _with_body(bodies: Bodies, streams: list[Tnef]) -> Bodies:
    told = next((stream for stream in streams if stream.text or stream.html or stream.rtf), None)
    if told is None:
        return bodies
    text, html, rtf = _body(told)
    readable = text or html
    return replace(
        bodies,
        text=readable,
        html=html or text,
        attachments=bodies.attachments if readable else (*rtf, *bodies.attachments),
    )


def _body(stream: Tnef, name: str = "") -> tuple[tuple[Part, ...], ...]:
    """Return the text, the HTML and the RTF of a wrapped mail, each as parts, or none."""
    text = (_leaf(PLAIN, stream.text.encode("utf-8", "replace"), "utf-8", f"{name}.txt"),)
    html = (_leaf(HTML, stream.html, stream.html_charset, f"{name}.html"),)
    rtf = (_leaf("application/rtf", stream.rtf, "", f"{name or 'body'}.rtf"),)
    return (
        text if stream.text.strip() else (),
        html if stream.html.strip() else (),
        rtf if stream.rtf else (),
    )


def _files(stream: Tnef) -> Iterator[Part]:
    for file in stream.files:
        yield from _message(file.message, file.name) if file.message else (_file(file),)


def _message(stream: Tnef, name: str) -> Iterator[Part]:
    """Yield a mail within the mail: its body under its subject, and its files."""
    text, html, rtf = _body(stream, stream.subject or name or "message")
    yield from html or text or rtf
    yield from _files(stream)


def _file(file: Wrapped) -> Part:
    fields = (("content-id", f"<{file.content_id}>".encode()),) if file.content_id else ()
    declared = file.media_type.strip().casefold()
    kind = media_type(declared, file.content[:_PROBE_BYTES])
    return Part(
        Headers(fields), Structured(kind), Structured("", {"filename": file.name}), file.content
    )


def _leaf(kind: str, content: bytes, charset: str, name: str) -> Part:
    named = Structured("", {"filename": name.replace("/", "／")})
    return Part(Headers(), Structured(kind, {"charset": charset}), named, content)


def _labels(streams: list[Tnef]) -> dict[str, str]:
    whole = all(stream.is_whole for stream in streams)
    labels = {"tnef": "opened" if whole else "damaged"}
    classes = [stream.message_class.casefold() for stream in streams]
    meetings = (
        method for told in classes for begin, method in _MEETINGS.items() if told.startswith(begin)
    )
    method = next(meetings, None)
    return {**labels, "calendar": method} if method else labels
