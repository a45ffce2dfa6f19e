"""The packaged model in batches, and kept to the grammar of a format task."""

from collections.abc import Generator
from pathlib import Path

import pytest

from eval.decode import line_ends, turn_ends
from eval.generate import Request
from eval.local import LocalGenerator, files_digest
from eval.penstock import GUIDE, parse
from service.llm import Message, Reply
from service.local_chat import DEFAULT, LocalChat, model_folder
from tests.letters import one_thread

pytestmark = pytest.mark.model

PLACES = {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo"}
CHATS = [(Message("user", f"What is the capital of {place}?"),) for place in PLACES]
DEVICE = (
    Message("system", "Write the request as a Penstock fragment and nothing else."),
    Message("user", "Device gate-1, model lh-210."),
    Message("assistant", "device gate-1 model lh-210"),
    Message("user", "Device gate-2, model lh-420."),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model")


@pytest.fixture(scope="module")
def generator(cache: Path) -> Generator[LocalGenerator]:
    with one_thread():
        yield LocalGenerator.load(DEFAULT, cache, threads=1)


def texts(generator: LocalGenerator, *requests: Request) -> list[str]:
    replies = generator.complete(requests)
    assert all(isinstance(one, Reply) for one in replies)
    return [one.text for one in replies if isinstance(one, Reply)]


def test_a_batch_is_answered_in_order(generator: LocalGenerator):
    said = texts(generator, *(Request(chat, 24) for chat in CHATS))
    assert all(name in text for name, text in zip(PLACES.values(), said, strict=True))


def test_it_answers_as_the_service_s_model_does(generator: LocalGenerator, cache: Path):
    service = LocalChat(DEFAULT, cache=cache, threads=1)
    for chat in CHATS:
        assert texts(generator, Request(chat, 24)) == [service.complete(chat, 24).text]


def test_its_turn_and_its_lines_end_where_its_tokenizer_says(generator: LocalGenerator):
    tokenizer = generator.tokenizer
    assert turn_ends(tokenizer) == {tokenizer.convert_tokens_to_ids("<|im_end|>")}
    assert tokenizer("\n", add_special_tokens=False)["input_ids"][0] in line_ends(tokenizer)
    assert set(line_ends(tokenizer).values()) == {""}


def test_a_grammar_is_kept_to(generator: LocalGenerator):
    [text] = texts(generator, Request(DEVICE, 40, one_line=False, grammar=GUIDE))
    assert parse(text).device is not None


def test_its_fingerprint_is_that_of_the_converted_weights(generator: LocalGenerator, cache: Path):
    assert generator.fingerprint(None).endswith(files_digest(model_folder(DEFAULT, cache)))
