"""A model's work over HTTP, on a real port: it waits in line, and who goes away ends it."""

import json
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

from service.answer import Answerer
from service.loading import Loading
from service.queue import Queue
from service.settings import ServiceSettings
from tests.conversing import QUESTION, index
from tests.corpora import reader
from tests.fakes import FakeEmbedder, LLMByQuestion, Writer
from tests.servers import GUARD, within
from tests.serving import serving

OTHER = "What does the crane at Oxmoor lift?"
REPLIES = {QUESTION: "62 metres [1].", OTHER: "Nine tonnes [1]."}


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""

    def look() -> None:
        while not holds():
            time.sleep(0.005)

    within(look)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("queue"))


@contextmanager
def busy(made: Path, waiting: int) -> Generator[tuple[str, Queue, LLMByQuestion]]:
    """The app's address, with one question at the model until it is released."""
    llm, queue = LLMByQuestion(REPLIES, held=[QUESTION]), Queue(1, waiting)
    answerer = Answerer(reader(made), FakeEmbedder(), llm, abstain_below=0.0, queue=queue)
    with serving(Loading(ServiceSettings(), answerer)) as address:
        with ThreadPoolExecutor(1) as thread:
            first = thread.submit(ask, address, QUESTION)
            try:
                assert llm.entered.wait(GUARD)
                yield address, queue, llm
            finally:
                llm.release.set()
            assert first.result(GUARD).json()["answer"] == "62 metres. [1]"


def ask(address: str, question: str = OTHER, *, stream: bool = False) -> httpx.Response:
    asked = {"question": question, "stream": stream}
    return httpx.post(f"{address}/v1/answer", json=asked, timeout=GUARD)


def test_beyond_the_line_a_question_is_told_to_come_back(made: Path) -> None:
    with busy(made, 0) as (address, queue, _):
        for stream in (False, True):
            response = ask(address, stream=stream)
            assert response.status_code == 429
            assert int(response.headers["retry-after"]) >= 1
            assert response.headers["content-type"] == "application/problem+json"
            assert "ask again" in response.json()["detail"]
        assert queue.refused == 2


def test_clients_of_openai_know_the_refusal(made: Path) -> None:
    with busy(made, 0) as (address, _, _):
        with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
            for stream in (False, True):
                with pytest.raises(openai.RateLimitError) as caught:
                    client.chat.completions.create(
                        model="scripted-model",
                        messages=[{"role": "user", "content": OTHER}],
                        stream=stream,
                    )
                assert caught.value.type == "rate_limit_error"
                assert int(caught.value.response.headers["retry-after"]) >= 1


def test_what_waits_is_answered_in_its_turn(made: Path) -> None:
    with busy(made, 2) as (address, queue, llm), ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(ask, address) for _ in range(2)]
        until(lambda: queue.waiting == 2)
        assert ask(address).status_code == 429
        llm.release.set()
        assert [one.result(GUARD).json()["answer"] for one in waiting] == ["Nine tonnes. [1]"] * 2


def test_a_full_line_holds_up_nothing_else(made: Path) -> None:
    count = 60  # beyond the threads that the rest of the app has
    with busy(made, count) as (address, queue, llm), ThreadPoolExecutor(count) as threads:
        waiting = [threads.submit(ask, address) for _ in range(count)]
        until(lambda: queue.waiting == count)
        assert httpx.get(f"{address}/health/ready", timeout=20).json()["ready"] is True
        found = httpx.post(f"{address}/v1/search", json={"query": OTHER}, timeout=20)
        assert found.json()["hits"][0]["document"] == "crane.md"
        llm.release.set()
        assert {one.result(GUARD).status_code for one in waiting} == {200}


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_leaves_the_line(made: Path, stream: bool) -> None:
    with busy(made, 1) as (address, queue, llm):
        with pytest.raises(httpx.ReadTimeout):
            if stream:
                with httpx.stream(
                    "POST",
                    f"{address}/v1/answer",
                    json={"question": OTHER, "stream": True},
                    timeout=httpx.Timeout(GUARD, read=0.5),
                ) as response:
                    lines = response.iter_lines()
                    assert next(lines) == "event: retrieval"  # before its turn has come
                    assert json.loads(next(lines).removeprefix("data: "))["hits"]
                    assert queue.waiting == 1
                    list(lines)
            else:
                httpx.post(f"{address}/v1/answer", json={"question": OTHER}, timeout=0.5)
        until(lambda: queue.waiting == 0)
        llm.release.set()


@pytest.mark.parametrize("path", ["answer", "chat/completions"])
def test_a_client_that_does_not_wait_for_the_whole_stops_the_model(made: Path, path: str) -> None:
    llm = Writer("62", goes_on=True)
    answerer = Answerer(reader(made), FakeEmbedder(), llm, abstain_below=0.0)
    bodies = {
        "answer": {"question": QUESTION},
        "chat/completions": {"messages": [{"role": "user", "content": QUESTION}]},
    }
    with serving(Loading(ServiceSettings(), answerer)) as address:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/v1/{path}", json=bodies[path], timeout=0.5)
        assert llm.stopped.wait(GUARD)
        until(lambda: answerer.queue.running == 0)
