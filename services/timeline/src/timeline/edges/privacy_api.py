"""Erasure, certificates, legal hold, retention, and who read whom."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import PlainTextResponse, Response

from common.edges.database import reading
from common.edges.idempotency import Asked, asked
from common.edges.problems import problem
from common.edges.tokens import Principal, bearer
from timeline.core.erasure_certificate import readable
from timeline.core.retention import RetentionRule
from timeline.edges.access_log import Sought, page
from timeline.edges.erasure_asking import (
    ErasureView,
    HoldView,
    erase,
    erasure_of,
    hold,
    hold_of,
    meant,
    release,
)
from timeline.edges.erasure_store import Asked as Ground
from timeline.edges.erasure_worker import begun_at
from timeline.edges.privacy_answers import (
    AccessLine,
    AccessPage,
    AskedErasure,
    AskedHold,
    AskedRetention,
    RetentionView,
)
from timeline.edges.privacy_store import rules_of, set_rules
from timeline.edges.privacy_surface import AUDIT, READ, WRITE, Rights, json, refused, told
from timeline.edges.reader import current_id

CustomerId = Annotated[UUID, Path(description="a customer's id, current or merged away")]
ErasureId = Annotated[UUID, Path(description="the `id` of an erasure")]
Request = Annotated[Asked, Depends(asked)]
_NEWEST = 2**62


def privacy_routes(rights: Rights) -> APIRouter:
    """Return the routes on erasure, hold and retention."""
    routes = APIRouter(prefix="/v1", tags=["privacy"], responses=refused())
    may_write = Annotated[Principal, Depends(bearer(rights.verifier, WRITE))]
    may_read = Annotated[Principal, Depends(bearer(rights.verifier, READ, WRITE))]

    @routes.post(
        "/customers/{customer_id}/erasures",
        status_code=202,
        summary="Erase a customer: entries, search, files, originals, cases' words, the bus",
        responses={
            202: told(ErasureView, "The erasure has begun"),
            **refused(_409="Under a legal hold, merged just now, or there is no privacy key"),
        },
        response_class=Response,
    )
    async def begin(
        principal: may_write,
        customer_id: CustomerId,
        ground: Annotated[AskedErasure, Body()],
        request: Request,
    ) -> Response:
        """Cut the customer off from everything at once, and delete what there is soon after."""
        key, tenant = rights.key(), principal.tenant
        why = Ground(basis=ground.basis, reference=ground.reference, asked_by=principal.subject)

        async def work(connection: AsyncConnection) -> ErasureView:
            return await erase(connection, tenant, customer_id, why, key, begun_at(rights.clock()))

        return await rights.act(principal, request, 202, work)

    @routes.get(
        "/erasures/{erasure_id}",
        summary="How far an erasure is, and its certificate",
        responses={200: told(ErasureView, "The erasure")},
        response_class=Response,
    )
    async def show(principal: may_read, erasure_id: ErasureId) -> Response:
        async with reading(rights.reader, principal.tenant) as connection:
            return json(await erasure_of(connection, principal.tenant, erasure_id))

    @routes.get(
        "/erasures/{erasure_id}/certificate",
        summary="The certificate as people read it, in Japanese and English",
        responses={
            200: {"description": "The certificate", "content": {"text/plain": {}}},
            **refused(_409="There is no certificate yet"),
        },
        response_class=Response,
    )
    async def certificate(principal: may_read, erasure_id: ErasureId) -> Response:
        async with reading(rights.reader, principal.tenant) as connection:
            found = await erasure_of(connection, principal.tenant, erasure_id)
        if found.certificate is None:
            return problem(409, f"the erasure is {found.state}: there is no certificate yet")
        return PlainTextResponse(readable(found.certificate))

    _add_holds(routes, rights)
    _add_retention(routes, rights)
    return routes


def access_routes(rights: Rights) -> APIRouter:
    """Return `/v1/access-log`."""
    routes = APIRouter(prefix="/v1", tags=["privacy"], responses=refused())
    may_audit = Annotated[Principal, Depends(bearer(rights.verifier, AUDIT))]

    @routes.get(
        "/access-log",
        summary="Who read whom, newest first",
        responses={200: told(AccessPage, "Records")},
        response_class=Response,
    )
    async def log(
        principal: may_audit,
        customer: Annotated[UUID | None, Query(description="about whom, by any id")] = None,
        subject: Annotated[str | None, Query(description="by whom", max_length=200)] = None,
        before: Annotated[int | None, Query(description="`next`", ge=1, le=_NEWEST)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """Give a page. It cannot be changed: by no route, and by nothing that the service may do."""
        async with reading(rights.reader, principal.tenant) as connection:
            sought = Sought(
                tenant=principal.tenant,
                customers=None if customer is None else await _ids(connection, principal, customer),
                subject=subject and subject.replace("\x00", "\ufffd"),
                before=before or _NEWEST,
                limit=limit + 1,
            )
            found = await page(connection, sought)
        shown = found[:limit]
        lines = tuple(
            AccessLine(
                sequence=one.sequence,
                at=one.access.at,
                subject=one.access.subject,
                route=one.access.route,
                customer=one.access.customer,
                request_id=one.access.request_id,
                hash=one.hash.hex(),
            )
            for one in shown
        )
        return json(AccessPage(lines, shown[-1].sequence if len(found) > limit else None))

    return routes


async def _ids(
    connection: AsyncConnection, principal: Principal, customer: UUID
) -> tuple[UUID, ...]:
    """Return all ids that mean a customer; of one who is erased only the one that was asked for."""
    known = await current_id(connection, principal.tenant, customer)  # type: ignore[arg-type]  # it only reads
    if known is None:
        return (customer,)
    return tuple(await meant(connection, principal.tenant, customer))


def _add_holds(routes: APIRouter, rights: Rights) -> None:
    may_write = Annotated[Principal, Depends(bearer(rights.verifier, WRITE))]
    may_read = Annotated[Principal, Depends(bearer(rights.verifier, READ, WRITE))]
    path = "/customers/{customer_id}/hold"

    @routes.put(
        path,
        summary="Let nothing of a customer be erased or deleted",
        responses={200: told(HoldView, "The legal hold")},
        response_class=Response,
    )
    async def place(
        principal: may_write,
        customer_id: CustomerId,
        why: Annotated[AskedHold, Body()],
        request: Request,
    ) -> Response:
        """Place a legal hold; where there is one, it gets this reason."""

        async def work(connection: AsyncConnection) -> HoldView:
            ids = await meant(connection, principal.tenant, customer_id)
            view = HoldView(why.reason, principal.subject, rights.clock())
            return await hold(connection, principal.tenant, ids, view)

        return await rights.act(principal, request, 200, work)

    @routes.get(
        path,
        summary="The legal hold that a customer is under",
        responses={200: told(HoldView, "The legal hold")},
        response_class=Response,
    )
    async def show(principal: may_read, customer_id: CustomerId) -> Response:
        async with reading(rights.reader, principal.tenant) as connection:
            ids = await meant(connection, principal.tenant, customer_id)
            found = await hold_of(connection, principal.tenant, ids)
        return problem(404, "no legal hold") if found is None else json(found)

    @routes.delete(
        path,
        status_code=204,
        summary="Release a customer from legal hold",
        responses={204: {"description": "There is none any more"}},
        response_class=Response,
    )
    async def end(principal: may_write, customer_id: CustomerId, request: Request) -> Response:
        async def work(connection: AsyncConnection) -> None:
            ids = await meant(connection, principal.tenant, customer_id)
            await release(connection, principal.tenant, ids, principal.subject, rights.clock())

        return await rights.act(principal, request, 204, work)


def _add_retention(routes: APIRouter, rights: Rights) -> None:
    may_write = Annotated[Principal, Depends(bearer(rights.verifier, WRITE))]
    may_read = Annotated[Principal, Depends(bearer(rights.verifier, READ, WRITE))]

    @routes.get(
        "/retention",
        summary="How long what is kept",
        responses={200: told(RetentionView, "The rules")},
        response_class=Response,
    )
    async def show(principal: may_read) -> Response:
        async with reading(rights.reader, principal.tenant) as connection:
            return json(RetentionView(await rules_of(connection, principal.tenant)))

    @routes.put(
        "/retention",
        summary="Say how long what is kept",
        responses={200: told(RetentionView, "The rules in force")},
        response_class=Response,
    )
    async def put(
        principal: may_write, wanted: Annotated[AskedRetention, Body()], request: Request
    ) -> Response:
        """Put these rules in the place of all others. What is over goes within the hour."""
        rules = [RetentionRule(rule.kind, rule.channel, rule.days) for rule in wanted.rules]

        async def work(connection: AsyncConnection) -> RetentionView:
            by, now = principal.subject, rights.clock()
            return RetentionView(await set_rules(connection, principal.tenant, rules, by, now))

        return await rights.act(principal, request, 200, work)
