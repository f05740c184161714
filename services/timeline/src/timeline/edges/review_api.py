"""`/v1/review`, `/v1/suggestions` and `/v1/blocklist`: what people decide about who is who."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from starlette.responses import Response

from common.core.identity_events import DecisionKind, IdentityDecided
from common.edges.database import reading
from common.edges.idempotency import Asked, asked
from common.edges.tokens import Principal
from timeline.core.guards import Reason, mailbox_of
from timeline.core.values import canonical
from timeline.edges.access_watch import shows
from timeline.edges.asked import existing
from timeline.edges.blocking import blocked_after
from timeline.edges.decisions import Asking
from timeline.edges.identity_questions import close_suggestion, pair_of, review, reviews
from timeline.edges.identity_surface import Identities, answer_of, answers, decided
from timeline.edges.identity_views import BlockedView, BlocklistView, NoteBody, ReviewPage
from timeline.edges.openapi import refusals
from timeline.edges.people import person_in


class ReviewState(StrEnum):
    """What became of it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    SETTLED = "settled"


Keyed = Annotated[Asked, Depends(asked)]
ReviewId = Annotated[UUID, Path(description="`review_id` of the list")]
SuggestionId = Annotated[UUID, Path(description="`suggestion_id` of a customer's suggestions")]
Limit = Annotated[int, Query(ge=1, le=200, description="most items on the page")]
Contact = Annotated[
    str,
    Path(
        min_length=3,
        max_length=400,
        description="a contact, or `email:info@` for that mailbox in any domain",
        openapi_examples={
            "mailbox": {"value": "email:info@"},
            "number": {"value": "tel:0312345678"},
        },
    ),
]


def review_routes(people: Identities) -> APIRouter:
    """Return the routes; other tenants' reviews do not exist."""
    routes = APIRouter(
        prefix="/v1", tags=["who is who"], responses=refusals(401, 403, 404, 422, 503)
    )
    _reviewing(routes, people)
    _suggested(routes, people)
    _blocklist(routes, people)
    return routes


def _reviewing(routes: APIRouter, people: Identities) -> None:
    reader = Annotated[Principal, people.readers()]
    writer = Annotated[Principal, people.writers()]

    @routes.get(
        "/review",
        summary="What was not linked",
        responses=answers(ReviewPage, "Oldest first"),
        response_class=Response,
    )
    async def listed(
        principal: reader,
        request: Request,
        state: ReviewState = ReviewState.OPEN,
        reason: Reason | None = None,
        after: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
        limit: Limit = 50,
    ) -> Response:
        """Tell which profile names which contact, by which event, and why nobody was linked by it."""
        async with reading(people.reader, principal.tenant) as connection:
            found = await reviews(connection, principal.tenant, state, reason, after, limit + 1)
        items = list(found[:limit])
        whom = ((item.profile_customer, item.contact_customer) for item in items)
        shows(request, [one for pair in whom for one in pair if one])
        more = str(items[-1].review_id) if len(found) > limit else None
        answer = ReviewPage(items=items, next=more)
        return answer_of(answer)

    @routes.post(
        "/review/{review_id}/accept",
        summary="The profile is right",
        responses=decided(),
        response_class=Response,
    )
    async def accept(
        principal: writer, review_id: ReviewId, request: Keyed, body: NoteBody | None = None
    ) -> Response:
        """Link the contact: whom the profile is about and whose the contact is are one customer."""

        async def make(asking: Asking) -> IdentityDecided:
            found = existing(await review(asking.connection, asking.tenant, review_id), "review")
            if found.state == ReviewState.ACCEPTED:
                raise HTTPException(409, "it is accepted")
            return await asking.accepted(found.customer_ref, found.contact)

        return await people.decide(principal, request, make, body=body)

    @routes.post(
        "/review/{review_id}/dismiss",
        summary="The profile is wrong",
        responses=decided(),
        response_class=Response,
    )
    async def dismiss(
        principal: writer, review_id: ReviewId, request: Keyed, body: NoteBody | None = None
    ) -> Response:
        """Let this profile's claim to the contact never count."""

        async def make(asking: Asking) -> IdentityDecided:
            found = existing(await review(asking.connection, asking.tenant, review_id), "review")
            return asking.dismissed(found.customer_ref, found.contact)

        return await people.decide(principal, request, make, body=body)


def _suggested(routes: APIRouter, people: Identities) -> None:
    writer = Annotated[Principal, people.writers()]

    async def answered(
        principal: Principal, suggestion: UUID, request: Asked, state: str, body: NoteBody | None
    ) -> Response:
        async def make(asking: Asking) -> IdentityDecided:
            connection, tenant = asking.connection, asking.tenant
            one, other, _ = existing(await pair_of(connection, tenant, suggestion), "suggestion")
            two = (
                await person_in(connection, tenant, one),
                await person_in(connection, tenant, other),
            )
            if two[0] is None or two[1] is None:
                raise HTTPException(409, "one of the profiles is about nobody")
            if state == "accepted":
                return await asking.together(two[0].id, two[1].id)
            return await asking.kept(DecisionKind.APART, two[0].id, two[1].id)

        async def close(asking: Asking) -> None:
            told: dict[str, object] = {"person": asking.person, "at": asking.at}
            await close_suggestion(asking.connection, asking.tenant, suggestion, state, told)

        return await people.decide(principal, request, make, body=body, after=close)

    @routes.post(
        "/suggestions/{suggestion_id}/accept",
        summary="They are the same person",
        responses=decided(),
        response_class=Response,
    )
    async def accept(
        principal: writer, suggestion_id: SuggestionId, request: Keyed, body: NoteBody | None = None
    ) -> Response:
        """Make one customer of the two."""
        return await answered(principal, suggestion_id, request, "accepted", body)

    @routes.post(
        "/suggestions/{suggestion_id}/reject",
        summary="They are two people",
        responses=decided(),
        response_class=Response,
    )
    async def reject(
        principal: writer, suggestion_id: SuggestionId, request: Keyed, body: NoteBody | None = None
    ) -> Response:
        """Keep the two apart whatever evidence comes."""
        return await answered(principal, suggestion_id, request, "rejected", body)


def _blocklist(routes: APIRouter, people: Identities) -> None:
    reader = Annotated[Principal, people.readers()]
    writer = Annotated[Principal, people.writers()]

    @routes.get(
        "/blocklist",
        summary="Contacts that are nobody's own",
        responses=answers(BlocklistView, "In the order of their letters"),
        response_class=Response,
    )
    async def listed(
        principal: reader,
        after: Annotated[str, Query(max_length=400, description="`next` of the page before")] = "",
        limit: Limit = 200,
    ) -> Response:
        """Tell which contacts link nobody: switchboards, `info@`, a family's telephone."""
        if "\0" in after:
            raise HTTPException(422, "after: contains U+0000")
        async with reading(people.reader, principal.tenant) as connection:
            found = await blocked_after(connection, principal.tenant, after, limit + 1)
        shown = [BlockedView.model_validate(one, from_attributes=True) for one in found[:limit]]
        more = shown[-1].contact if len(found) > limit else None
        answer = BlocklistView(blocked=shown, next=more)
        return answer_of(answer)

    @routes.put(
        "/blocklist/{contact}",
        summary="This is nobody's own",
        responses=decided(),
        response_class=Response,
    )
    async def block(
        principal: writer, contact: Contact, request: Keyed, body: NoteBody | None = None
    ) -> Response:
        """Let a contact link nobody; what it had linked is undone at once."""
        return await _list(principal, contact, request, DecisionKind.BLOCK, body)

    @routes.delete(
        "/blocklist/{contact}",
        summary="This may be somebody's own",
        responses=decided(),
        response_class=Response,
    )
    async def unblock(principal: writer, contact: Contact, request: Keyed) -> Response:
        """Let a contact link again; what names it counts at once."""
        return await _list(principal, contact, request, DecisionKind.UNBLOCK, None)

    async def _list(
        principal: Principal,
        contact: str,
        request: Asked,
        kind: DecisionKind,
        body: NoteBody | None,
    ) -> Response:
        pattern = _pattern(contact, people.region)

        async def make(asking: Asking) -> IdentityDecided:
            return asking.listed(kind, pattern)

        return await people.decide(principal, request, make, body=body)


def _pattern(written: str, region: str) -> str:
    """Return a contact or a mailbox as they are kept. Answers 400 for what is neither."""
    if written.startswith("email:") and written.endswith("@"):
        whole = canonical(written + "example.jp", region)
        if whole is not None and whole.count("@") == 1:
            return mailbox_of(whole)
    found = canonical(written, region)
    if found is None:
        raise HTTPException(400, "contact: not a contact, want kind:value or email:mailbox@")
    return found
