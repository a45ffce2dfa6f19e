"""`ragfirst serve` told to end while it answers: a process, its own server, a model's server."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.embed import SentenceEmbedder
from tests.corpora import pages, run, write
from tests.servers import GUARD, Exchange, ScriptedServer, within

QUESTION = "How much does the tank number 1 weigh?"
ANSWER = "The tank number 1 weighs 4 stones."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, embedder: SentenceEmbedder) -> Path:
    folder = tmp_path_factory.mktemp("shutdown")
    write(folder / "wiki", pages("tank"))
    run(folder / "index", folder / "wiki", embedder=embedder)
    return folder / "index"


@dataclass(frozen=True, slots=True)
class Process:
    """A serving process; `asked` is set when its model is, `reply` lets the model answer."""

    running: "subprocess.Popen[str]"
    address: str
    asked: threading.Event
    reply: threading.Event

    def question(self) -> httpx.Response:
        return httpx.post(f"{self.address}/v1/answer", json={"question": QUESTION}, timeout=GUARD)

    def errors(self) -> str:
        assert self.running.stderr
        return self.running.stderr.read()


@contextmanager
def serving_process(index: Path, seconds: int) -> Generator[Process]:
    asked, reply = threading.Event(), threading.Event()

    def script(exchange: Exchange) -> None:
        if exchange.path == "/v1/models":
            exchange.reply(200, {"data": [{"id": "tiny"}]})
            return
        asked.set()
        reply.wait(GUARD)
        chunk = {"model": "tiny", "choices": [{"delta": {"content": ANSWER}}]}
        body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
        exchange.reply(200, body, Content_Type="text/event-stream")

    settings = {"RAGFIRST_SHUTDOWN_SECONDS": str(seconds), "RAGFIRST_ABSTAIN_BELOW": "0"}
    command = [sys.executable, str(Path(__file__).parents[1] / "ragfirst.py"), "serve"]
    with ScriptedServer(script) as server:
        process: Any = subprocess.Popen(
            [*command, "--port", "0", "--index", str(index)],
            env={**os.environ, "OPENAI_BASE_URL": server.url, **settings},
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                address = within(process.stderr.readline).split()[3]
                within(lambda: _ready(address))
                yield Process(process, address, asked, reply)
            finally:
                process.kill()
                reply.set()


def _ready(address: str) -> None:
    while httpx.get(f"{address}/health/ready", timeout=GUARD).status_code != 200:
        time.sleep(0.1)


def _closed(address: str) -> bool:
    try:
        httpx.get(f"{address}/health/live", timeout=GUARD)
    except (httpx.NetworkError, httpx.RemoteProtocolError):  # refused, or cut off in the backlog
        return True
    return False


def _until_closed(address: str) -> None:
    while not _closed(address):
        time.sleep(0.05)


def test_what_has_begun_is_finished_and_nothing_new_is_taken(made: Path) -> None:
    with serving_process(made, 60) as process, ThreadPoolExecutor(1) as thread:
        begun: Future[httpx.Response] = thread.submit(process.question)
        assert process.asked.wait(GUARD)
        process.running.send_signal(signal.SIGTERM)
        within(lambda: _until_closed(process.address))
        assert process.running.poll() is None
        assert not begun.done()
        process.reply.set()
        assert begun.result(GUARD).json()["answer"] == f"{ANSWER} [1]"
        assert process.running.wait(GUARD) == 0
        said = process.errors().splitlines()
        assert [line for line in said if line.split()[1] != "info"] == []


def test_a_model_that_takes_longer_is_given_up(made: Path) -> None:
    with serving_process(made, 1) as process, ThreadPoolExecutor(1) as thread:
        begun = thread.submit(process.question)
        assert process.asked.wait(GUARD)
        process.running.send_signal(signal.SIGTERM)
        assert process.running.wait(GUARD) == 0
        response = begun.result(GUARD)
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert "the service is ending" in response.json()["detail"]
        assert "Traceback" not in process.errors()
