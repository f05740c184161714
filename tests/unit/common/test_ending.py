"""The end of a process: its components finish their work in the order in which they need each other."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI

from common.edges import service
from common.edges.components import Closing, Components, SideBySide
from common.edges.service import Health
from common.settings import CommonSettings

Close = Callable[[str], Callable[[], Awaitable[None]]]


class Needing:
    """Ends only once another has been told to stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told = asyncio.Event()
        self.other = self

    async def run(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self.told.set()
        await self.other.told.wait()


class Failing:
    """Ends the process as soon as it has begun."""

    name = "failing"

    async def run(self, _stopping: asyncio.Event) -> None:
        raise RuntimeError("this one ends the process")


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def close(ended: list[str]) -> Close:
    """Return what makes what closes something, and writes down when."""

    def of(name: str) -> Callable[[], Awaitable[None]]:
        async def closes() -> None:
            ended.append(name)

        return closes

    return of


async def until_its_end(components: Components) -> None:
    settings = CommonSettings(port=0, drain_seconds=5, linger_seconds=0)
    with pytest.raises(RuntimeError, match="ends the process"):
        await service._run(FastAPI(), Health(), (*components, Failing()), settings)


async def test_one_after_the_other_in_the_order_given(close: Close, ended: list[str]) -> None:
    order = ("consumer", "relay", "engines")
    await until_its_end(tuple(Closing(close(name)) for name in order))
    assert ended == [*order]


async def test_what_hands_nothing_to_each_other_stops_at_the_same_time(
    close: Close, ended: list[str]
) -> None:
    search, figures = Needing("search"), Needing("figures")
    search.other, figures.other = figures, search
    closing = Closing(close("publisher"))
    closing.also(close("engine"))
    await until_its_end((SideBySide((search, figures, Closing(close("hub")))), closing))
    assert ended == ["hub", "publisher", "engine"]
