"""Background work of a process, and how it comes to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol


class Component(Protocol):
    """Background work that runs until told to stop, and finishes what it has begun."""

    @property
    def name(self) -> str:
        """Return what logs call it."""
        ...

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set. An error ends the whole process."""
        ...


class SideBySide(tuple[Component, ...]):
    """Components that stop at the same time: none hands anything to another."""

    __slots__ = ()


Components = Sequence[Component | SideBySide]


def together(component: Component | SideBySide) -> Sequence[Component]:
    """Return what stops together."""
    return component if isinstance(component, SideBySide) else (component,)


class Closing:
    """The last component: when all others have finished, closes what they used."""

    name = "closing"

    def __init__(self, *closers: Callable[[], Awaitable[None]]) -> None:
        self._closers = [*closers]

    def also(self, close: Callable[[], Awaitable[None]]) -> None:
        """Close this too, after the rest."""
        self._closers.append(close)

    async def run(self, stopping: asyncio.Event) -> None:
        """Wait for the end, then close."""
        await stopping.wait()
        await self.close()

    async def close(self) -> None:
        """Close in the order given."""
        for close in self._closers:
            await close()


class _Task:
    def __init__(self, component: Component) -> None:
        self._stopping = asyncio.Event()
        self.task = asyncio.create_task(self._run(component), name=component.name)

    async def _run(self, component: Component) -> None:
        await component.run(self._stopping)
        await self._stopping.wait()  # one that has nothing to do does not end the others

    async def finish(self) -> None:
        self._stopping.set()
        await asyncio.wait({self.task})


class Work:
    """Components at work, each in a task of its own."""

    def __init__(self, components: Components) -> None:
        self._stages = [[_Task(each) for each in together(one)] for one in components]

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """Return the tasks: one that is done before the end has failed."""
        return {item.task for alike in self._stages for item in alike}

    async def finish(self) -> None:
        """Stop all in their order; return when the last has finished what it had begun."""
        for alike in self._stages:
            await asyncio.gather(*(item.finish() for item in alike))
