"""`POST /v1/customers/{id}/exports`, how far it is, and the file itself behind a short-lived link."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response, StreamingResponse

from common.edges.database import reading
from common.edges.idempotency import Asked, asked
from common.edges.tokens import Principal, bearer
from timeline.core.export_link import is_good, signature
from timeline.edges.erasure_asking import meant
from timeline.edges.export_worker import key_of
from timeline.edges.privacy_answers import ExportView
from timeline.edges.privacy_store import ask_export, export_row
from timeline.edges.privacy_surface import NO_KEY, READ, WRITE, Rights, json, refused, told

LINK_GOOD = timedelta(minutes=10)

_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "private, no-store",
}

ExportId = Annotated[UUID, Path(description="the `id` of an export")]


def export_routes(rights: Rights) -> APIRouter:
    """Return the routes on exports."""
    routes = APIRouter(prefix="/v1", tags=["privacy"], responses=refused())
    may_write = Annotated[Principal, Depends(bearer(rights.verifier, WRITE))]
    may_read = Annotated[Principal, Depends(bearer(rights.verifier, READ, WRITE))]

    @routes.post(
        "/customers/{customer_id}/exports",
        status_code=202,
        summary="Write down all that is known of a customer, for the customer",
        responses={202: told(ExportView, "The export is asked for"), **NO_KEY},
        response_class=Response,
    )
    async def ask(
        principal: may_write,
        customer_id: Annotated[UUID, Path(description="a customer's id, current or merged away")],
        request: Annotated[Asked, Depends(asked)],
    ) -> Response:
        """Ask for a ZIP of `data.json`, a page to read and the files; see `url` when it is ready."""

        async def work(connection: AsyncConnection) -> ExportView:
            current, *_ = await meant(connection, principal.tenant, customer_id)
            by, now = principal.subject, rights.clock()
            row = await ask_export(connection, principal.tenant, current, by, now)
            return _view(rights, principal.tenant, row)

        return await rights.act(principal, request, 202, work)

    @routes.get(
        "/exports/{export_id}",
        summary="How far an export is, and a link to it",
        responses={200: told(ExportView, "The export"), **NO_KEY},
        response_class=Response,
    )
    async def show(principal: may_read, export_id: ExportId) -> Response:
        async with reading(rights.reader, principal.tenant) as connection:
            row = await export_row(connection, principal.tenant, export_id)
        return json(_view(rights, principal.tenant, row))

    @routes.get(
        "/exports/{export_id}/download",
        summary="The export behind a link",
        responses={
            200: {
                "description": "The ZIP",
                "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            },
            **NO_KEY,
        },
        response_class=Response,
    )
    async def download(
        export_id: ExportId,
        tenant: Annotated[str, Query(max_length=63)],
        expires: Annotated[int, Query(ge=0, le=2**53)],
        signed: Annotated[str, Query(alias="signature", max_length=64, pattern="^[0-9a-f]*$")],
    ) -> Response:
        """Send the file. The link is the right to read: no token is asked for."""
        if not is_good(rights.key(), tenant, export_id, expires, signed, rights.clock()):
            raise HTTPException(403, "the link has expired or is none of ours")
        async with reading(rights.reader, tenant) as connection:
            row = await export_row(connection, tenant, export_id)
        if row is None or row.state != "ready":
            raise HTTPException(404, "no such export")
        name = f'attachment; filename="export-{export_id}.zip"'
        headers = {"content-disposition": name, "content-length": str(row.bytes), **_HEADERS}
        pieces = rights.objects().pieces(key_of(tenant, export_id), 0, row.bytes)
        return StreamingResponse(pieces, 200, headers, "application/zip")

    return routes


def _view(rights: Rights, tenant: str, row: Row[Any] | None) -> ExportView:
    if row is None:
        raise HTTPException(404, "no such export")
    until = rights.clock() + LINK_GOOD
    ready = row.state == "ready"
    expires = int(until.timestamp())
    signed = signature(rights.key(), tenant, row.id, expires) if ready else ""
    return ExportView(
        id=row.id,
        state="deleted" if row.state == "unwanted" else row.state,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        ready_at=row.ready_at,
        expires_at=row.expires_at,
        entries=row.entries,
        bytes=row.bytes,
        sha256=row.sha256,
        url=f"/v1/exports/{row.id}/download?tenant={tenant}&expires={expires}&signature={signed}"
        if ready
        else None,
        url_expires_at=until if ready else None,
    )
