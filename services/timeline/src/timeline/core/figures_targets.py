"""What a company sets out to reach, and whether it did."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from common.core.ids import derived_id
from timeline.core.figures import DEFINITIONS, Figure, Sense, Statistic, Unit
from timeline.core.figures_periods import Period

Cell = Mapping[str, str | int | None]  # dimension to member; None is whatever belongs to none


class Target(Struct, frozen=True, kw_only=True):
    """A statistic of a figure that each period is to reach, from the day `since` on.

    With a `dimension` it is set for one of its members only, and counts there instead of the one
    for all. A `target` of None ends an earlier one.
    """

    figure: Figure
    statistic: Statistic
    period: Period
    since: date
    target: float | None
    dimension: str | None = None
    member: str | None = None


class StoredTarget(Struct, frozen=True):
    """A target, its id, and who set it when."""

    id: UUID
    target: Target
    set_by: str
    set_at: datetime


class TargetView(Struct, frozen=True, kw_only=True):
    """A target as it is shown: with its unit, and on which side of it it is kept."""

    id: UUID
    figure: Figure
    statistic: Statistic
    period: Period
    since: date
    target: float | None
    unit: Unit
    sense: Sense
    dimension: str | None
    member: str | None
    set_by: str
    set_at: datetime


class TargetsAnswer(Struct, frozen=True):
    """All targets of a company."""

    targets: tuple[TargetView, ...]


class Judged(Struct, frozen=True):
    """The target of a statistic of a row, and whether it is kept; None where there is nothing to judge."""

    id: UUID
    target: float
    kept: bool | None


def target_view(stored: StoredTarget) -> TargetView:
    """Return a target as it is shown."""
    target, definition = stored.target, DEFINITIONS[stored.target.figure]
    return TargetView(
        id=stored.id,
        figure=target.figure,
        statistic=target.statistic,
        period=target.period,
        since=target.since,
        target=target.target,
        unit=definition.unit,
        sense=definition.sense,
        dimension=target.dimension,
        member=target.member,
        set_by=stored.set_by,
        set_at=stored.set_at,
    )


def target_id(tenant: str, target: Target) -> UUID:
    """Return the id of a target: to set it again replaces it."""
    parts = (target.figure, target.statistic, target.period, str(target.since))
    member = (str(target.dimension is not None), target.dimension or "", target.member or "")
    return derived_id("figure-target", tenant, *parts, *member)


def judged(
    values: Mapping[Statistic, float | None],
    cell: Cell,
    begins: date,
    targets: Iterable[StoredTarget],
) -> dict[Statistic, Judged]:
    """Return the targets of a row that begins on a day, by statistic.

    Of several the one for a member of the cell's first dimension counts, then of its second, and so on;
    then the one for all; of each the newest that is in force.
    """
    answer: dict[Statistic, Judged] = {}
    in_force = [one for one in targets if one.target.since <= begins]
    for statistic, value in values.items():
        chosen = _chosen([one for one in in_force if one.target.statistic is statistic], cell)
        if chosen is not None and chosen.target.target is not None:
            goal = chosen.target.target
            answer[statistic] = Judged(chosen.id, goal, _kept(chosen.target.figure, value, goal))
    return answer


def _chosen(targets: Iterable[StoredTarget], cell: Cell) -> StoredTarget | None:
    order: list[tuple[str | None, str | int | None]] = [*cell.items(), (None, None)]
    for dimension, member in order:
        wanted = None if dimension is None else "" if member is None else str(member)
        fitting = [
            one
            for one in targets
            if (one.target.dimension, one.target.member) == (dimension, wanted)
        ]
        if fitting:
            return max(fitting, key=lambda one: one.target.since)
    return None


def _kept(figure: Figure, value: float | None, goal: float) -> bool | None:
    if value is None:
        return None
    at_least = DEFINITIONS[figure].sense is Sense.AT_LEAST
    return value >= goal if at_least else value <= goal
