"""What activities have in common, whoever publishes them: calls, visits, purchases, answers.

`Activity.attributes` is open. Names that many publishers use are read here, each only where its
value is of the kind that the name means; everything stands in the event's data besides.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.events import Activity, Direction
from timeline.core.values import storable

Value = TypeVar("Value")

LONGEST_TEXT = 500


class ShownActivity(Struct, frozen=True, kw_only=True):
    """A call, a visit or something else that was noted; None is what nobody told.

    `duration_seconds` is how long it took, `agent` who had it for the company, `outcome` how it
    ended, `place` where it was, `reference` its name in the system that tells of it.
    """

    summary: str
    direction: Direction | None = None
    duration_seconds: float | None = None
    agent: str | None = None
    outcome: str | None = None
    place: str | None = None
    reference: str | None = None
    case: UUID | None = None


_read = msgspec.json.Decoder(Activity).decode


def read_activity(body: bytes) -> ShownActivity:
    """Return an activity's fields out of its event's JSON."""
    data = _read(body)
    return activity_told(data.attributes, data.summary)


def activity_told(attributes: Mapping[str, Any], summary: str = "") -> ShownActivity:
    """Return what the attributes tell, under the names in docs/api.md."""
    return ShownActivity(
        summary=summary,
        direction=_as(Direction, attributes.get("direction")),
        duration_seconds=_as(float, attributes.get("duration_seconds")),
        agent=_text(attributes.get("agent")),
        outcome=_text(attributes.get("outcome")),
        place=_text(attributes.get("place")),
        reference=_text(attributes.get("reference")),
        case=_as(UUID, attributes.get("case_id")),
    )


def _as(kind: type[Value], told: object) -> Value | None:
    if told is None:
        return None
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError:
        return None


def _text(told: object) -> str | None:
    found = _as(str, told)
    return storable(found[:LONGEST_TEXT]) if found else None
