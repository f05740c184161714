"""What the commands about dead letters are told: which letters, who, how to answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from common.core.operations.letters import Filed, Letter, Selection
from common.ops.terminal import WRONG_USE, end

Names = Annotated[list[str] | None, typer.Argument(help="letters, such as 2-415")]
Topic = Annotated[str, typer.Option(help="only of this topic, such as messages.v1")]
Reason = Annotated[str, typer.Option(help="only for this reason, such as bad-data")]
RefusedBy = Annotated[str, typer.Option(help="only what this group or service refused")]
Since = Annotated[datetime | None, typer.Option(help="not older than this (UTC)")]
Until = Annotated[datetime | None, typer.Option(help="older than this (UTC)")]
By = Annotated[str | None, typer.Option(help="who; your login name by default")]
Json = Annotated[bool, typer.Option("--json", help="for programs; asks nothing")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be done, do nothing")]


def selection(
    names: Sequence[str] | None,
    topic: str,
    reason: str,
    refused_by: str,
    since: datetime | None,
    until: datetime | None,
) -> Selection:
    """Return which letters are meant; times without a zone are UTC."""
    return Selection(
        names=tuple(names or ()),
        topic=topic,
        reason=reason,
        refused_by=refused_by,
        since=since and since.replace(tzinfo=since.tzinfo or UTC),
        until=until and until.replace(tzinfo=until.tzinfo or UTC),
    )


def chosen(every: Sequence[Filed], meant: Selection) -> list[Letter]:
    """Return the open letters that are meant; end the program where a named one is not among them."""
    known = {one.letter.name: one for one in every}
    for name in meant.names:
        if name not in known:
            end(f"there is no dead letter {name}", WRONG_USE)
        if mark := known[name].mark:
            end(f"{name} was {mark.handling} by {mark.by} at {mark.at}: {mark.why}", WRONG_USE)
    return [one.letter for one in every if one.mark is None and meant.takes(one.letter)]
