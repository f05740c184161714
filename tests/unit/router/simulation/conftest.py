"""A small floor: agents, cases that wait, and what their customers and agents will do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.core.ids import event_id
from common.core.work import Presence
from router.core.agents import Agent
from router.core.facts import Case
from router.core.simulation.people import Answer, Placed, Work

START = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)  # nine o'clock in Tokyo, a working day
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="session")
def hanako() -> Callable[..., Agent]:
    """An agent of the billing desk, online."""

    def build(agent: str = "hanako", **fields: Any) -> Agent:
        fields.setdefault("presence", Presence.ONLINE)
        fields.setdefault("skills", {"billing": 3})
        fields.setdefault("queues", ("billing",))
        fields.setdefault("free_since", START)
        return Agent(
            tenant="acme",
            agent=agent,
            team="office",
            seen_at=START,
            changed_at=START,
            **fields,
        )

    return build


@pytest.fixture(scope="session")
def placed(waiting: Callable[..., Case]) -> Callable[..., Placed]:
    """A case that waits from so many minutes after nine on."""

    def build(
        number: int,
        at: float = 0,
        handling: float = 10,
        patience: float | None = None,
        answers: tuple[Answer, ...] = (),
        **fields: Any,
    ) -> Placed:
        moment = START + at * MINUTE
        contact = f"line:main:U{number}"
        case = waiting(
            case_id=event_id("test", "case", str(number)),
            conversation=contact,
            contact=contact,
            rank=moment,
            first_response_due=moment + 30 * MINUTE,
            resolution_due=moment + 60 * MINUTE,
            opened_at=moment,
            queued_at=moment,
            **fields,
        )
        work = Work(handling * MINUTE, patience * MINUTE if patience is not None else None, answers)
        return Placed(moment, case, work)

    return build
