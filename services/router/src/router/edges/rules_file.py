"""The rules in force, read again whenever their file changes; a bad file changes nothing."""

import asyncio
from pathlib import Path

import structlog

from common.edges import metrics
from router.core.loading import RulesError, load
from router.core.policy import Policy, compiled

logger = structlog.get_logger()


class RulesFile:
    """Holds the policy of a rules file.

    The content is compared, not its time: a Kubernetes volume swaps links, and an editor may save
    twice within a second. `content` is what the policy was made from.
    """

    def __init__(self, path: Path) -> None:
        """Read the rules. Raises RulesError or OSError: without rules there is no router."""
        self._path = path
        self.content = path.read_bytes()
        self._seen: bytes | None = self.content
        self._complaint: str | None = None
        self.policy = policy_of(self.content)
        metrics.rules_loaded.labels("loaded").inc()

    def complaint(self) -> str | None:
        """Return why the file as it stands is not in force, None where it is."""
        return self._complaint

    async def look(self) -> None:
        """Take over what the file says now, if it has changed and can be used."""
        try:
            content = await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            self._seen = None
            self._refuse(error)
            return
        if content != self._seen:
            self._seen = content
            self._take_over(content)

    def _take_over(self, content: bytes) -> None:
        try:
            self.policy = policy_of(content)
        except RulesError as error:
            self._refuse(error)
        else:
            self.content = content
            self._complaint = None
            metrics.rules_loaded.labels("loaded").inc()
            logger.info("rules in force", version=self.policy.version, path=str(self._path))

    def _refuse(self, error: Exception) -> None:
        complaint = f"{self._path}: {error}"
        if complaint == self._complaint:
            return
        self._complaint = complaint
        metrics.rules_loaded.labels("refused").inc()
        logger.error("rules refused", problems=complaint, still=self.policy.version)


def policy_of(content: bytes) -> Policy:
    """Return the policy of a rules file. Raises RulesError."""
    loaded = load(content)
    return compiled(loaded.rules, loaded.version)
