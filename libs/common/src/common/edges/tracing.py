"""Spans: where the time of one message went, sent to an OpenTelemetry collector.

A span is made when what it tells of is over and its effect is durable: a step that was rolled back
leaves none. Nothing is traced, at no cost, where no collector is named; not even OpenTelemetry's SDK
is read, a twentieth of a start.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from common.core.cloudevents import Attributes, Headers, Record
from common.core.traces import TraceContext, read_trace_parent, trace_name
from common.edges.clock import Clock, system_clock
from common.settings import CommonSettings

if TYPE_CHECKING:
    from common.edges.spans import Tracing

Attribute = str | int | float


class About(Struct, frozen=True):
    """Which event something happened to, as far as it says so itself."""

    event_id: str = ""
    event_type: str = ""
    tenant: str = ""
    trace: TraceContext | None = None

    @property
    def is_root(self) -> bool:
        """Return whether the event is the one that its trace is named by."""
        trace = self.trace
        return trace is not None and self.event_id.replace("-", "") == trace_name(trace.trace_id)

    def ids(self) -> dict[str, str]:
        """Return what a log line about the event carries: `event_id`, `tenant` and `trace_id`."""
        trace = trace_name(self.trace.trace_id) if self.trace else ""
        named = {"event_id": self.event_id, "tenant": self.tenant, "trace_id": trace}
        return {name: text for name, text in named.items() if text}


def about_record(record: Record) -> About:
    """Return which event a record is."""
    return about_headers(record.headers)


def about_headers(headers: Headers) -> About:
    """Return which event a record's headers name, whatever else stands in them."""
    said = {name: value.decode("utf-8", "replace") for name, value in headers if value}
    trace = read_trace_parent(said.get("ce_traceparent", ""))
    return About(said.get("ce_id", ""), said.get("ce_type", ""), said.get("ce_tenant", ""), trace)


def about_event(event: Attributes) -> About:
    """Return the same of an event that was read."""
    trace = read_trace_parent(event.traceparent or "")
    return About(str(event.id), event.type, event.tenant, trace)


class Step(Struct, frozen=True):
    """Something that took a while."""

    name: str
    began: datetime
    ended: datetime


class Steps:
    """What happened one after the other, from a moment on."""

    def __init__(self, began: datetime, clock: Clock = system_clock) -> None:
        self.began = began
        self._clock = clock
        self.done_so_far: list[Step] = []

    @property
    def ended(self) -> datetime:
        """Return when the last step was over."""
        return self.done_so_far[-1].ended if self.done_so_far else self.began

    @property
    def seconds_after_first(self) -> float:
        """Return how long all but the first step took."""
        first = self.done_so_far[0].ended if self.done_so_far else self.began
        return (self.ended - first).total_seconds()

    def done(self, name: str) -> None:
        """Note that a step, begun where the one before ended, is over."""
        self.done_so_far.append(Step(name, self.ended, self._clock()))

    def by_name(self) -> dict[str, float]:
        """Return the seconds of each step, to the millisecond."""
        return {
            step.name: round((step.ended - step.began).total_seconds(), 3)
            for step in self.done_so_far
        }


class _Process:
    tracing: "Tracing | None" = None


def use_tracing(tracing: "Tracing | None") -> None:
    """Trace from now on, or no more. There is one per process, as of the metrics."""
    _Process.tracing = tracing


def tracing() -> "Tracing | None":
    """Return what traces in this process, None where nothing does."""
    return _Process.tracing


def configure_tracing(service: str, settings: CommonSettings) -> None:
    """Send this process's spans where the settings say, if they do."""
    if not settings.otlp_endpoint:
        return
    from common.edges.spans import Tracing, exporting  # noqa: PLC0415 - the SDK, for who is traced

    processor = exporting(settings.otlp_endpoint)
    use_tracing(Tracing(service, processor, settings.trace_ratio, settings.instance))


def close_tracing() -> None:
    """Send what is left, at the end of the process."""
    if _Process.tracing is not None:
        _Process.tracing.close()
        use_tracing(None)


def log_about(records: Sequence[Record]) -> None:
    """Have all that this task logs from now on carry the ids of the first of these events."""
    structlog.contextvars.unbind_contextvars("event_id", "tenant", "trace_id")
    if records:
        structlog.contextvars.bind_contextvars(**about_record(records[0]).ids())


def exemplar() -> dict[str, str] | None:
    """Return the trace that this task is about, as prometheus_client wants it with a figure."""
    trace = structlog.contextvars.get_contextvars().get("trace_id")
    return {"trace_id": trace} if trace else None
