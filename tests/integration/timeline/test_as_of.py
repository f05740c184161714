"""As of a moment: what is shown is what a timeline showed that had heard nothing later."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, Pages
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    after,
    call,
    change,
    event,
    mail,
    message,
    profile,
    report,
    status,
    stored,
)

from common.core.cases import CaseOpened, CaseResolved
from common.core.cloudevents import Event, read, record
from common.core.delivery import DeliveryStatus
from common.core.events import (
    Attachment,
    AttachmentState,
    Channel,
    CustomerChanged,
    Direction,
    Message,
    MessageKind,
)
from common.core.ids import customer_id, derived_id
from common.edges.batches import Received
from timeline.core.recording import conversation_ref
from timeline.core.selection import Order, Selection
from timeline.edges.consume import Historian

Hear = Callable[[str, Sequence[Event]], Coroutine[Any, Any, None]]

CASE = derived_id("case", "解約")
POINTER = Attachment(name="image-1.jpg", media_type="image/*", state=AttachmentState.REMOTE)
WROTE = message(attachments=(POINTER,))


def of_case(data: CaseOpened | CaseResolved, minutes: float) -> Event:
    return event(data, HANAKO_LINE, after(minutes), "case", str(minutes))


WORLD = (
    WROTE,
    call(HANAKO_TEL, -3),
    call(HANAKO_TEL, 500, kind="visit"),
    change(MessageKind.EDIT, "m1", 1, "電源は入りました。"),
    change(MessageKind.REACTION, "m1", 2, "👍"),
    change(MessageKind.UNSEND, "m1", 30),
    stored(WROTE, 3),
    message(HANAKO_LINE, 3, "承知しました。", message_id="m2", direction=Direction.OUTBOUND),
    status(DeliveryStatus.DELIVERED, 4, message_id="m2"),
    status(DeliveryStatus.READ, 5, message_id="m2"),
    mail(minutes=6),
    report(MessageKind.BOUNCE, 7, report="bounce", bounce_status="5.1.1"),
    of_case(
        CaseOpened(
            case_id=CASE,
            contact=HANAKO_LINE,
            conversation=HANAKO_LINE,
            channel=Channel.LINE,
            opened_at=after(1),
            message_event=WROTE.attributes.id,
        ),
        1,
    ),
    of_case(CaseResolved(case_id=CASE, contact=HANAKO_LINE, resolved_at=after(40)), 40),
    profile([HANAKO_LINE, HANAKO_TEL], "crm-1", 8),
    profile([HANAKO_TEL, HANAKO_MAIL], "crm-2", 9),
)
QUESTIONS = (
    Selection(),
    Selection(kinds=("message", "call")),
    Selection(case=CASE),
    Selection(conversation=conversation_ref(HANAKO_LINE), order=Order.OLDEST),
)


@pytest.fixture
def hear(writer: AsyncEngine) -> Hear:
    """Tell a tenant's timeline these events, one a minute, a transaction each."""
    historian, offsets = Historian(lambda: NOW, "JP"), count()

    async def hear(tenant: str, told: Sequence[Event]) -> None:
        for minute, one in enumerate(told):
            heard_at, data = after(minute), one.data
            if isinstance(data, Message):
                data = replace(data, received_at=heard_at)
            sent = record("any", replace(one.attributes, tenant=tenant), data)
            topic = "customers.v1" if isinstance(data, CustomerChanged) else "messages.v1"
            heard = Received(topic, 0, next(offsets), heard_at, read(sent.headers, sent.value))
            async with writer.begin() as connection:
                await historian(connection, [heard])

    return hear


async def test_what_is_shown_as_of_a_moment_is_what_was_shown_then(
    hear: Hear, pages: Pages
) -> None:
    loop, numbers = asyncio.get_running_loop(), count()

    async def holds(told: Sequence[Event], heard: int) -> None:
        number = next(numbers)
        whole, then = f"whole-{number}", f"then-{number}"
        await hear(whole, told)
        await hear(then, told[:heard])
        moment = after(heard - 0.5)
        for contact in (HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL):
            for wanted in QUESTIONS:
                known = await pages(
                    contact, tenant=then, wanted=wanted, customer=customer_id(then, contact)
                )
                shown = await pages(
                    contact,
                    tenant=whole,
                    wanted=replace(wanted, as_of=moment),
                    customer=customer_id(whole, contact),
                )
                assert shown.entries == known.entries, (contact, wanted)

    @settings(max_examples=8, database=None, suppress_health_check=list(HealthCheck))
    @given(told=st.permutations(WORLD), heard=st.integers(0, len(WORLD)))
    def law(told: Sequence[Event], heard: int) -> None:
        asyncio.run_coroutine_threadsafe(holds(told, heard), loop).result(120)

    await asyncio.to_thread(law)
