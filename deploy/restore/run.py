"""One rehearsal from an empty stack to a verdict."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaos.audit import settled, writing
from chaos.verdict import Verdict
from local_stack.layout import DATABASE
from local_stack.parallel import side_by_side
from local_stack.ports import LOOPBACK
from local_stack.postgres import SETTINGS, PostgresServer
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.servers import ProcessServers
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack
from pretend.writers import Ledger
from restore import backup
from restore.comparing import Difference, count_rows, difference
from rolling.findings import Decided, heard

NOTICE_SECONDS = 3.0  # until messages go to the inbox, once Kafka is away
INBOXES = tuple(f"{name}.inbox" for name in ("ingest_email", "ingest_sms", "ingest_social"))
OUTBOXES = ("router.outbox", "timeline.outbox")
SEEN = "timeline.seen"  # every event that has become part of a history


@dataclass(frozen=True)
class Plan:
    """How fast customers write, and for how many seconds before and after what happens.

    `kafka_away`: Kafka is away while the backup is taken, so that messages lie in the inbox.
    `archive`: the log is archived too, so that less has to be replayed from Kafka.
    """

    per_second: float = 200
    customers_per_channel: int = 40
    before_seconds: float = 15
    since_seconds: float = 30
    after_seconds: float = 10
    kafka_away: bool = True
    archive: bool = False


@dataclass
class Loss:
    """What the backup held, what was lost, and how long it took; rows, bytes, seconds.

    `unpublished`: acknowledged, and in no place but PostgreSQL when it went. Only its log has them.
    """

    backup_seconds: float = 0
    backup_bytes: int = 0
    inbox_rows: int = 0
    outbox_rows: int = 0
    unpublished: int = 0
    events_before: int = 0
    events_restored: int = 0
    away_seconds: float = 0
    caught_up_seconds: float = 0


@dataclass(frozen=True)
class Outcome:
    """What stood there in the end, compared with what was acknowledged and what the bus tells."""

    verdict: Verdict
    decided: Decided
    difference: Difference
    repeated: int
    loss: Loss

    @property
    def complaints(self) -> list[str]:
        """Return what was not as promised, a sentence each."""
        return [
            *([] if self._is_all_there else [f"the timeline is not exact: {self.verdict}"]),
            *([] if self.decided.is_exact else [f"the bus is not exact: {self.decided}"]),
            *([] if self.difference.is_none else [f"rows are not as told: {self.difference}"]),
        ]

    @property
    def _is_all_there(self) -> bool:
        """Whether nothing is missing but what nobody else held, and nothing is wrong."""
        found, missed = self.verdict, self.loss.unpublished
        is_there = found.lost <= missed and found.undecided <= missed
        return is_there and not (found.twice or found.out_of_order or found.never_acknowledged)


def run(plan: Plan, home: Path, report: Report) -> Outcome:
    """Run a stack of its own in `home` through the plan."""
    with throwaway_stack(home, report) as (stack, servers):
        rehearsal = _Rehearsal(plan, stack, servers, report)
        stack.start(report)
        try:
            return asyncio.run(rehearsal.run())
        finally:
            rehearsal.forget()


class _Rehearsal:
    def __init__(self, plan: Plan, stack: Stack, servers: ProcessServers, report: Report) -> None:
        self._plan = plan
        self._stack = stack
        self._servers = servers
        self._report = report
        self._ledger = Ledger()
        self._loss = Loss()
        # Beside the server's own folder, so that its account may enter, and not within.
        self._safe = servers.postgres.home.with_name(f"{servers.postgres.home.name}-safe")
        self._safe.mkdir(mode=0o755)
        self._archive = self._safe / "log" if plan.archive else None
        servers.postgres = self._server()

    def forget(self) -> None:
        """Delete the backup."""
        shutil.rmtree(self._safe, ignore_errors=True)

    async def run(self) -> Outcome:
        plan, stack, report = self._plan, self._stack, self._report
        async with writing(stack, plan.customers_per_channel, plan.per_second, report) as ledger:
            self._ledger = ledger
            await self._back_up()
            await self._phase("all is well since the backup", plan.since_seconds)
            await self._lose_and_restore()
            await self._phase("all is well again", plan.after_seconds)
        began = self._now()
        verdict = await settled(stack, ledger, report)
        self._loss.caught_up_seconds = self._now() - began
        kafka = f"{LOOPBACK}:{stack.ports.kafka}"
        decisions, repeated = await heard(kafka)
        return Outcome(
            verdict=verdict,
            decided=decisions,
            difference=await difference(kafka, self._database),
            repeated=repeated,
            loss=self._loss,
        )

    async def _back_up(self) -> None:
        kafka, folder = self._servers.kafka, self._safe / "backup"
        await self._phase("all is well", self._plan.before_seconds)
        if self._plan.kafka_away:
            await asyncio.to_thread(kafka.stop)
            await self._phase("kafka is away", NOTICE_SECONDS)
        take = self._timed("backup under load", lambda: backup.take(self._servers.postgres, folder))
        self._loss.backup_seconds = await take
        files = (file for file in folder.rglob("*") if file.is_file())
        self._loss.backup_bytes = sum(file.stat().st_size for file in files)
        if self._plan.kafka_away:
            await asyncio.to_thread(kafka.start)

    async def _lose_and_restore(self) -> None:
        loss, lost = self._loss, self._now()
        await self._timed("every service is gone", self._kill_services)
        loss.events_before = await count_rows(self._database, SEEN)
        loss.unpublished = await count_rows(self._database, *INBOXES)
        await self._timed("PostgreSQL is gone", self._destroy)
        await self._timed("the backup is put back", self._restore)
        loss.events_restored = await count_rows(self._database, SEEN)
        loss.inbox_rows = await count_rows(self._database, *INBOXES)
        loss.outbox_rows = await count_rows(self._database, *OUTBOXES)
        await self._timed("services start", self._start_services)
        loss.away_seconds = self._now() - lost

    def _kill_services(self) -> None:
        side_by_side([service.kill for service in self._stack.services.values()])

    def _destroy(self) -> None:
        """End PostgreSQL as a power cut would, and delete every byte that it had."""
        self._servers.postgres.kill()
        self._servers.postgres.destroy()

    def _restore(self) -> None:
        self._servers.postgres = self._server()
        backup.put_back(self._servers.postgres, self._safe / "backup", self._archive)
        self._servers.postgres.start()

    def _start_services(self) -> None:
        services = list(self._stack.services.values())
        side_by_side([service.start for service in services])
        wait_until_ready(services, self._report)

    def _server(self) -> PostgresServer:
        account = self._servers.postgres.account
        settings = backup.archiving(self._archive, account) if self._archive else SETTINGS
        return PostgresServer(self._stack.home, self._stack.ports.postgres, settings=settings)

    @property
    def _database(self) -> str:
        return self._servers.postgres.address.url(DATABASE)

    async def _timed(self, name: str, step: Callable[[], None]) -> float:
        began = self._now()
        await asyncio.to_thread(step)
        took = self._now() - began
        self._report.say("rehearsal", f"{name}: {took:.1f} s")
        return took

    async def _phase(self, name: str, seconds: float) -> None:
        before = self._ledger.total
        await asyncio.sleep(seconds)
        done = self._ledger.total - before
        self._report.say("rehearsal", f"{name}: {done} acknowledged in {seconds:.1f} s")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
