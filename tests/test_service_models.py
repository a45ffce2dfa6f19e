"""Several models behind one service, picked by name."""

import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from ingest.embed import SentenceEmbedder
from service.app import create_app
from service.llm import LLMError
from service.loading import Loading
from service.local_chat import LocalChat
from service.models import load_others
from service.settings import OtherModel, ServiceSettings
from tests.corpora import pages, run, write
from tests.fakes import OneReply
from tests.letters import letters_model, one_thread, write_adapter
from tests.servers import Exchange, ScriptedServer, within

QUESTION = "What does the tank number 1 weigh?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    folder = tmp_path_factory.mktemp("models")
    with one_thread():
        letters_model(folder / "base")
        write_adapter(folder / "base", folder / "policy", seed=1)
        yield folder


def settings(folder: Path, **others: OtherModel) -> ServiceSettings:
    return ServiceSettings().model_copy(
        update={
            "index": folder / "index",
            "cache": str(folder / "cache"),
            "llm": "local",
            "model": str(folder / "base"),
            "threads": 1,
            "abstain_below": 0.0,
            "models": others,
        }
    )


def script(exchange: Exchange) -> None:
    """A server with one model, which names what it was asked for."""
    body = {"model": exchange.body["model"], "choices": [{"delta": {"content": "4 stones"}}]}
    text = f"data: {json.dumps(body)}\n\ndata: [DONE]\n\n"
    exchange.reply(200, text, Content_Type="text/event-stream")


def ready(loading: Loading) -> None:
    def look() -> None:
        while loading.waiting_for():
            time.sleep(0.01)

    within(look)


def ask(client: TestClient, model: str | None) -> Any:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 8}
    return client.post("/v1/chat/completions", json=body | ({"model": model} if model else {}))


def test_a_model_is_picked_by_its_name(folder: Path, embedder: SentenceEmbedder):
    write(folder / "wiki", pages("tank"))
    run(folder / "index", folder / "wiki", embedder=embedder)
    with ScriptedServer(script) as server:
        far = OtherModel(base_url=server.url, model="served-name")
        chosen = settings(folder, policy=OtherModel(adapter=folder / "policy"), far=far)
        loading = Loading(chosen)
        with TestClient(create_app(loading)) as client:
            loading.start()
            ready(loading)
            base = str(folder / "base")
            listed = client.get("/v1/models").json()["data"]
            assert [one["id"] for one in listed] == [base, "policy", "far"]
            assert client.get("/v1/models/policy").json()["id"] == "policy"
            assert ask(client, None).json()["model"] == base
            assert ask(client, "policy").json()["model"] == "policy"
            assert ask(client, "far").json()["model"] == "served-name"
            unknown = ask(client, "nobody")
            assert unknown.status_code == 404
            assert "'policy', 'far'" in unknown.json()["detail"]


def test_an_adapter_that_is_not_there_keeps_the_service_unready(folder: Path):
    loading = Loading(settings(folder, policy=OtherModel(adapter=folder / "nowhere")))
    loading.start().join(60)
    [waiting] = [one for one in loading.waiting_for() if one.startswith("models: ")]
    assert "nowhere" in waiting
    assert "holds no adapter in peft's format" in waiting


def test_an_adapter_needs_its_base_here():
    chosen = ServiceSettings().model_copy(
        update={"models": {"policy": OtherModel(adapter=Path("a"))}}
    )
    with pytest.raises(LLMError, match="'policy' needs its base in this process"):
        load_others(chosen, OneReply("yes"))


def test_the_first_models_name_is_taken(folder: Path):
    chat = LocalChat(str(folder / "base"), cache=folder / "cache", threads=1)
    chosen = settings(folder, **{chat.name: OtherModel(adapter=folder / "policy")})
    with pytest.raises(LLMError, match="is what the first model goes by"):
        load_others(chosen, chat)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("{}", "either 'adapter'"),
        ('{"adapter": "a", "base_url": "http://b"}', "either 'adapter'"),
        ('{"adapter": "a", "model": "b"}', "go with 'base_url'"),
        ('{"adaptor": "a"}', "adaptor"),
    ],
)
def test_a_model_that_is_set_wrongly_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, named: str
):
    monkeypatch.setenv("RAGFIRST_MODELS", f'{{"policy": {value}}}')
    with pytest.raises(ValidationError, match=named):
        ServiceSettings()


def test_models_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAGFIRST_MODELS", '{"policy": {"adapter": "runs/adapters/a/seed-1"}}')
    assert ServiceSettings().models == {
        "policy": OtherModel(adapter=Path("runs/adapters/a/seed-1"))
    }
