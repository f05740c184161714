"""`GET /v1/files/{token}`: the file behind a link, as a download that no browser acts on."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response, StreamingResponse

from common.core.errors import PoisonError
from common.edges.objects import PIECE_BYTES, ObjectStore
from common.edges.originals import find_original
from timeline.core.file_links import ORIGINAL, ExpiredLinkError, FileLink
from timeline.core.serving import NoSuchRangeError, Span, asked_part, disposition, served_type
from timeline.edges.entries import OneEntry, entry_by_id
from timeline.edges.file_links import FileLinks, held_file, original_name
from timeline.edges.openapi import FILE_ANSWERS, refusals

Token = Annotated[str, Path(description="from the `url` of a link", max_length=2_000)]
Part = Annotated[
    str | None,
    Header(alias="range", description="one range of bytes (RFC 9110 §14.2)", max_length=100),
]

_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "private, no-store",
    "accept-ranges": "bytes",
}


class Source(Struct, frozen=True):
    """What is served: its name and type, its size in bytes, and how a part of it is read."""

    name: str
    media_type: str
    size: int
    read: Callable[[Span], AsyncIterator[bytes]]


def files_routes(
    engine: AsyncEngine, links: FileLinks, objects: Callable[[], ObjectStore]
) -> APIRouter:
    """Return `/v1/files`. The link is the right to read: no token is asked for."""
    routes = APIRouter(prefix="/v1", tags=["entries"], responses=refusals(403, 404, 422, 503))

    @routes.get(
        "/files/{token}",
        summary="The file behind a link",
        responses={**FILE_ANSWERS, **refusals(410, 416)},
        response_class=Response,
    )
    async def file(token: Token, asked: Part = None) -> Response:
        """Send it as a download under its own name, or a range of it if one is asked for."""
        link = _link(links, token)
        one = await entry_by_id(engine, link.tenant, link.entry)
        if one is None:
            raise HTTPException(404, "no such file")
        if one.item.unsent_at is not None:
            raise HTTPException(410, "the message was unsent")
        try:
            source = await _source(one, link, objects())
        except (KeyError, PoisonError) as error:
            raise HTTPException(404, "no such file") from error
        return _answer(source, asked)

    return routes


def _link(links: FileLinks, token: str) -> FileLink:
    try:
        return links.keys.link(token, links.clock())
    except ExpiredLinkError as error:
        raise HTTPException(403, "the link has expired: ask for another") from error
    except ValueError as error:
        raise HTTPException(403, str(error)) from error


async def _source(one: OneEntry, link: FileLink, objects: ObjectStore) -> Source:
    """Return what a link leads to, if the entry still says so. Raises KeyError, PoisonError."""
    if link.place == ORIGINAL:
        return await _original(one, link, objects)
    shown = held_file(one, link.place)
    if shown.location != link.location:
        raise KeyError(link.location)

    def read(part: Span) -> AsyncIterator[bytes]:
        return objects.pieces(link.location, part.start, part.length)

    return Source(shown.name, shown.media_type, await objects.size(link.location), read)


async def _original(one: OneEntry, link: FileLink, objects: ObjectStore) -> Source:
    message = one.message
    if message is None or message.raw_ref != link.location:
        raise KeyError(link.location)
    original = await find_original(objects, link.location)
    if (original.provider, original.account) != (message.provider, message.account):
        raise KeyError(link.location)  # originals of all tenants lie side by side
    name, media_type = original_name(one.entry.event_id, message)

    async def read(part: Span) -> AsyncIterator[bytes]:
        for piece in _pieces(original.body[part.start : part.start + part.length]):
            yield piece

    return Source(name, media_type, len(original.body), read)


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES))


def _answer(source: Source, asked: str | None) -> Response:
    try:
        part = asked_part(asked, source.size)
    except NoSuchRangeError as error:
        headers = {"content-range": f"bytes */{source.size}"}
        raise HTTPException(416, str(error), headers) from error
    headers = _HEADERS | {"content-disposition": disposition(source.name)}
    if part is not None:
        last = part.start + part.length - 1
        headers["content-range"] = f"bytes {part.start}-{last}/{source.size}"
    sent = part or Span(0, source.size)
    headers["content-length"] = str(sent.length)
    return StreamingResponse(
        source.read(sent), 206 if part else 200, headers, served_type(source.media_type)
    )
