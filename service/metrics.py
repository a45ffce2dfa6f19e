"""Prometheus metrics: a registry for each app, and `GET /metrics`.

Times are in seconds. Labels hold routes by their template, models, and kinds; never a path, a
name, or text.
"""

from collections import Counter as Counts
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol, get_args

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ingest.schema import IndexRefused
from service import problems
from service.answer import Answer, Answerer
from service.records import Record, Stage
from service.uploads import Status
from service.worker import Worker

PATH = "/metrics"
OPENMETRICS = "application/openmetrics-text"

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper ends, in seconds, for what this process does itself."""

SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
"""… and for what waits for a model."""


class Ready(Protocol):
    """What the metrics read when they are asked for; `service.loading.Loading` is one."""

    def waiting_for(self) -> list[str]:
        """What is missing; empty when ready."""
        ...

    def answerer(self) -> Answerer:
        """Raises `NotReady`."""
        ...


class Metrics:
    """A `Watcher` that counts."""

    def __init__(self, ready: Ready, worker: Worker) -> None:
        """`ready`, and the uploads of `worker`, are looked at during each scrape."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(_State(ready))
        self.registry.register(_Uploads(worker))
        self._add_requests()
        self._add_answers()

    def _add_requests(self) -> None:
        by = ("method", "route", "status")
        self._requests = self._counter("http_requests", "Requests answered.", *by)
        self._durations = self._histogram(
            "http_request_duration_seconds", "From the request to the last byte.", SLOW, *by
        )
        self._running = Gauge(
            "ragfirst_http_requests_in_progress", "Requests under way.", registry=self.registry
        )
        self._left = self._counter(
            "http_disconnects", "Clients that went away before their answer ended.", "route"
        )
        self._problems = self._counter(
            "problems", "Problems by kind, those that end a stream included.", "problem", "status"
        )

    def _add_answers(self) -> None:
        self._retrieval = self._histogram(
            "retrieval_time_seconds", "Retrieving: embed and search.", QUICK
        )
        self._embed = self._histogram("embed_time_seconds", "Embedding a question.", QUICK)
        self._search = self._histogram("search_time_seconds", "Searching and fusing.", QUICK)
        self._llm = self._histogram(
            "llm_generation_time_seconds", "The model's reply, whole.", SLOW, "model"
        )
        self._ground = self._histogram(
            "grounding_time_seconds", "Checking a reply against its passages.", QUICK
        )
        self._first_token = self._histogram(
            "ttft_seconds", "From the request to the first token of a stream.", SLOW
        )
        self._total = self._histogram(
            "answer_time_seconds", "All stages of an answer, without waiting for its turn.", SLOW
        )
        self._prompt_tokens = self._counter("prompt_tokens", "Tokens read by models.", "model")
        self._completion_tokens = self._counter(
            "completion_tokens", "Tokens written by models.", "model"
        )
        self._answers = self._counter(
            "answers", "Answers by whose words they are: model, quoted, none.", "grounding"
        )
        for grounding in ("model", "quoted", "none"):
            self._answers.labels(grounding)  # a rate needs the zero before the first
        self._abstentions = self._counter("abstentions", "Answers that say: I don't know.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ragfirst_{name}_total", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(f"ragfirst_{name}", text, labels, buckets=buckets, registry=self.registry)

    def begun(self, record: Record) -> None:
        """See `Watcher`."""
        self._running.inc()

    def passed(self, record: Record, stage: Stage) -> None:
        """See `Watcher`."""
        if stage.name == "retrieve":
            self._retrieval.observe(stage.seconds)
            for name, histogram in (("embed_ms", self._embed), ("search_ms", self._search)):
                if name in stage.notes:
                    histogram.observe(float(stage.notes[name]) / 1000)
        elif stage.name == "llm":
            self._llm.labels(stage.notes.get("model", "")).observe(stage.seconds)
        else:
            self._ground.observe(stage.seconds)

    def answered(self, record: Record, answer: Answer) -> None:
        """See `Watcher`."""
        self._answers.labels(answer.grounding).inc()
        self._abstentions.inc(answer.abstained)
        self._total.observe(answer.timings_ms.total / 1000)
        self._prompt_tokens.labels(answer.model).inc(answer.usage.prompt_tokens)
        self._completion_tokens.labels(answer.model).inc(answer.usage.completion_tokens)

    def ended(self, record: Record) -> None:
        """See `Watcher`."""
        self._running.dec()
        by = (record.method, record.route, str(record.status))
        self._requests.labels(*by).inc()
        self._durations.labels(*by).observe(record.seconds)
        if record.first_token_seconds is not None:
            self._first_token.observe(record.first_token_seconds)
        if record.left:
            self._left.labels(record.route).inc()
        if record.failure:
            self._problems.labels(record.failure.kind, str(record.failure.status)).inc()


class _State(Collector):
    """What holds at the moment of a scrape: readiness, the index, the queue."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        waiting = self._ready.waiting_for()
        answerer = None if waiting else self._ready.answerer()
        index = {
            name: GaugeMetricFamily(f"ragfirst_index_{name}", text)
            for name, text in (
                ("generation", "The generation that answers."),
                ("documents", "Documents that it shows."),
                ("chunks", "Chunks that it shows."),
                ("failures", "Files on record that could not be read."),
            )
        }
        readable = answerer is not None
        if answerer:
            try:
                status = answerer.reader.status()
            except (IndexRefused, OSError):
                readable = False
            else:
                index["generation"].add_metric([], status.generation)
                index["documents"].add_metric([], status.documents)
                index["chunks"].add_metric([], status.chunks)
                index["failures"].add_metric([], len(status.failures))
        yield GaugeMetricFamily("ragfirst_ready", "Whether questions are answered.", readable)
        yield from index.values()
        yield from _queue(answerer)


def _queue(answerer: Answerer | None) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    waiting = GaugeMetricFamily("ragfirst_queue_waiting", "Questions that wait for a turn.")
    running = GaugeMetricFamily("ragfirst_queue_running", "Questions that have their turn.")
    refused = CounterMetricFamily("ragfirst_queue_refusals", "Questions turned away, by 429.")
    if answerer:
        waiting.add_metric([], answerer.queue.waiting)
        running.add_metric([], answerer.queue.running)
        refused.add_metric([], answerer.queue.refused)
    yield from (waiting, running, refused)


class _Uploads(Collector):
    """Uploads by state, and whether they are read, at the moment of a scrape."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def collect(self) -> Iterator[GaugeMetricFamily]:
        trouble = self._worker.trouble
        uploads = GaugeMetricFamily("ragfirst_uploads", "Uploads by state.", labels=["status"])
        with suppress(IndexRefused, OSError):
            counts = Counts(one.status for one in self._worker.uploads.all(trouble))
            for status in get_args(Status):
                uploads.add_metric([status], counts[status])
        yield uploads
        yield GaugeMetricFamily(
            "ragfirst_upload_worker_failing",
            "Whether the process that reads uploads has failed and is started again, or given up.",
            trouble is not None,
        )


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Add the route."""
    # A thread of its own: scrapes count most when all others wait.
    own = anyio.CapacityLimiter(1)

    @app.get(
        PATH,
        tags=["health"],
        response_class=PlainTextResponse,
        responses={
            200: {"content": {OPENMETRICS: {"schema": {"type": "string"}}}},
            **problems.responses(),
        },
    )
    async def scrape(request: Request) -> Response:
        """Metrics in Prometheus' text format, or OpenMetrics' where that is asked for."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        text = await anyio.to_thread.run_sync(encode, metrics.registry, limiter=own)
        return Response(text, headers={"Content-Type": media_type})
