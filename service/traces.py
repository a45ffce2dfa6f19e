"""OpenTelemetry traces by OTLP over HTTP, where an endpoint is set and the extra is installed.

A request is a span; retrieving, the model's reply and its grounding are spans below it. Attributes
are names, counts and kinds, never text.
"""

import logging
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from service.answer import Answer
from service.records import Record, Stage
from service.settings import ServiceSettings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

CLOSING_SECONDS = 3.0
"""How long the end of the process waits for spans to be handed over."""

NAMES = {
    "model": "gen_ai.request.model",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
}
"""Notes that OpenTelemetry has names for; others begin with `ragfirst.`."""

MISSING = (
    "traces are to go to %s, but the extra for them is not installed: pip install "
    "'ragfirst[traces]', or unset OTEL_EXPORTER_OTLP_ENDPOINT; going on without traces"
)

_log = logging.getLogger(__name__)


def start(settings: ServiceSettings) -> "Traces | None":
    """Begin to send traces; None, with a warning if they were asked for, where there are none."""
    url = settings.traces_url
    if url is None:
        return None
    try:
        return Traces(url, settings.otel_service_name)
    except ImportError:
        _log.warning(MISSING, url)
        return None


class Traces:
    """A `Watcher` that makes spans. They are sent from a thread of the library's own."""

    def __init__(self, url: str, service: str) -> None:
        """`url`: the whole address. Raises `ImportError` without the extra."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # A provider of its own: nothing is global, so several apps of a process do not meet.
        resource = Resource.create({"service.name": service})
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        self._tracer = self._provider.get_tracer("ragfirst")
        self._spans: WeakKeyDictionary[Record, tuple[Span, Context]] = WeakKeyDictionary()

    def begun(self, record: Record) -> None:
        """See `Watcher`. A probe gets no span."""
        from opentelemetry.trace import SpanKind, format_trace_id, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        if record.probe:
            return
        outside = TraceContextTextMapPropagator().extract({"traceparent": record.traceparent})
        span = self._tracer.start_span(
            record.method, outside, SpanKind.SERVER, start_time=record.began_ns
        )
        self._spans[record] = span, set_span_in_context(span, outside)
        if span.is_recording():
            record.trace_id = format_trace_id(span.get_span_context().trace_id)

    def passed(self, record: Record, stage: Stage) -> None:
        """See `Watcher`."""
        if record in self._spans:
            _, within = self._spans[record]
            notes = {NAMES.get(name, f"ragfirst.{name}"): one for name, one in stage.notes.items()}
            span = self._tracer.start_span(
                stage.name, within, attributes=notes, start_time=stage.began_ns
            )
            span.end(stage.began_ns + round(stage.seconds * 1e9))

    def answered(self, record: Record, answer: Answer) -> None:
        """See `Watcher`."""

    def ended(self, record: Record) -> None:
        """See `Watcher`."""
        from opentelemetry.trace import StatusCode

        if record not in self._spans:
            return
        span, _ = self._spans[record]  # kept: a stage may end after its client has gone
        span.update_name(f"{record.method} {record.route}")
        span.set_attributes(_attributes(record))
        if record.failure and record.failure.status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(record.began_ns + round(record.seconds * 1e9))

    def close(self) -> None:
        """Hand over what is left, for `CLOSING_SECONDS` at the most."""
        thread = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        thread.start()
        thread.join(CLOSING_SECONDS)


def _attributes(record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {
        "http.request.method": record.method,
        "http.route": record.route,
        "http.response.status_code": record.status,
        "ragfirst.request_id": record.id,
        "ragfirst.caller": record.caller,
        "ragfirst.disconnected": record.left,
    }
    if record.failure:
        values["error.type"] = record.failure.kind
    if answer := record.answer:
        values |= {
            "ragfirst.grounding": answer.grounding,
            "ragfirst.abstained": answer.abstained,
            "ragfirst.generation": answer.generation,
        }
    return values
