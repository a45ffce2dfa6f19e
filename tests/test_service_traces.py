"""Traces, as a receiver of OTLP over HTTP gets them."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pydantic import ValidationError

from service.answer import Answerer
from service.app import create_app
from service.llm import LLM, LLMTimeout
from service.loading import Loading
from service.records import Record, Stage
from service.settings import ServiceSettings
from service.traces import CLOSING_SECONDS, Traces, start
from tests.conversing import QUESTION, QUOTE, index
from tests.corpora import reader
from tests.fakes import FakeEmbedder, OneReply, Writer
from tests.servers import refused

ASKED = {"question": QUESTION}
REPLY = "62 metres [1]."


class Receiver:
    """What was sent, and the spans in it."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.url = ""

    def received(self) -> list[tuple[str, Span]]:
        """All spans with the name of their service."""
        parsed = [ExportTraceServiceRequest.FromString(one) for one in self.raw]
        return [
            (attributes(group.resource)["service.name"], span)
            for request in parsed
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    def spans(self) -> dict[str, Span]:
        """Spans by name."""
        return {span.name: span for _, span in self.received()}


def attributes(thing: Any) -> dict[str, Any]:
    """The attributes of a span or resource, as plain values."""
    pairs = [(one.key, one.value) for one in thing.attributes]
    return {key: getattr(held, held.WhichOneof("value")) for key, held in pairs}


@pytest.fixture
def receiver() -> Generator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["content-type"] == "application/x-protobuf"
            found.raw.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("traces"))


@contextmanager
def client_over(folder: Path, llm: LLM, url: str) -> Generator[TestClient]:
    """The app; at its end all spans are sent."""
    settings = ServiceSettings().model_copy(update={"otlp_endpoint": url})
    answerer = Answerer(reader(folder), FakeEmbedder(), llm, abstain_below=0)
    with TestClient(create_app(Loading(settings, answerer))) as client:
        yield client


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_a_request_that_retrieves_asks_and_grounds(
    folder: Path, receiver: Receiver, stream: bool
) -> None:
    with client_over(folder, Writer("62 ", "metres [1]."), receiver.url) as client:
        response = client.post("/v1/answer", json={**ASKED, "stream": stream})
    assert {name for name, _ in receiver.received()} == {"ragfirst"}
    spans = receiver.spans()
    assert spans.keys() == {"POST /v1/answer", "retrieve", "llm", "ground"}
    request = spans["POST /v1/answer"]
    assert request.kind == Span.SPAN_KIND_SERVER
    assert request.parent_span_id == b""
    parts = [spans[name] for name in ("retrieve", "llm", "ground")]
    assert {(part.trace_id, part.parent_span_id) for part in parts} == {
        (request.trace_id, request.span_id)
    }
    times = [
        time for part in parts for time in (part.start_time_unix_nano, part.end_time_unix_nano)
    ]
    assert times == sorted(times)
    assert request.start_time_unix_nano <= times[0]
    # Durations are by another clock than beginnings.
    assert times[-1] <= request.end_time_unix_nano + 5_000_000
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/v1/answer",
        "http.response.status_code": 200,
        "ragfirst.request_id": response.headers["X-Request-ID"],
        "ragfirst.caller": "",
        "ragfirst.disconnected": False,
        "ragfirst.grounding": "model",
        "ragfirst.abstained": False,
        "ragfirst.generation": 1,
    }
    assert attributes(spans["llm"]) == {
        "gen_ai.request.model": "writer",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
    }
    found = attributes(spans["retrieve"])
    assert (found["ragfirst.hits"], found["ragfirst.generation"]) == (2, 1)
    assert attributes(spans["ground"]) == {"ragfirst.grounding": "model"}


def test_no_span_has_text(folder: Path, receiver: Receiver) -> None:
    with client_over(folder, OneReply(REPLY), receiver.url) as client:
        client.post("/v1/answer", json=ASKED, headers={"X-API-Key": "rf_secret"})
        client.get(f"/v1/models/{QUESTION}")
    sent = b"".join(receiver.raw)
    assert b"/v1/models/{model}" in sent
    for secret in (QUESTION, QUOTE, "62 metres", "Tullaweir", "rf_secret"):
        assert secret.encode() not in sent


def test_a_model_that_fails_is_an_error_of_the_request(folder: Path, receiver: Receiver) -> None:
    with client_over(folder, OneReply(LLMTimeout("late")), receiver.url) as client:
        client.post("/v1/answer", json=ASKED)
    spans = receiver.spans()
    assert spans.keys() == {"POST /v1/answer", "retrieve", "llm"}
    request = spans["POST /v1/answer"]
    assert request.status.code == Status.STATUS_CODE_ERROR
    assert attributes(request)["error.type"] == "llm_timeout"


def test_what_the_client_did_wrong_is_no_error(folder: Path, receiver: Receiver) -> None:
    with client_over(folder, OneReply(REPLY), receiver.url) as client:
        client.get("/nothing")
    request = receiver.spans()["GET unmatched"]
    assert request.status.code == Status.STATUS_CODE_UNSET
    assert attributes(request)["error.type"] == "not_found"


def test_a_trace_of_the_client_goes_on(folder: Path, receiver: Receiver) -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with client_over(folder, OneReply(REPLY), receiver.url) as client:
        client.get("/v1/documents", headers={"traceparent": f"00-{trace}-{span}-01"})
    found = receiver.spans()["GET /v1/documents"]
    assert (found.trace_id.hex(), found.parent_span_id.hex()) == (trace, span)


def test_a_client_may_say_that_it_is_not_to_be_traced(folder: Path, receiver: Receiver) -> None:
    with client_over(folder, OneReply(REPLY), receiver.url) as client:
        client.get("/v1/documents", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-00"})
        client.get("/v1/models", headers={"traceparent": "nonsense"})
    assert receiver.spans().keys() == {"GET /v1/models"}


def test_probes_are_not_traced(folder: Path, receiver: Receiver) -> None:
    with client_over(folder, OneReply(REPLY), receiver.url) as client:
        for path in ("/health/live", "/health/ready", "/metrics"):
            client.get(path)
    assert receiver.raw == []


def test_the_log_names_the_trace(
    folder: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.requests")
    with client_over(folder, OneReply(REPLY), receiver.url) as client:
        client.get("/v1/documents")
    (line,) = [one for one in caplog.records if one.name == "service.requests"]
    fields: Any = getattr(line, "fields", None)
    assert fields["trace_id"] == receiver.spans()["GET /v1/documents"].trace_id.hex()


def test_a_stage_that_ends_after_its_client_has_gone_is_in_the_trace(receiver: Receiver) -> None:
    traces, record = Traces(f"{receiver.url}/v1/traces", "late"), Record("id", "POST", [])
    traces.begun(record)
    traces.ended(record)
    traces.passed(record, Stage("llm", time.time_ns(), 0.25, {"model": "m"}))
    traces.close()
    spans = receiver.spans()
    assert spans["llm"].parent_span_id == spans["POST unmatched"].span_id
    assert spans["llm"].end_time_unix_nano - spans["llm"].start_time_unix_nano == 250_000_000
    assert receiver.received()[0][0] == "late"


def test_a_receiver_that_is_down_holds_up_neither_answers_nor_the_end(folder: Path) -> None:
    with refused() as url:
        began = time.monotonic()
        with client_over(folder, OneReply(REPLY), url.removesuffix("/v1")) as client:
            assert client.post("/v1/answer", json=ASKED).status_code == 200
            answered = time.monotonic()
        ended = time.monotonic()
    assert answered - began < CLOSING_SECONDS
    assert ended - answered < CLOSING_SECONDS + 5


def test_without_the_extra_it_says_so_and_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with client_over(folder, OneReply(REPLY), "http://collector:4318") as client:
        assert client.post("/v1/answer", json=ASKED).status_code == 200
    (told,) = [one.getMessage() for one in caplog.records if one.name == "service.traces"]
    assert "http://collector:4318/v1/traces" in told
    assert "pip install 'ragfirst[traces]'" in told


def test_without_an_endpoint_the_library_is_not_even_loaded() -> None:
    code = (
        "import sys; from service.app import create_app; from service.loading import Loading; "
        "from service.settings import ServiceSettings; create_app(Loading(ServiceSettings())); "
        "sys.exit('opentelemetry.sdk.trace' in sys.modules)"
    )
    assert start(ServiceSettings()) is None
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/t"}, "http://c/t"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://d/t",
            },
            "https://d/t",
        ),
    ],
)
def test_the_endpoint_is_that_of_opentelemetry_s_variables(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ServiceSettings().traces_url == url


def test_an_endpoint_of_another_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")
    with pytest.raises(ValidationError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        ServiceSettings()
