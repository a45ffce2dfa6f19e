"""Loading behind a server that already listens: what is missing is named, and waited for."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from ingest.embed import SentenceEmbedder
from service.app import create_app
from service.loading import Loading, load_llm
from service.openai_chat import OpenAIChat
from service.problems import NotReady
from service.settings import ServiceSettings
from tests.chats import KEY
from tests.corpora import pages, run, write
from tests.servers import Exchange, ScriptedServer, failure, refused, within


def settings(tmp_path: Path, url: str, **others: object) -> ServiceSettings:
    return ServiceSettings().model_copy(
        update={
            "index": tmp_path / "index",
            "openai_base_url": url,
            "openai_api_key": SecretStr(KEY),
            "llm_timeout": 5.0,
            **others,
        }
    )


def _until(loading: Loading, found: Callable[[list[str]], bool]) -> list[str]:
    """What is waited for, once it is as wanted."""

    def look() -> list[str]:
        while not found(waiting := loading.waiting_for()):
            time.sleep(0.01)  # its thread has no event for each of its troubles
        return waiting

    return within(look)


def test_an_app_is_ready_once_server_and_index_are_there(
    tmp_path: Path, embedder: SentenceEmbedder
) -> None:
    up = False

    def script(exchange: Exchange) -> None:
        if not up:
            exchange.reply(401, failure("not yet"))
        elif exchange.path == "/v1/models":
            exchange.reply(200, {"data": [{"id": "tiny"}]})
        else:
            reply = json.dumps({"model": "tiny", "choices": [{"delta": {"content": "4 stones"}}]})
            text = f"data: {reply}\n\ndata: [DONE]\n\n"
            exchange.reply(200, text, Content_Type="text/event-stream")

    with ScriptedServer(script) as server:
        loading = Loading(settings(tmp_path, server.url), pause=0.01)
        with TestClient(create_app(loading)) as client:
            assert client.get("/health/ready").json()["waiting_for"] == [
                "embedder: loading",
                "model: loading",
                "index: loading",
            ]
            loading.start()
            waiting = _until(loading, lambda found: len(found) == 2 and "refused" in found[0])
            response = client.get("/health/ready")
            assert response.status_code == 503
            assert response.headers["Retry-After"] == "2"
            assert response.json()["waiting_for"] == waiting
            assert server.url in response.json()["detail"]
            assert KEY not in response.text

            up = True
            waiting = _until(loading, lambda found: len(found) == 1)
            assert waiting[0].startswith("index: no index in")
            assert "ragfirst ingest" in client.post("/v1/search", json={"query": "a"}).text

            write(tmp_path / "wiki", pages("tank"))
            run(tmp_path / "index", tmp_path / "wiki", embedder=embedder)
            assert client.get("/health/ready").json()["ready"] is True
            answer = client.post("/v1/answer", json={"question": "Weight of tank number 1?"})
            assert answer.json()["model"] == "tiny"


def test_an_embedder_that_cannot_be_loaded_is_named_with_the_remedy(tmp_path: Path) -> None:
    loading = Loading(settings(tmp_path, "http://localhost/v1", embedder="nope", model="tiny"))
    loading.start()
    waiting = _until(loading, lambda found: "nope" in found[0])
    assert "set RAGFIRST_EMBEDDER" in waiting[0].replace("Set", "set")
    with pytest.raises(NotReady, match="waiting for embedder: cannot load the embedder 'nope'"):
        loading.answerer()
    within(loading.close)


def test_closing_ends_the_wait_for_a_server(tmp_path: Path) -> None:
    with refused() as url:
        loading = Loading(settings(tmp_path, url, embedder="nope", llm_timeout=0.2), pause=3600)
        thread = loading.start()
        _until(loading, lambda found: "cannot reach" in found[1])
        loading.close()
        within(thread.join)


@pytest.mark.parametrize("url", ["http://localhost:1/v1"])
def test_a_base_url_makes_the_server_answer(tmp_path: Path, url: str) -> None:
    llm = load_llm(settings(tmp_path, url, model="tiny"))
    assert isinstance(llm, OpenAIChat)
    assert llm.name == "tiny"
    llm.close()


def test_an_adapter_of_the_embedded_model_reads_for_no_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAGFIRST_READER", "packaged")
    assert not ServiceSettings().remote
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    with pytest.raises(ValueError, match="RAGFIRST_READER is 'packaged'.*RAGFIRST_LLM=local"):
        ServiceSettings()
    monkeypatch.setenv("RAGFIRST_LLM", "local")
    assert ServiceSettings().reader == "packaged"


def test_empty_variables_count_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "RAGFIRST_MODEL", "PORT"):
        monkeypatch.setenv(name, "")
    found = ServiceSettings()
    assert (found.openai_base_url, found.openai_api_key, found.model) == (None, None, None)
    assert found.port == 8000


def test_the_key_is_not_shown_with_the_settings(tmp_path: Path) -> None:
    assert KEY not in repr(settings(tmp_path, "http://localhost/v1"))
