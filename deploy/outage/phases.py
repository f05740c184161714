"""What was acknowledged while what was away."""

from collections.abc import Iterable
from dataclasses import dataclass

from pretend.writers import Try

CHANNELS = {"tel": "sms", "line": "line", "email": "email"}  # by the kind of contact


@dataclass(frozen=True)
class Phase:
    """A span of time in which one thing was true; seconds of the event loop's clock."""

    name: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """Return how long it lasted."""
        return self.ended - self.began

    def holds(self, item: Try) -> bool:
        """Whether a delivery lies wholly within."""
        return self.began <= item.sent and item.answered <= self.ended


@dataclass(frozen=True)
class Tally:
    """How the tries of one channel ended in one phase; the slowest acknowledgement in seconds."""

    acknowledged: int = 0
    refused: int = 0
    slowest: float = 0.0


def tally(phase: Phase, tries: Iterable[Try]) -> dict[str, Tally]:
    """Count, channel by channel, the tries within the phase."""
    sorted_out: dict[str, list[Try]] = {channel: [] for channel in CHANNELS.values()}
    for item in filter(phase.holds, tries):
        sorted_out[CHANNELS[item.contact.partition(":")[0]]].append(item)
    return {channel: _tally(found) for channel, found in sorted_out.items()}


def _tally(tries: list[Try]) -> Tally:
    took = [item.answered - item.sent for item in tries if item.acknowledged]
    return Tally(len(took), len(tries) - len(took), max(took, default=0.0))
