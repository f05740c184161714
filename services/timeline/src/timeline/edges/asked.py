"""What a question about a history may name, and the answers where there is nothing to tell."""

from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from fastapi import HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from common.core.events import Direction
from timeline.core.cursor import Cursor, read_cursor
from timeline.core.selection import STARTS, Selection
from timeline.core.values import storable, utc

Found = TypeVar("Found")

SCOPE = "timeline:read"
MOST_ENTRIES = 200
MOST_NAMES = 20

CustomerId = Annotated[UUID, Path(description="a customer's id, current or merged away")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Names = Annotated[tuple[Name, ...], Field(max_length=MOST_NAMES)]


class AskedPage(BaseModel):
    """The parameters of any page of a history."""

    model_config = ConfigDict(frozen=True)

    limit: int = Field(50, description="most entries on the page", ge=1, le=MOST_ENTRIES)
    as_of: datetime | None = Field(None, description="as it was known at this moment")

    @property
    def moment(self) -> datetime | None:
        """Return `as_of` in UTC."""
        return self.as_of and utc(self.as_of)


class AskedTimeline(AskedPage):
    """The parameters of a page of all that happened."""

    before: str | None = Field(
        None, description="`next` of the page before; none = the newest", max_length=200
    )
    channel: Names = Field((), description="only of these channels", examples=[["email", "line"]])
    direction: Direction | None = Field(None, description="only what customers, or we, wrote")
    kind: Names = Field((), description="only of these kinds", examples=[["message", "call"]])
    case: UUID | None = Field(None, description="only of this case: its messages and its events")
    conversation: UUID | None = Field(None, description="only messages of this conversation")
    since: datetime | None = Field(None, description="what happened then or later", alias="from")
    until: datetime | None = Field(None, description="what happened before then")

    @property
    def selection(self) -> Selection:
        """Return what is asked for."""
        return Selection(
            channels=tuple(map(storable, self.channel)),
            direction=self.direction,
            kinds=tuple(map(storable, self.kind)),
            case=self.case,
            conversation=self.conversation,
            since=self.since and utc(self.since),
            until=self.until and utc(self.until),
            as_of=self.moment,
        )


def start_of(name: str, cursor: str | None, wanted: Selection, mark: bytes | None = None) -> Cursor:
    """Return where a page begins. Answers 400 for what is no cursor of this question.

    Its mark is that of what is wanted, if it has none of its own.
    """
    if cursor is None:
        return STARTS[wanted.order]
    try:
        return read_cursor(cursor, wanted.mark if mark is None else mark)
    except ValueError as error:
        raise HTTPException(400, f"{name}: {error}") from error


def existing(found: Found | None, what: str = "customer") -> Found:
    """Return what was found. Answers 404 where nothing was."""
    if found is None:
        raise HTTPException(404, f"no such {what}")
    return found


def json_answer(answer: msgspec.Struct) -> Response:
    """Return a Struct as it is served."""
    return Response(msgspec.json.encode(answer), media_type="application/json")
