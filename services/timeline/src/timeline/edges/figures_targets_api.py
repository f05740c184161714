"""`/v1/figures/targets`: what a company sets out to reach."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.edges.clock import Clock
from common.edges.database import acting, reading
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.figures import DEFINITIONS, Dimension, Figure, Statistic
from timeline.core.figures_periods import Period
from timeline.core.figures_targets import Target, TargetsAnswer, TargetView, target_view
from timeline.core.values import storable
from timeline.edges.figures_api import FIRST_DAY, LAST_DAY, SCOPE as READ
from timeline.edges.figures_examples import ASKED_TARGET, TARGET
from timeline.edges.figures_targets import (
    TooManyTargetsError,
    delete_target,
    put_target,
    targets_of,
)
from timeline.edges.openapi import answered, refusals

WRITE = "figures:write"
FARTHEST = 1e12


class AskedTarget(BaseModel):
    """What each period is to reach, from a day on."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"example": ASKED_TARGET}
    )

    figure: Figure
    statistic: Statistic = Field(
        Statistic.VALUE,
        description="`value` of a count or rate; `mean`, `median`, `p90` of a duration",
    )
    period: Period = Field(description="of how long a time; not `total`")
    since: date = Field(
        FIRST_DAY, description="the first day on which it counts", ge=FIRST_DAY, le=LAST_DAY
    )
    target: float | None = Field(
        description="seconds, per cent, points or a number; null = none from that day on",
        ge=-FARTHEST,
        le=FARTHEST,
        allow_inf_nan=False,
    )
    dimension: Dimension | None = Field(None, description="only for one member of this dimension")
    member: str | None = Field(None, description="which; empty = whatever has none", max_length=100)

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse what no row could ever have."""
        definition = DEFINITIONS[self.figure]
        if self.statistic not in definition.statistics:
            raise ValueError(f"statistic: {self.figure} has {', '.join(definition.statistics)}")
        if self.period is Period.TOTAL:
            raise ValueError("period: total does not come again")
        if (self.dimension is None) != (self.member is None):
            raise ValueError("dimension and member go together")
        if self.dimension is not None and self.dimension not in definition.dimensions:
            raise ValueError(f"dimension: {self.figure} is not told apart by {self.dimension}")
        return self


def figure_target_routes(
    reader: AsyncEngine, writer: AsyncEngine, verifier: TokenVerifier, clock: Clock
) -> APIRouter:
    """Return `/v1/figures/targets`."""
    routes = APIRouter(
        prefix="/v1/figures/targets", tags=["figures"], responses=refusals(401, 403, 422, 503)
    )
    may_read = Annotated[Principal, Depends(bearer(verifier, READ))]
    may_write = Annotated[Principal, Depends(bearer(verifier, WRITE))]

    @routes.get(
        "",
        summary="Every target",
        responses={200: answered(TargetsAnswer, "The targets", {"targets": [TARGET]})},
        response_class=Response,
    )
    async def show(principal: may_read) -> Response:
        async with reading(reader, principal.tenant) as connection:
            stored = await targets_of(connection, principal.tenant)
        return _json(TargetsAnswer(tuple(map(target_view, stored))))

    @routes.put(
        "",
        summary="Set a target, or set it anew",
        responses={
            200: answered(TargetView, "The target as it counts now", TARGET),
            **refusals(400),
        },
        response_class=Response,
    )
    async def put(principal: may_write, asked: Annotated[AskedTarget, Body()]) -> Response:
        """Set what is to be reached. The same figure, statistic, period, member and day replace.

        A member's own target counts instead of the one for all. Earlier periods keep theirs.
        """
        async with acting(writer, principal.tenant) as connection:
            try:
                stored = await put_target(
                    connection,
                    principal.tenant,
                    _target(asked),
                    storable(principal.subject),
                    clock(),
                )
            except TooManyTargetsError as error:
                raise HTTPException(422, str(error)) from error
        return _json(target_view(stored))

    @routes.delete(
        "/{target}",
        summary="Forget a target, as if it had never been set",
        status_code=204,
        responses=refusals(404),
    )
    async def delete(principal: may_write, target: UUID) -> None:
        async with acting(writer, principal.tenant) as connection:
            known = await delete_target(connection, principal.tenant, target)
        if not known:
            raise HTTPException(404, "no such target")

    return routes


def _target(asked: AskedTarget) -> Target:
    return Target(
        figure=asked.figure,
        statistic=asked.statistic,
        period=asked.period,
        since=asked.since,
        target=asked.target,
        dimension=asked.dimension,
        member=None if asked.member is None else storable(asked.member),
    )


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
