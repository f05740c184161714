"""How far a group has come in each partition, as the database that holds its offsets says."""

import asyncio
from collections.abc import Collection, Mapping

import asyncpg

LOOK_SECONDS = 0.02

_OFFSETS = """
SELECT partition, next_offset FROM partition_offset WHERE consumer_group = $1 AND topic = $2
"""


async def offsets(database: asyncpg.Connection, group: str, topic: str) -> dict[int, int]:
    """Return the next offset of each partition; group and topic with their prefix."""
    rows = await database.fetch(_OFFSETS, group, topic)
    return {row["partition"]: row["next_offset"] for row in rows}


class Gaps:
    """How long no record of a partition was handled, the longest of all partitions. Times in seconds."""

    def __init__(self, partitions: Collection[int], now: float) -> None:
        self._offsets: Mapping[int, int] | None = None
        self._moved = dict.fromkeys(partitions, now)
        self._longest = 0.0

    def begin(self, now: float) -> None:
        """Forget what was; a partition that stands still has done so since now."""
        self._moved = dict.fromkeys(self._moved, now)
        self._longest = 0.0

    def saw(self, offsets: Mapping[int, int], now: float) -> None:
        """Take in how far the group has come by now; the first look is what others are compared with."""
        before = offsets if self._offsets is None else self._offsets
        for partition, since in self._moved.items():
            self._longest = max(self._longest, now - since)
            if offsets.get(partition, 0) != before.get(partition, 0):
                self._moved[partition] = now
        self._offsets = offsets

    @property
    def longest(self) -> float:
        """Return the longest time of a partition, over or not."""
        return self._longest

    def all_moved_since(self, moment: float) -> bool:
        """Return whether a record of each partition was handled since then."""
        return min(self._moved.values()) > moment


async def watch(gaps: Gaps, database: asyncpg.Connection, group: str, topic: str) -> None:
    """Look again and again until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        gaps.saw(await offsets(database, group, topic), loop.time())
        await asyncio.sleep(LOOK_SECONDS)
