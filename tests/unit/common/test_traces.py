"""A message's trace is named by its event, and every service keeps the same ones."""

from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from common.core.ids import event_id, trace_parent
from common.core.traces import TraceContext, is_kept, read_trace_parent, trace_name

EVENT = UUID("0af76519-16cd-53dd-8448-eb211c80319c")


def test_the_trace_of_an_event_is_its_id() -> None:
    context = read_trace_parent(trace_parent(EVENT))
    assert context == TraceContext(EVENT.int, int(EVENT.hex[:16], 16), sampled=True)
    assert trace_name(EVENT.int) == EVENT.hex


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
)
def test_what_is_no_trace_context_is_none(text: str) -> None:
    assert read_trace_parent(text) is None


def test_a_later_version_may_say_more() -> None:
    said = read_trace_parent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more")
    assert said is not None
    assert not said.sampled


@given(st.uuids(version=5), st.floats(0, 1))
def test_the_share_that_is_kept_is_the_share_of_ids(event: UUID, ratio: float) -> None:
    context = TraceContext(event.int, 1, sampled=True)
    assert is_kept(context, 1)
    assert not is_kept(context, 0)
    assert not is_kept(TraceContext(event.int, 1, sampled=False), 1)
    assert not is_kept(context, ratio) or is_kept(context, min(1.0, ratio + 0.1))


def test_a_tenth_of_the_messages_is_a_tenth() -> None:
    events = [event_id("line", "main", str(number)) for number in range(10_000)]
    contexts = [TraceContext(event.int, 1, sampled=True) for event in events]
    assert 900 < sum(is_kept(context, 0.1) for context in contexts) < 1100
