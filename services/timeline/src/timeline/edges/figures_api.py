"""`GET /v1/figures`: how well customers were served, by time and by whom."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.edges.clock import Clock
from common.edges.database import reading
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.figures import DEFINITIONS, Dimension, Figure
from timeline.core.figures_periods import Period, Stretches, stretches
from timeline.core.figures_table import FiguresAnswer, sheet
from timeline.core.values import storable
from timeline.edges.figures_examples import FIGURES, SHEET
from timeline.edges.figures_read import Question, TooManyRowsError, figures
from timeline.edges.figures_targets import targets_for
from timeline.edges.openapi import answered, refusals

SCOPE = "figures:read"
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)

_DIMENSION = f"({'|'.join(Dimension)})"
_Member = Annotated[str, Field(max_length=100)]
_ZONES = available_timezones()
_CSV = "text/csv"
_ANSWER: dict[str, Any] = answered(FiguresAnswer, "The figure, period by period", FIGURES)
_ANSWER["content"][_CSV] = {"schema": {"type": "string"}, "example": SHEET}


class Format(StrEnum):
    """How the answer is written."""

    JSON = "json"
    CSV = "csv"


class Asked(BaseModel):
    """The parameters of a question."""

    model_config = ConfigDict(frozen=True)

    figure: Figure = Field(description="what is asked for; docs/figures.md defines each")
    by: str = Field(
        "",
        description="by what it is told apart, with commas between",
        pattern=rf"^({_DIMENSION}(,{_DIMENSION}){{0,5}})?$",
        examples=["queue,channel"],
    )
    period: Period = Field(Period.DAY, description="how long the time of a row is")
    first: date = Field(
        alias="from",
        description="the first day",
        ge=FIRST_DAY,
        le=LAST_DAY,
        examples=["2026-11-01"],
    )
    until: date = Field(
        description="the day after the last one", ge=FIRST_DAY, le=LAST_DAY, examples=["2026-12-01"]
    )
    tz: str | None = Field(
        None,
        description="time zone of days and hours (IANA); none = the company's",
        max_length=64,
        examples=["Asia/Tokyo"],
    )
    channel: list[_Member] = Field([], description="only of these channels", max_length=50)
    queue: list[_Member] = Field([], description="only of these queues", max_length=50)
    plan: list[_Member] = Field([], description="only of these plans", max_length=50)
    team: list[_Member] = Field(
        [], description="only of these teams; empty = of none", max_length=50
    )
    agent: list[_Member] = Field([], description="only of these agents", max_length=50)
    format: Format = Field(Format.JSON, description="how the answer is written")
    bom: bool = Field(
        default=False, description="CSV begins with a mark by which Excel knows UTF-8"
    )


def figure_routes(
    engine: AsyncEngine, verifier: TokenVerifier, clock: Clock, zone: str
) -> APIRouter:
    """Return `/v1/figures`. `zone` is the time zone of questions that name none."""
    routes = APIRouter(prefix="/v1", tags=["figures"], responses=refusals(401, 403, 422, 503))
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]

    @routes.get(
        "/figures",
        summary="A service figure by period, and by what else it is told apart",
        responses={200: _ANSWER},
        response_class=Response,
    )
    async def ask(principal: reader, asked: Annotated[Asked, Query()]) -> Response:
        """Give a row for each period, and with `by` for each member in which something counts.

        Figures follow the bus within moments and change when something is told late. Rates are in
        per cent, durations in seconds of wall time; percentiles are exact.
        """
        question = _question(principal.tenant, asked, asked.tz or zone)
        time = _time(question)
        async with reading(engine, principal.tenant) as connection:
            targets = await targets_for(
                connection, principal.tenant, question.figure, question.period
            )
            try:
                answer = await figures(connection, question, time, targets, clock())
            except TooManyRowsError as error:
                raise HTTPException(422, str(error)) from error
        return _csv(answer, asked) if asked.format is Format.CSV else _json(answer)

    return routes


def _question(tenant: str, asked: Asked, zone: str) -> Question:
    by = tuple(Dimension(name) for name in dict.fromkeys(filter(None, asked.by.split(","))))
    members: dict[Dimension, tuple[str, ...]] = {
        name: tuple(storable(member) for member in getattr(asked, name))
        for name in Dimension
        if name is not Dimension.HOUR and getattr(asked, name)
    }
    unfit = sorted({*by, *members} - DEFINITIONS[asked.figure].dimensions)
    if unfit:
        raise HTTPException(422, f"{asked.figure} is not told apart by {', '.join(unfit)}")
    return Question(
        tenant=tenant,
        figure=asked.figure,
        period=asked.period,
        zone=zone,
        first=asked.first,
        until=asked.until,
        by=by,
        only=members,
    )


def _time(question: Question) -> Stretches:
    if question.zone not in _ZONES:
        raise HTTPException(422, "tz: no such time zone, want a name like Asia/Tokyo")
    if question.first >= question.until:
        raise HTTPException(422, "until: must be after `from`; it is the day after the last one")
    zone, by_hour = ZoneInfo(question.zone), Dimension.HOUR in question.by
    try:
        return stretches(question.first, question.until, question.period, zone, by_hour=by_hour)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


def _json(answer: FiguresAnswer) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _csv(answer: FiguresAnswer, asked: Asked) -> Response:
    name = f"{answer.figure}-{answer.first}-{answer.until}.csv"
    return Response(
        sheet(answer, byte_order_mark=asked.bom),
        media_type=_CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
