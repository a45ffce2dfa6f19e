"""A second real client, another's work: the `llm` command, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conversing import QUESTION, QUOTE, index, served
from tests.fakes import OneReply


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("llm"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "llm"


def command(home: Path, *arguments: str) -> str:
    """What the command prints; it knows the model "documents" once `home` says where it is."""
    # No plugins: the packaged model's own would load llama.cpp.
    environment = {**os.environ, "LLM_USER_PATH": str(home), "LLM_LOAD_PLUGINS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "llm", *arguments],
        env={**environment, "OPENAI_API_KEY": "none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def introduce(home: Path, address: str) -> None:
    """Tell the command of a server, as its manual says for OpenAI-compatible ones."""
    home.mkdir()
    model = {"model_id": "documents", "model_name": "scripted", "api_base": f"{address}/v1"}
    (home / "extra-openai-models.yaml").write_text(yaml.safe_dump([model]))


@pytest.mark.parametrize("how", [[], ["--no-stream"]])
def test_it_is_answered_with_citations(made: Path, home: Path, how: list[str]):
    reply = "The tow tank is 62 metres long. [1]"
    with served(made, OneReply(reply)) as address:
        introduce(home, address)
        assert command(home, "-m", "documents", *how, QUESTION) == reply


def test_it_goes_on_with_a_conversation(made: Path, home: Path):
    with served(made, OneReply("Elsewhere, I am sure, by far.")) as address:
        introduce(home, address)
        command(home, "-m", "documents", QUESTION)
        assert QUOTE in command(home, "-c", "And how long is it?")
