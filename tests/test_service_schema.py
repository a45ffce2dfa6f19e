"""The service keeps to its own description, and tells nobody what is not theirs.

A few hundred calls; `python -m bench.schema` makes thousands, against a process of its own.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.schema import CLOSED, OPEN, SECRET, Findings, drive, make_key
from service.answer import Answerer
from service.loading import Loading
from service.openai_chat import OpenAIChat
from service.settings import ServiceSettings
from tests.corpora import reader, run, write
from tests.fakes import FakeEmbedder
from tests.servers import Exchange, ScriptedServer, completion
from tests.serving import serving

CALLS = 150


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schema")
    for name, files in {**OPEN, **CLOSED}.items():
        write(folder / name, files)
    run(folder / "index", *(folder / name for name in (*OPEN, *CLOSED)))
    return folder / "index"


def says_all(exchange: Exchange) -> None:
    """A model that repeats its prompt, whoever is meant to read that."""
    if "messages" not in exchange.body:
        exchange.reply(200, {"object": "list", "data": [{"id": "tiny"}]})
        return
    text = exchange.body["messages"][-1]["content"]
    if not exchange.body.get("stream"):
        exchange.reply(200, completion(text))
        return
    chunk = {"model": "tiny", "choices": [{"index": 0, "delta": {"content": text}}]}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
    exchange.reply(200, body, Content_Type="text/event-stream")


@contextmanager
def guarded(made: Path) -> Generator[str]:
    """The app with its guard, on loopback, before a model's server."""
    with ScriptedServer(says_all) as server:
        llm = OpenAIChat(base_url=server.url)
        answerer = Answerer(reader(made), FakeEmbedder(), llm, abstain_below=0.0)
        settings = ServiceSettings().model_copy(update={"index": made})
        try:
            with serving(Loading(settings, answerer), "127.0.0.1") as address:
                yield address
        finally:
            llm.close()


def check(findings: Findings, label: str, status: int) -> None:
    assert not findings.faults, next(iter(findings.faults.items()))
    assert findings.total == CALLS
    assert findings.calls[label, status] > 0


def test_without_a_key(made: Path) -> None:
    findings = Findings()
    with guarded(made) as address:
        drive(address, CALLS, findings)
    check(findings, "POST /v1/chat/completions", 200)


def test_with_a_key_for_a_part(made: Path) -> None:
    findings = Findings()
    with guarded(made) as address:
        drive(address, CALLS, findings, key=make_key(made), forbidden=True)
    check(findings, "GET /v1/documents/{document_id}/text", 200)


def test_with_a_key_that_there_is_not(made: Path) -> None:
    findings = Findings()
    with guarded(made) as address:
        drive(address, CALLS, findings, key="rf_nobody", forbidden=True)
    check(findings, "POST /v1/answer", 401)


def test_what_is_forbidden_is_found_where_it_is_told(made: Path) -> None:
    findings = Findings()
    with guarded(made) as address:
        drive(address, CALLS, findings, forbidden=True)  # without a key all may be read
    assert {kind for _, kind in findings.faults} == {"forbidden content"}
    assert SECRET in str(CLOSED)
