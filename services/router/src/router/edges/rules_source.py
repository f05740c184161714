"""The rules in force: those last activated; until the first activation, those of the file.

So there is one truth at a time. A company that keeps its rules in a ConfigMap says
`MADOGUCHI_RULES_SOURCE=file`, and nothing can be activated beside it.
"""

import asyncio
from datetime import datetime
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges import metrics
from common.edges.clock import Clock
from common.edges.database import done_unless_passing
from common.edges.listening import listen
from common.edges.waiting import pause
from router.core.loading import RulesError
from router.core.policy import Policy
from router.edges import rules_store
from router.edges.rules_file import RulesFile, policy_of
from router.edges.rules_store import CHANNEL, FILE, Activation

logger = structlog.get_logger()

RECONNECT_SECONDS = 1.0

Truth = Literal["database", "file"]


class RulesSource:
    """Holds the policy in force; a component that keeps it so."""

    name = "rules"

    def __init__(
        self, file: RulesFile, engine: AsyncEngine, truth: Truth, poll_seconds: float, clock: Clock
    ) -> None:
        """`engine` is this component's own, two connections; it is closed with it."""
        self._file = file
        self._engine = engine
        self._truth = truth
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._woken = asyncio.Event()
        self._looked = truth == "file"
        self._activation: Activation | None = None
        self._activated: Policy | None = None
        self._complaint: str | None = None
        self._kept: str | None = None  # the version of the file that Postgres has

    @property
    def policy(self) -> Policy:
        """Return the rules to decide by now."""
        return self._activated or self._file.policy

    def unknown(self) -> str | None:
        """Return what is missing while nobody has looked yet which rules are in force."""
        return None if self._looked else "nobody knows yet which rules are in force"

    def complaint(self) -> str | None:
        """Return why the newest rules are not in force here, None where they are."""
        if self._complaint or self._activation is None:
            return self._complaint or self._file.complaint()
        return None

    def note(self) -> str | None:
        """Return which activation is in force here; replicas that disagree can be told apart."""
        activation, policy = self._activation, self.policy
        if activation is None:
            return None
        note = f"activation {activation.number} by {activation.by}: {policy.version[:12]}"
        differs = self._file.policy.version != policy.version
        return f"{note}; the rules file says otherwise and is not in force" if differs else note

    async def settle(self, connection: AsyncConnection) -> None:
        """Before the first decision, find out which rules are in force."""
        if not self._looked:
            await self._look_with(connection)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the file and the activations until `stopping` is set."""
        hearing = asyncio.create_task(self._hear(stopping))
        try:
            while not stopping.is_set():
                await self._file.look()
                await self._try_to_look()
                await pause(self._woken, self._poll_seconds)
                self._woken.clear()
        finally:
            await hearing
            await self._engine.dispose()

    async def look(self) -> None:
        """Take over what was activated last, if it can be used; keep what the file says."""
        async with self._engine.begin() as connection:
            await self._look_with(connection)
            await self._keep_file(connection, self._clock())

    async def _look_with(self, connection: AsyncConnection) -> None:
        if self._truth == "database":
            activation = await rules_store.newest(connection)
            if activation is not None and activation != self._activation:
                await self._take_over(connection, activation)
        self._looked = True

    async def _take_over(self, connection: AsyncConnection, activation: Activation) -> None:
        content = await rules_store.content_of(connection, activation)
        try:
            policy = policy_of(content)
        except RulesError as error:
            self._refuse(activation, error)
            return
        self._activation, self._activated, self._complaint = activation, policy, None
        metrics.rules_loaded.labels("loaded").inc()
        logger.info("rules in force", version=policy.version, activation=activation.number)

    def _refuse(self, activation: Activation, error: RulesError) -> None:
        """Keep the old rules: this release may be older than the one that they were written for."""
        complaint = f"activation {activation.number} cannot be used here: {error}"
        if complaint != self._complaint:
            self._complaint = complaint
            metrics.rules_loaded.labels("refused").inc()
            logger.error("rules refused", problems=complaint, still=self.policy.version)

    async def _keep_file(self, connection: AsyncConnection, now: datetime) -> None:
        """Keep the rules of the file while they are in force: decisions name them for years."""
        version = self._file.policy.version
        if self._activation is None and version != self._kept:
            await rules_store.keep(connection, self._file.content, FILE, now)
            self._kept = version

    async def _try_to_look(self) -> None:
        await done_unless_passing("rules", self.look())

    async def _hear(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            listening = listen(
                self._engine, CHANNEL, lambda _: self._woken.set(), self._woken.set, stopping
            )
            if not await done_unless_passing("news of rules", listening):
                await pause(stopping, RECONNECT_SECONDS)
        self._woken.set()
