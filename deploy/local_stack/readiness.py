"""Waiting for services to be ready, in sight of the person who waits."""

from collections.abc import Sequence

from local_stack.errors import StartError
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.services import READY_LIMIT_SECONDS, ServiceProcess
from local_stack.waiting import rest

SPEAK_EVERY_SECONDS = 3


def wait_until_ready(services: Sequence[ServiceProcess], report: Report) -> None:
    """Return when every service is ready, saying what each still misses; raise StartError else."""
    waiting = _without_ready(services, report)
    start = spoken = report.seconds
    while waiting:
        if report.seconds - start > READY_LIMIT_SECONDS:
            raise StartError(f"not ready after {READY_LIMIT_SECONDS} s: {_complaints(waiting)}")
        if report.seconds - spoken > SPEAK_EVERY_SECONDS:
            spoken = report.seconds
            report.say("waiting for", _complaints(waiting))
        rest(report.seconds - start)
        waiting = _without_ready(waiting, report)


def _without_ready(services: Sequence[ServiceProcess], report: Report) -> list[ServiceProcess]:
    waiting = []
    for service in services:
        service.daemon.require_alive()
        if service.missing():
            waiting.append(service)
        else:
            report.say(service.name, f"ready on http://{LOOPBACK}:{service.port}")
    return waiting


def _complaints(services: Sequence[ServiceProcess]) -> str:
    return "; ".join(f"{service.name} ({service.missing()})" for service in services)
