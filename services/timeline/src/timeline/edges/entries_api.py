"""One entry, its HTML, and short-lived links to its files and its original."""

import asyncio
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.core.events import Message
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.mail_page import content_policy, mail_page, origin_of, pictures
from timeline.edges.access_watch import shows
from timeline.edges.asked import SCOPE, existing, json_answer
from timeline.edges.entries import OneEntry, entry_by_id
from timeline.edges.file_links import FileLinks
from timeline.edges.openapi import ENTRY_ANSWER, FILE_LINK_ANSWER, HTML_ANSWER, refusals

ORIGINALS_SCOPE = "timeline:originals"

EntryId = Annotated[UUID, Path(description="an entry's id, which is its event's")]
Place = Annotated[int, Path(description="its place in `attachments`, from 0", ge=0, le=1_000_000)]


def entries_routes(engine: AsyncEngine, verifier: TokenVerifier, links: FileLinks) -> APIRouter:
    """Return `/v1/entries`; other tenants' entries do not exist."""
    routes = APIRouter(prefix="/v1", tags=["entries"], responses=refusals(401, 403, 404, 422, 503))
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]
    originals_reader = Annotated[Principal, Depends(bearer(verifier, ORIGINALS_SCOPE))]

    async def found(request: Request, tenant: str, entry_id: UUID) -> OneEntry:
        one = existing(await entry_by_id(engine, tenant, entry_id), "entry")
        shows(request, [one.customer])
        return one

    @routes.get(
        "/entries/{entry_id}",
        summary="One entry as it is shown now",
        responses={200: ENTRY_ANSWER},
        response_class=Response,
    )
    async def show(request: Request, principal: reader, entry_id: EntryId) -> Response:
        return json_answer((await found(request, principal.tenant, entry_id)).known)

    @routes.get(
        "/entries/{entry_id}/html",
        summary="The HTML of a mail, safe to show",
        responses={200: HTML_ANSWER, **refusals(410)},
        response_class=Response,
    )
    async def html(request: Request, principal: reader, entry_id: EntryId) -> Response:
        """Nothing runs, and nothing is loaded from elsewhere.

        Pictures that came with the mail are links that end soon. Show it in a frame with `sandbox`.
        """
        one = await found(request, principal.tenant, entry_id)
        message = _shown(one)
        if not message.html:
            raise HTTPException(404, "it has no HTML: show its text")
        policy = content_policy(origin_of(links.base))
        page = await asyncio.to_thread(mail_page, message, _pictures(one, links), policy)
        return Response(page, headers=_headers(policy), media_type="text/html; charset=utf-8")

    @routes.get(
        "/entries/{entry_id}/attachments/{place}",
        summary="A link to a file of a message",
        responses={200: FILE_LINK_ANSWER, **refusals(410)},
        response_class=Response,
    )
    async def attachment(
        principal: reader, entry_id: EntryId, place: Place, request: Request
    ) -> Response:
        """Whoever has the link may read the file until `expires_at`, and needs no token."""
        one = await found(request, principal.tenant, entry_id)
        _shown(one)
        return json_answer(links.attachment(one, place))

    @routes.get(
        "/entries/{entry_id}/original",
        summary="A link to a message as it reached us",
        responses={200: FILE_LINK_ANSWER, **refusals(410)},
        response_class=Response,
    )
    async def original(
        principal: originals_reader, entry_id: EntryId, request: Request
    ) -> Response:
        """Lead to the mail or the request, byte for byte, with all that came in it."""
        one = await found(request, principal.tenant, entry_id)
        return json_answer(links.original(one, _shown(one)))

    return routes


def _shown(one: OneEntry) -> Message:
    if one.item.unsent_at is not None:
        raise HTTPException(410, "the message was unsent")
    if one.message is None:
        raise HTTPException(404, "it is no message")
    return one.message


def _pictures(one: OneEntry, links: FileLinks) -> dict[str, str]:
    """Return links to the pictures that a mail shows within itself; what is not held has none."""
    found: dict[str, str] = {}
    for content_id, place in pictures(one.item.attachments).items():
        with suppress(HTTPException):
            found[content_id] = links.attachment(one, place).url
    return found


def _headers(policy: str) -> dict[str, str]:
    return {
        "content-security-policy": f"{policy}; sandbox",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "private, no-store",
    }
