"""Long work leaves room for others, and is the same work."""

import asyncio

from common.edges.waiting import by_turns


async def test_whoever_waits_gets_a_turn_between_items_once_the_time_is_over() -> None:
    seen: list[object] = []
    note = seen.append

    async def other() -> None:
        for name in ("a", "b"):
            note(name)
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    async for item in by_turns(range(3), seconds=0):
        note(item)
    await beside
    assert [one for one in seen if isinstance(one, int)] == [0, 1, 2]
    assert seen.index("a") < seen.index(1)
    assert seen.index("b") < seen.index(2)


async def test_short_work_is_done_at_once() -> None:
    seen: list[object] = []
    note = seen.append

    async def other() -> None:
        note("other")

    beside = asyncio.create_task(other())
    async for item in by_turns("ab", seconds=3600):
        note(item)
    await beside
    assert seen == ["a", "b", "other"]
