"""Spans as a collector takes them: what common.edges.tracing noted, made into OpenTelemetry's."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from random import getrandbits

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from common.core.cloudevents import Record
from common.core.traces import TraceContext, is_kept
from common.edges.tracing import About, Attribute, Step, Steps, about_record

EXPORT_SECONDS = 5.0  # a collector that takes longer loses these spans
_SCOPE = InstrumentationScope("madoguchi")


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


def exporting(collector: str) -> SpanProcessor:
    """Return what sends spans to the collector at an address, some together."""
    url = f"{collector.rstrip('/')}/v1/traces"
    return BatchSpanProcessor(OTLPSpanExporter(url, timeout=EXPORT_SECONDS))


def _attributes(about: About) -> dict[str, Attribute]:
    named = {"id": about.event_id, "type": about.event_type, "tenant": about.tenant}
    return {f"madoguchi.{name}": text for name, text in named.items() if text}


def _span_context(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(context.trace_id, context.span_id, is_remote=False, trace_flags=flags)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
