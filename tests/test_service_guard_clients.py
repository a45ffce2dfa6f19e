"""The guard as OpenAI's own client meets it, on a real port."""

from collections.abc import Generator
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from service.answer import Answerer
from service.keys import Keys
from service.loading import Loading
from service.settings import ServiceSettings
from tests.corpora import reader
from tests.fakes import FakeEmbedder
from tests.guarded import COLLECTIONS, QUESTION, Parrot, build
from tests.serving import serving

OPEN, STAFF, _ = COLLECTIONS
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def keys(index: Path) -> Keys:
    return Keys(index / "keys.db")


@pytest.fixture(scope="module")
def address(index: Path) -> Generator[str]:
    answerer = Answerer(reader(index), FakeEmbedder(), Parrot(), abstain_below=0)
    with serving(Loading(ServiceSettings(index=index), answerer), "0.0.0.0") as address:
        yield f"{address}/v1"


def client(address: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=address, api_key=key, max_retries=0, timeout=30)


def test_a_key_is_an_api_key(address: str, keys: Keys):
    _, key = keys.create("asks", frozenset({OPEN}))
    with client(address, key) as chat:
        whole = chat.chat.completions.create(model="parrot", messages=ASKED)
        stream = chat.chat.completions.create(model="parrot", messages=ASKED, stream=True)
        told = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert whole.choices[0].message.content == told
    assert "osprey" in told.casefold()


@pytest.mark.parametrize("key", ["none", f"rf_00000000_{'A' * 43}"])
def test_a_wrong_key_is_an_authentication_error(address: str, key: str):
    with client(address, key) as chat, pytest.raises(openai.AuthenticationError, match="key"):
        chat.models.list()


def test_a_used_up_key_is_a_rate_limit_error(address: str, keys: Keys):
    _, key = keys.create("often", requests_per_minute=1)
    with client(address, key) as chat:
        first = chat.models.with_raw_response.list()
        with pytest.raises(openai.RateLimitError, match="1 requests a minute") as caught:
            chat.models.list()
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60


def test_a_client_that_waits_as_told_is_answered(address: str, keys: Keys):
    _, key = keys.create("patient", requests_per_minute=60)
    with client(address, key).with_options(max_retries=1) as chat:
        for _ in range(61):
            assert chat.models.list().data[0].id == "parrot"
