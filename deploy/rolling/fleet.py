"""Services that are replaced one process at a time, each behind an address that stays."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Self

from local_stack.layout import SERVICES
from local_stack.parallel import side_by_side
from local_stack.ports import free_port
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.services import ServiceProcess
from local_stack.stack import Stack
from rolling.balancer import Balancer

MAIL = "ingest_email"


@dataclass(frozen=True)
class Pace:
    """Kubernetes' own times, in seconds.

    `pre_stop`: between the end of a pod being decided and its SIGTERM. `hearsay`: for how much of
    that time new connections still reach it, because the news has to travel.
    """

    pre_stop: float = 5.0
    hearsay: float = 1.0


@dataclass(frozen=True)
class Replacement:
    """How one process took over from another; seconds."""

    service: str
    until_ready: float
    drain: float
    ended_by_itself: bool


class Deployment:
    """One service: a process at a time, two while one takes over from the other."""

    def __init__(self, name: str, stack: Stack) -> None:
        self.name = name
        self._stack = stack
        self._numbers = count(1)
        self.surfaces = [Balancer(stack.ports.services[name])]
        if name == MAIL:
            self.surfaces.append(Balancer(stack.ports.smtp))
        self.process, self._ports = self._new()
        self.all = [self.process]

    async def open(self) -> None:
        """Take connections for the process, which is ready."""
        for surface, port in zip(self.surfaces, self._ports, strict=True):
            surface.send_to(port)
            await surface.open()

    async def replace(self, pace: Pace, report: Report) -> Replacement:
        """Start a new process beside the old one, and end that once the new one is ready."""
        old, old_ports = self.process, self._ports
        self.process, self._ports = self._new()
        self.all.append(self.process)
        began = time.monotonic()
        await asyncio.to_thread(self.process.start)
        await asyncio.to_thread(wait_until_ready, [self.process], report)
        ready = time.monotonic()
        self._share([old_ports, self._ports])
        await asyncio.sleep(pace.hearsay)
        self._share([self._ports])
        await asyncio.sleep(pace.pre_stop - pace.hearsay)
        asked = time.monotonic()
        ended = await asyncio.to_thread(old.stop)
        drain = time.monotonic() - asked
        report.say(self.name, f"replaced: ready in {ready - began:.1f} s, drained in {drain:.1f} s")
        return Replacement(self.name, ready - began, drain, ended)

    def _share(self, ready: Sequence[Sequence[int]]) -> None:
        for surface, ports in zip(self.surfaces, zip(*ready, strict=True), strict=True):
            surface.send_to(*ports)

    def _new(self) -> tuple[ServiceProcess, list[int]]:
        """Return a process that is not started yet, and the ports of its surfaces."""
        ports = [free_port() for _ in self.surfaces]
        mail = {"MADOGUCHI_SMTP_PORT": str(ports[-1])} if self.name == MAIL else {}
        linger = {"MADOGUCHI_LINGER_SECONDS": "2"}  # as without a setting
        folder = self._stack.home / f"{self.name}-{next(self._numbers)}"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**self._stack.environment, **mail, **linger}
        return ServiceProcess(self.name, ports[0], environment, folder), ports


class Fleet:
    """All five services of a stack, each behind its address."""

    def __init__(self, stack: Stack) -> None:
        self.deployments = [Deployment(name, stack) for name in SERVICES]

    @classmethod
    @asynccontextmanager
    async def started(cls, stack: Stack, report: Report) -> AsyncIterator[Self]:
        """Yield them ready. Nothing of them is left after the block, even if they never were."""
        fleet = cls(stack)
        try:
            await fleet._start(report)
            yield fleet
        finally:
            every = [process for item in fleet.deployments for process in item.all]
            # Nothing is looked at any more.
            await asyncio.to_thread(side_by_side, [process.kill for process in every])
            for surface in fleet.surfaces:
                await surface.close()

    async def _start(self, report: Report) -> None:
        processes = [deployment.process for deployment in self.deployments]
        await asyncio.to_thread(side_by_side, [process.start for process in processes])
        await asyncio.to_thread(wait_until_ready, processes, report)
        for deployment in self.deployments:
            await deployment.open()

    @property
    def surfaces(self) -> list[Balancer]:
        """Return every address."""
        return [surface for item in self.deployments for surface in item.surfaces]

    @property
    def logs(self) -> list[str]:
        """Return what every process has logged so far, a text each."""
        return [
            process.daemon.log.read_text(errors="replace")
            for item in self.deployments
            for process in item.all
        ]
