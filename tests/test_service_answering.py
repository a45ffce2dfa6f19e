"""`/v1/answer` as server-sent events, on a real port."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.llm import LLM, LLMTimeout
from tests.conversing import QUESTION, QUOTE, index, served
from tests.fakes import OneReply, Writer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("answering"))


Event = tuple[str, Any]


@contextmanager
def asking(made: Path, llm: LLM, **body: Any) -> Generator[httpx.Response]:
    with (
        served(made, llm) as address,
        httpx.Client(timeout=30) as client,
        client.stream(
            "POST", f"{address}/v1/answer", json={"question": QUESTION, "stream": True, **body}
        ) as response,
    ):
        yield response


def events(response: httpx.Response) -> Generator[Event]:
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_the_stages_come_in_order(made: Path) -> None:
    with asking(made, Writer("62", " metres", " [1].")) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        found = list(events(response))
    names = [name for name, _ in found]
    assert names == ["retrieval", "token", "token", "token", "grounding", "done"]
    assert found[0][1]["citations"][0]["quote"] == QUOTE
    assert found[0][1]["hits"][0]["document"] == "tank.md"
    assert [data["text"] for name, data in found if name == "token"] == ["62", " metres", " [1]."]
    answer = found[4][1]
    assert (answer["answer"], answer["grounding"]) == ("62 metres. [1]", "model")
    assert answer["citations"][0]["quote"] == QUOTE
    assert answer["replaces_tokens"] is False


def test_the_last_word_is_that_of_an_answer_without_a_stream(made: Path) -> None:
    with served(made, OneReply("62 metres [1].")) as address:
        body = {"question": QUESTION}
        whole = httpx.post(f"{address}/v1/answer", json=body).json()
        with httpx.stream("POST", f"{address}/v1/answer", json={**body, "stream": True}) as sent:
            answer = dict(events(sent))["grounding"]
    del answer["replaces_tokens"], answer["timings_ms"], whole["timings_ms"]
    assert answer == whole


def test_tokens_that_the_passages_do_not_bear_are_replaced(made: Path) -> None:
    with asking(made, Writer("It is 900 miles.")) as response:
        answer = dict(events(response))["grounding"]
    assert (answer["grounding"], answer["replaces_tokens"]) == ("quoted", True)
    assert answer["answer"].startswith(f"{QUOTE} [1]")


def test_citations_come_before_the_model_is_done_and_leaving_stops_it(made: Path) -> None:
    llm = Writer("62", goes_on=True)
    with asking(made, llm) as response:
        coming = events(response)
        assert next(coming)[0] == "retrieval"
        assert next(coming) == ("token", {"text": "62"})
        assert not llm.stopped.is_set()
        response.close()
        assert llm.stopped.wait(20)


def test_a_failure_is_an_event_with_the_problem(made: Path) -> None:
    with asking(made, Writer("62", error=LLMTimeout("no answer within 60 s"))) as response:
        name, data = list(events(response))[-1]
    assert (name, data["status"], data["detail"]) == ("error", 504, "no answer within 60 s")


def test_what_is_wrong_before_the_stream_is_a_status(made: Path) -> None:
    with asking(made, Writer("x"), collection="pdf") as response:
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
