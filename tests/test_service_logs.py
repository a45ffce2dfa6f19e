"""The log: a line a request, with its id, and no word of what was asked or answered."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from service.access import Caller
from service.answer import Answerer
from service.app import create_app
from service.llm import LLMTimeout, Message, Reply
from service.loading import Loading
from tests.conversing import QUESTION, QUOTE, index, served
from tests.corpora import reader
from tests.fakes import FakeEmbedder, OneReply, Writer
from tests.loglines import Breaking, Log, client_over, logging_to, settings
from tests.servers import within

TOP = Path(__file__).parents[1]
ASKED = {"question": QUESTION}
CHAT = {"messages": [{"role": "user", "content": QUESTION}]}
REPLY = "62 metres [1]."
KEY = "rf_0badcafe_" + "s" * 43


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("logs"))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def client(folder: Path, log: Log) -> Generator[TestClient]:
    with client_over(folder, OneReply(REPLY), log) as client:
        yield client


def test_a_request_is_one_line_that_says_what_came_of_it(client: TestClient, log: Log) -> None:
    response = client.post("/v1/answer", json=ASKED)
    line = log.line
    answer = response.json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 < line.pop("ms") < 60_000
    assert line == {
        "level": "info",
        "logger": "service.requests",
        "message": "POST /v1/answer 200",
        "request_id": response.headers["X-Request-ID"],
        "method": "POST",
        "route": "/v1/answer",
        "status": 200,
        "model": "scripted",
        "prompt_tokens": answer["usage"]["prompt_tokens"],
        "completion_tokens": answer["usage"]["completion_tokens"],
        "grounding": "model",
        "generation": 1,
    }


def test_the_caller_is_named(folder: Path, log: Log) -> None:
    class Guard:
        """Puts the caller where the real one does."""

        def __init__(self, app: Any) -> None:
            self._app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                scope["state"]["caller"] = Caller("Ada L.", None, writes=False)
            await self._app(scope, receive, send)

    answerer = Answerer(reader(folder), FakeEmbedder(), OneReply(REPLY))
    app = create_app(Loading(settings(), answerer))
    app.user_middleware.append(type(app.user_middleware[0])(Guard))
    with logging_to(log, settings()), TestClient(app) as client:
        client.get("/v1/documents")
    assert log.line["caller"] == "Ada L."


# What is not logged


@pytest.mark.parametrize("kind", ["json", "text"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/answer", ASKED),
        ("/v1/chat/completions", CHAT),
        ("/v1/search", {"query": QUESTION}),
        ("/v1/answer", {**ASKED, "collection": QUESTION}),
        ("/v1/answer", {"question": {"nested": QUESTION}}),
        (f"/v1/models/{QUESTION}?q={QUESTION}", None),
    ],
)
def test_no_line_has_question_answer_or_key(
    folder: Path, log: Log, kind: str, stream: bool, path: str, body: Any
) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-API-Key": KEY}
    with client_over(folder, OneReply(REPLY), log, log_format=kind, log_level="debug") as client:
        if body and "search" not in path:
            body = {**body, "stream": stream}
        client.request("POST" if body else "GET", path, json=body, headers=headers)
    written = log.getvalue()
    assert written.count("\n") == 1
    for secret in ("Tullaweir", "62 metres", QUOTE, KEY):
        assert secret not in written


@pytest.mark.parametrize("question", [QUESTION, 'Who said "no\\yes"\nin Malmö?'])
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_that_quotes_the_question_does_not(
    folder: Path, log: Log, question: str, stream: bool
) -> None:
    with client_over(folder, OneReply(REPLY), log, Breaking()) as client:
        body = {"question": question, "stream": stream}
        response = client.post("/v1/answer", json=body)
    assert response.status_code == 500
    failed, line = log.lines
    assert "KeyError: '[question]'" in failed["exception"]
    assert failed["request_id"] == line["request_id"] == response.headers["X-Request-ID"]
    assert (line["status"], line["level"], line["problem"]) == (500, "warning", "key_error")
    assert "Malm" not in log.getvalue()
    assert "Tullaweir" not in log.getvalue()


class Quoting:
    """A model that fails with its prompt in the message."""

    name = "quoting"

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        raise RuntimeError(f"cannot take {messages[-1].content!r}")


def test_an_error_in_a_stream_does_not_either(folder: Path, log: Log) -> None:
    with client_over(folder, Quoting(), log) as client:
        client.post("/v1/answer", json={**ASKED, "stream": True})
    failed, line = log.lines
    assert "RuntimeError" in failed["exception"]
    assert QUESTION not in log.getvalue()
    assert (line["status"], line["problem"]) == (200, "runtime_error")


def test_questions_and_answers_are_logged_where_that_is_switched_on(folder: Path, log: Log) -> None:
    with client_over(folder, OneReply(REPLY), log, log_questions=True) as client:
        answer = client.post("/v1/answer", json=ASKED).json()["answer"]
        client.post("/v1/search", json={"query": "crane"})
    first, second = log.lines
    assert (first["question"], first["answer"]) == (QUESTION, answer)
    assert second["question"] == "crane"


# Streams


def test_a_stream_s_line_comes_at_its_end(folder: Path, log: Log) -> None:
    with client_over(folder, Writer("62 ", "metres [1]."), log) as client:
        client.post("/v1/answer", json={**ASKED, "stream": True})
    line = log.line
    assert 0 < line["first_token_ms"] <= line["ms"]
    assert (line["grounding"], line["completion_tokens"]) == ("model", 2)
    assert "disconnected" not in line


def test_a_stream_that_fails_names_its_problem(folder: Path, log: Log) -> None:
    with client_over(folder, Writer(error=LLMTimeout("too late")), log) as client:
        client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    assert (log.line["status"], log.line["problem"]) == (200, "llm_timeout")


def test_a_client_that_leaves_a_stream_is_told_of(folder: Path, log: Log) -> None:
    llm = Writer("62 ", goes_on=True)
    with logging_to(log, settings()), served(folder, llm) as address:
        body = {**ASKED, "stream": True}
        with httpx.stream("POST", f"{address}/v1/answer", json=body) as response:
            chunks = response.iter_text()  # closes the response where it is collected
            assert next(chunks)
            assert log.lines == []
        (line,) = log.until(1)
    assert (line["disconnected"], line["status"]) == (True, 200)
    assert "grounding" not in line


def test_a_service_logs_json_and_nothing_else(tmp_path: Path) -> None:
    variables = {
        "RAGFIRST_LOG_FORMAT": "json",
        "RAGFIRST_EMBEDDER": "nope",  # nothing large is loaded
        "RAGFIRST_INDEX": str(tmp_path / "index"),
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    }
    command = [sys.executable, str(TOP / "ragfirst.py"), "serve", "--port", "0"]
    process: Any = subprocess.Popen(
        command, env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            first = json.loads(within(process.stderr.readline))
            address = re.findall(r"http://localhost:\d+", first["message"])[0]
            httpx.get(f"{address}/nothing", headers={"X-Request-ID": "mine"})
            process.send_signal(signal.SIGTERM)
            rest: list[str] = within(process.stderr.readlines)
        finally:
            process.kill()
    lines = [json.loads(line) for line in rest]
    assert [line["route"] for line in lines if line.get("request_id") == "mine"] == ["unmatched"]
    assert not any("/nothing" in line for line in rest)


# Levels and forms


def test_healthy_probes_are_for_debugging_only(client: TestClient, log: Log) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert client.get(path).status_code == 200
    assert log.lines == []


def test_a_probe_that_finds_something_wrong_is_logged(log: Log) -> None:
    with logging_to(log, settings()), TestClient(create_app(Loading(settings()))) as client:
        client.get("/health/ready")
    assert (log.line["status"], log.line["problem"]) == (503, "service_unavailable")


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("info", 1), ("warning", 0)])
def test_the_level_is_a_setting(folder: Path, log: Log, level: str, lines: int) -> None:
    with client_over(folder, OneReply(REPLY), log, log_level=level) as client:
        client.get("/v1/documents")
        client.get("/health/live")
    assert len(log.lines) == lines


def test_clients_of_servers_are_not_logged_in_detail(client: TestClient, log: Log) -> None:
    for name in ("openai", "httpx", "httpcore"):
        logging.getLogger(name).info("sends %s", QUESTION)
    assert log.lines == []


def test_a_line_for_people_stays_one_line(folder: Path, log: Log) -> None:
    llm = OneReply(REPLY)
    with client_over(folder, llm, log, log_format="text", log_questions=True) as client:
        client.post("/v1/search", json={"query": "tank\nforged=line"})
    (line,) = log.getvalue().splitlines()
    assert re.match(r"\S+Z info    POST /v1/search 200 request_id=\S+ ms=[\d.]+ ", line)
    assert line.endswith(r'question="tank\nforged=line"')


def test_lines_of_many_threads_do_not_mix_their_ids(client: TestClient, log: Log) -> None:
    def ask(at: int) -> None:
        client.get("/v1/documents", headers={"X-Request-ID": f"id-{at}"})

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["request_id"] for line in log.lines) == [f"id-{at}" for at in range(8)]
