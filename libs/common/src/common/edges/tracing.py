"""Spans: where the time of one message went, sent to an OpenTelemetry collector.

A span is made when what it tells of is over and its effect is durable: a step that was rolled back
leaves none. Nothing is traced, at no cost, where no collector is named.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from random import getrandbits

import structlog
from msgspec import Struct
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from common.core.cloudevents import Attributes, Headers, Record
from common.core.traces import TraceContext, is_kept, read_trace_parent, trace_name
from common.edges.clock import Clock, system_clock
from common.settings import CommonSettings

EXPORT_SECONDS = 5.0  # a collector that takes longer loses these spans
_SCOPE = InstrumentationScope("madoguchi")

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


class Tracing:
    """Makes spans of what is over and hands them to a processor; `ratio` of the traces, 0 to 1."""

    def __init__(
        self, service: str, processor: SpanProcessor, ratio: float = 1.0, instance: str = ""
    ) -> None:
        self._processor = processor
        self._ratio = ratio
        self._resource = Resource.create(
            {
                "service.name": service,
                "service.namespace": "madoguchi",
                **({"service.instance.id": instance} if instance else {}),
            }
        )

    def taken_in(self, records: Iterable[Record], steps: Steps, way: str) -> None:
        """Tell of events that were taken in: the roots of their traces, and what took how long."""
        for about in map(about_record, records):
            if about.trace is None or not about.is_root or not is_kept(about.trace, self._ratio):
                continue
            attributes = _attributes(about) | {"madoguchi.way": way}
            whole = Step("take in", steps.began, steps.ended)
            self._tell(whole, about.trace, None, SpanKind.SERVER, attributes)
            for step in steps.done_so_far:
                self._child(step, about.trace, SpanKind.INTERNAL, attributes)

    def happened(
        self,
        about: About,
        step: Step,
        kind: SpanKind,
        more: Mapping[str, Attribute],
        refused: str | None = None,
    ) -> None:
        """Tell what was done about an event; `refused`: why it was not."""
        if about.trace is not None and is_kept(about.trace, self._ratio):
            self._child(step, about.trace, kind, {**_attributes(about), **more}, refused)

    def close(self) -> None:
        """Send what is left; bounded by EXPORT_SECONDS."""
        self._processor.shutdown()

    def _child(
        self,
        step: Step,
        parent: TraceContext,
        kind: SpanKind,
        attributes: Mapping[str, Attribute],
        refused: str | None = None,
    ) -> None:
        own = TraceContext(parent.trace_id, getrandbits(64) or 1, parent.sampled)
        self._tell(step, own, parent, kind, attributes, refused)

    def _tell(
        self,
        step: Step,
        own: TraceContext,
        parent: TraceContext | None,
        kind: SpanKind,
        attributes: Mapping[str, Attribute],
        refused: str | None = None,
    ) -> None:
        span = ReadableSpan(
            name=step.name,
            context=_span_context(own),
            parent=_span_context(parent) if parent else None,
            resource=self._resource,
            attributes=attributes,
            kind=kind,
            status=Status(StatusCode.ERROR, refused) if refused else Status(),
            start_time=_nanoseconds(step.began),
            end_time=max(_nanoseconds(step.began), _nanoseconds(step.ended)),
            instrumentation_scope=_SCOPE,
        )
        self._processor.on_end(span)


class _Process:
    tracing: Tracing | None = None


def use_tracing(tracing: Tracing | None) -> None:
    """Trace from now on, or no more. There is one per process, as of the metrics."""
    _Process.tracing = tracing


def tracing() -> Tracing | None:
    """Return what traces in this process, None where nothing does."""
    return _Process.tracing


def configure_tracing(service: str, settings: CommonSettings) -> None:
    """Send this process's spans where the settings say, if they do."""
    if not settings.otlp_endpoint:
        return
    url = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
    processor = BatchSpanProcessor(OTLPSpanExporter(url, timeout=EXPORT_SECONDS))
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


def _attributes(about: About) -> dict[str, Attribute]:
    named = {"id": about.event_id, "type": about.event_type, "tenant": about.tenant}
    return {f"madoguchi.{name}": text for name, text in named.items() if text}


def _span_context(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(context.trace_id, context.span_id, is_remote=False, trace_flags=flags)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
