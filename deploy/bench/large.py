"""The timeline at its largest: ten million entries of a million customers, and a search of a million texts."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

from msgspec import Struct

from bench import pages, searching, writing
from bench.asking import milliseconds
from bench.figures import Figure
from bench.history import TENANT, History
from bench.history_load import load
from bench.load import Outcome
from common.edges.clock import system_clock
from local_stack.database import ensure_database
from local_stack.layout import ROLE
from local_stack.ports import free_port
from local_stack.postgres import PostgresAddress
from local_stack.private_files import generated_secret
from local_stack.report import Report
from local_stack.services import ServiceProcess
from local_stack.stack import Stack

CUSTOMERS = 1_000_000
FEW_CUSTOMERS = 10_300  # with 100,000 entries
STAGES = ("writer", "page", "search", "head")
WRITTEN = "timeline_entries_per_s"
ROUNDS = 5


class Filled(Struct, frozen=True):
    """A timeline with a history: its database by its owner and by the superuser, and a token."""

    history: History
    owner: str
    superuser: str
    service: ServiceProcess
    token: str

    @contextmanager
    def served(self) -> Iterator[int]:
        """Yield the port of one process that serves it."""
        self.service.start()
        try:
            self.service.wait_until_ready()
            yield self.service.port
            self.service.daemon.require_alive()
        finally:
            self.service.stop()  # in order: one that is killed is missed by its group for six seconds


def measure(
    stack: Stack, report: Report, stages: frozenset[str], customers: int
) -> Iterator[list[Figure]]:
    """Fill timelines on a stack whose servers run, and measure the wanted stages."""
    beyond = History(2 * max(customers, CUSTOMERS))  # its later half no timeline here holds
    few = _filled(stack, report, "few", History(min(FEW_CUSTOMERS, customers)))
    if "writer" in stages:
        apart = _filled(stack, report, "written", History(min(FEW_CUSTOMERS, customers)))
        report.say("bench", "the writer beside a bare insert")
        yield [writing.measure(apart.owner, beyond, WRITTEN)]
    if not stages & {"page", "search", "head"}:
        return
    many = _filled(stack, report, "many", History(customers))
    if "page" in stages:
        yield _asked_pages(few, many, report, pages.PAGE)
    if "head" in stages:
        yield _asked_pages(few, many, report, pages.HEAD)
    if "search" in stages:
        yield _searches(many, report)
    if "writer" in stages:
        report.say("bench", "the writer beside a bare insert at the large size")
        yield [writing.measure(many.owner, beyond, f"{WRITTEN}_10m")]


def _asked_pages(few: Filled, many: Filled, report: Report, what: pages.Asked) -> list[Figure]:
    """Ask for the same at both sizes in turn; the smaller one is what growth is compared with.

    A machine is faster in one minute than in the next: of some rounds the one in the middle counts.
    """
    rounds: list[tuple[Outcome, Outcome]] = []
    for number in range(ROUNDS):
        report.say("bench", f"{what.name}s at both sizes, {number + 1} of {ROUNDS}")
        rounds.append((_round(few, what, number), _round(many, what, number)))
    small, large = ([milliseconds(one, 0.99) for one in its] for its in zip(*rounds, strict=True))
    half = median(milliseconds(one, 0.5) for _, one in rounds)
    refused = sum(one.refused for pair in rounds for one in pair)
    note = (
        f"{what.per_second}/s on one process; {_listed(large)}; p50 {half:.1f}; {refused} refused"
    )
    growth = f"{_listed(small)} at {few.history.entries:,} entries"
    return [
        Figure(f"{what.name}_p99_ms_10m", median(large), "ms", note=note),
        Figure(f"{what.name}_growth_ratio", median(large) / median(small), "", note=growth),
    ]


def _round(filled: Filled, what: pages.Asked, number: int) -> Outcome:
    paths = asyncio.run(pages.asked(filled.owner, filled.history, what, number))
    with filled.served() as port:
        return pages.measure(port, paths, filled.token, what)


def _listed(found: list[float]) -> str:
    return f"p99 {', '.join(f'{one:.1f}' for one in found)} ms"


def _searches(many: Filled, report: Report) -> list[Figure]:
    rounds: list[Outcome] = []
    with many.served() as port:
        report.say("bench", "searches compared with LIKE")
        compared = asyncio.run(searching.compare(port, many.token, many.superuser))
        for number in range(ROUNDS):
            report.say("bench", f"searches at a steady pace, {number + 1} of {ROUNDS}")
            rounds.append(searching.measure(port, many.token, number))
    found = [milliseconds(one, 0.99) for one in rounds]
    half = median(milliseconds(one, 0.5) for one in rounds)
    note = (
        f"{searching.PER_SECOND}/s; {_listed(found)}; p50 {half:.1f}; "
        f"{sum(one.refused for one in rounds)} refused; "
        f"{compared:,} hits of {searching.CHECKED} words as by LIKE"
    )
    return [Figure("search_ja_p99_ms_1m", median(found), "ms", note=note)]


def _filled(stack: Stack, report: Report, name: str, history: History) -> Filled:
    """Make a timeline of its own and put the history into it."""
    address = stack.servers.start_postgres(report)
    ensure_database(address, name, owner=ROLE)
    owner = _as_owner(stack, address, name)
    environment = {**stack.environment, "MADOGUCHI_DATABASE": owner}
    service = ServiceProcess("timeline", free_port(), environment, stack.home / name)
    service.migrate()
    load(owner, address.url(name), history, partial(report.say, name))
    token = stack.key.token(
        tenant=TENANT, scopes=["timeline:read"], subject="bench", now=system_clock()
    )
    return Filled(history, owner, address.url(name), service, token)


def _as_owner(stack: Stack, address: PostgresAddress, name: str) -> str:
    return address.url(name, user=ROLE, password=generated_secret(stack.home / "secrets" / ROLE))
