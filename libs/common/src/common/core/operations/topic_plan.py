"""What has to be done so that the bus looks as common.core.topics says."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from common.core.topics import Topic

# From so many copies on, one broker may be away and every acknowledged record still is on two.
COPIES_FOR_TWO_IN_SYNC = 3


class Kind(StrEnum):
    """What a difference asks for. A note asks for nothing that could be done here."""

    CREATE = "create"
    CONFIGURE = "configure"
    GROW = "grow"
    NOTE = "note"


class Wanted(Struct, frozen=True):
    """A topic as it should be, under its whole name."""

    name: str
    partitions: int
    replicas: int
    config: dict[str, str]


class Actual(Struct, frozen=True):
    """A topic as it is. `config` is what is in force, `overrides` what of it is the topic's own."""

    partitions: int
    replicas: int
    config: dict[str, str]
    overrides: dict[str, str]


class Changed(Struct, frozen=True):
    """A setting's value before and after; None where the brokers have none of that name."""

    old: str | None
    new: str


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that is otherwise than it should be."""

    kind: Kind
    topic: str
    what: str
    wanted: Wanted
    settings: dict[str, Changed] = {}


def wanted_topic(topic: Topic, prefix: str, replicas: int) -> Wanted:
    """Return a topic under its whole name, with what follows from how many copies there are."""
    config = dict(topic.config)
    if replicas >= COPIES_FOR_TWO_IN_SYNC:
        config["min.insync.replicas"] = "2"
    return Wanted(prefix + topic.name, topic.partitions, replicas, config)


def differences(wanted: Iterable[Wanted], actual: Mapping[str, Actual]) -> list[Difference]:
    """Return what is otherwise, topic by topic. What is there beyond the wish stays and is no difference."""
    return [
        found
        for one in wanted
        for found in (
            _between(one, actual[one.name]) if one.name in actual else iter([_creation(one)])
        )
    ]


def overrides_after(difference: Difference, actual: Actual) -> dict[str, str]:
    """Return all settings of its own that a topic has after a CONFIGURE."""
    return actual.overrides | {name: to.new for name, to in difference.settings.items()}


def _creation(wanted: Wanted) -> Difference:
    what = f"missing: {wanted.partitions} partitions, {_copies(wanted.replicas)}"
    return Difference(kind=Kind.CREATE, topic=wanted.name, what=what, wanted=wanted)


def _between(wanted: Wanted, actual: Actual) -> Iterator[Difference]:
    settings = {
        name: Changed(actual.config.get(name), value)
        for name, value in wanted.config.items()
        if actual.config.get(name) != value
    }
    if settings:
        what = ", ".join(f"{name} {one.old} → {one.new}" for name, one in settings.items())
        yield Difference(
            kind=Kind.CONFIGURE, topic=wanted.name, what=what, wanted=wanted, settings=settings
        )
    if actual.partitions < wanted.partitions:
        what = f"{actual.partitions} partitions, should be {wanted.partitions}"
        yield Difference(kind=Kind.GROW, topic=wanted.name, what=what, wanted=wanted)
    if actual.replicas < wanted.replicas:
        what = f"{_copies(actual.replicas)}, should be {wanted.replicas}: reassign its partitions"
        yield Difference(kind=Kind.NOTE, topic=wanted.name, what=what, wanted=wanted)


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number} copies"
