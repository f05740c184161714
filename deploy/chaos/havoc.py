"""Kills services and restarts the servers while customers write."""

import asyncio
from collections.abc import Callable, Iterator
from random import Random

from local_stack.layout import SERVICES
from local_stack.report import Report
from local_stack.servers import ProcessServers
from local_stack.stack import Stack

Deed = tuple[str, Callable[[], None]]


class Havoc:
    """Deeds spread evenly over the progress of the writers, in an order that `seed` decides."""

    def __init__(self, stack: Stack, kills: int, seed: int, report: Report) -> None:
        self._stack = stack
        self._report = report
        self._deeds = list(self._plan(kills, Random(seed)))  # noqa: S311 - a repeatable shuffle, no secret
        self.done: list[str] = []

    async def wreak(self, progress: Callable[[], float]) -> None:
        """Do every deed when its share of the messages is acknowledged; return after the last message.

        `progress` goes from 0 to 1.
        """
        for index, (name, deed) in enumerate(self._deeds):
            await _reached((index + 1) / (len(self._deeds) + 1), progress)
            self._report.say("havoc", f"{progress():4.0%}  {name}")
            await asyncio.to_thread(deed)
            self.done.append(name)
        await _reached(1, progress)

    def _plan(self, kills: int, random: Random) -> Iterator[Deed]:
        names = [SERVICES[index % len(SERVICES)] for index in range(kills)]
        random.shuffle(names)
        deeds: list[Deed] = [(f"kill -9 {name}", self._killer(name)) for name in names]
        deeds.insert(len(deeds) // 3, ("kill -9 kafka", self._kafka))
        deeds.insert(2 * len(deeds) // 3, ("kill -9 postgres", self._postgres))
        yield from deeds

    def _killer(self, name: str) -> Callable[[], None]:
        def kill_and_start() -> None:
            service = self._stack.services[name]
            service.kill()
            service.start()

        return kill_and_start

    def _kafka(self) -> None:
        server = self._servers.kafka
        server.kill()
        server.start()

    def _postgres(self) -> None:
        server = self._servers.postgres
        server.kill()
        server.start()

    @property
    def _servers(self) -> ProcessServers:
        servers = self._stack.servers
        if not isinstance(servers, ProcessServers):
            raise TypeError("the crash test kills processes, not containers")
        return servers


async def _reached(share: float, progress: Callable[[], float]) -> None:
    while progress() < share:  # noqa: ASYNC110 - progress is a number, nothing to wait on
        await asyncio.sleep(0.05)
