"""Traces: what happened to one message, whichever service did it (W3C Trace Context, level 1).

Nobody hands out trace ids: a message's is its event's id (common.core.ids.trace_parent), so that a
second delivery, a replay and a log line lead to the same trace, and every service keeps or drops
the same ones without asking.
"""

import re

from msgspec import Struct

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_LEADING_BITS = 48  # of an id that is a UUID these are random: the version stands behind them


class TraceContext(Struct, frozen=True):
    """Where in which trace something stands. `sampled`: whoever began the trace wants it kept."""

    trace_id: int
    span_id: int
    sampled: bool


def read_trace_parent(text: str) -> TraceContext | None:
    """Return what a `traceparent` says; None where it is none, which is no error."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in form.groups())
    return TraceContext(trace_id, span_id, bool(flags & 1)) if trace_id and span_id else None


def is_kept(context: TraceContext, ratio: float) -> bool:
    """Return whether a trace is among the kept share of all, 0 to 1: the same for every service."""
    return context.sampled and context.trace_id >> (128 - _LEADING_BITS) < ratio * 2**_LEADING_BITS


def trace_name(trace_id: int) -> str:
    """Return a trace's id as logs and exemplars write it: 32 hexadecimal digits."""
    return f"{trace_id:032x}"
