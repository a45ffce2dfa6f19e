"""`/v1/chat/completions` and `/v1/models` by the openai package, on a real port."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from service.llm import LLMBusy, LLMError
from tests.conversing import QUESTION, QUOTE, index, served
from tests.corpora import run
from tests.fakes import LateLoading, OneReply, Writer
from tests.serving import serving

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("completions"))


def client(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, timeout=30)


def extra(body: Any, name: str) -> Any:
    """A member that the openai package has no name for."""
    members: dict[str, Any] = body.model_extra
    return members[name]


def test_an_answer_has_its_citations_in_the_message_and_beside_it(made: Path) -> None:
    with served(made, OneReply("62 metres [1].")) as address, client(address) as chat:
        done = chat.chat.completions.create(model="scripted", messages=ASKED, temperature=0.7)
    choice = done.choices[0]
    assert (done.object, done.model, choice.finish_reason) == (
        "chat.completion",
        "scripted",
        "stop",
    )
    assert (choice.message.role, choice.message.content) == ("assistant", "62 metres. [1]")
    assert extra(choice.message, "citations")[0]["quote"] == QUOTE
    assert extra(done, "citations") == extra(choice.message, "citations")
    assert done.usage and done.usage.total_tokens == 15


def test_without_any_hit_the_list_of_citations_is_there_and_empty(tmp_path: Path) -> None:
    (tmp_path / "wiki").mkdir()
    (tmp_path / "wiki" / "a.md").write_text("\n")
    run(tmp_path / "index", tmp_path / "wiki")
    with served(tmp_path / "index", OneReply("x"), abstain_below=1) as address:
        with client(address) as chat:
            done = chat.chat.completions.create(model="scripted", messages=ASKED)
            chunks = list(
                chat.chat.completions.create(model="scripted", messages=ASKED, stream=True)
            )
    assert extra(done, "citations") == extra(done.choices[0].message, "citations") == []
    assert extra(chunks[-1], "citations") == extra(chunks[-1].choices[0].delta, "citations") == []
    assert extra(done, "abstained") is True


def test_a_stream_is_the_answer_in_chunks(made: Path) -> None:
    with served(made, Writer("62", " metres", " [1].")) as address, client(address) as chat:
        whole = chat.chat.completions.create(model="writer", messages=ASKED)
        stream = chat.chat.completions.create(
            model="writer", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        first, *middle, last, tokens = list(stream)
    assert first.choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in middle)
    assert text == whole.choices[0].message.content == "62 metres. [1]"
    assert len(middle) == 3
    assert {chunk.choices[0].finish_reason for chunk in [first, *middle]} == {None}
    assert last.choices[0].finish_reason == "stop"
    assert extra(last, "citations") == extra(whole, "citations")
    assert tokens.choices == [] and tokens.usage == whole.usage
    assert len({chunk.id for chunk in [first, *middle, last, tokens]}) == 1


def test_words_that_the_passages_do_not_bear_are_not_streamed(made: Path) -> None:
    with served(made, Writer("It is", " 900 miles.")) as address, client(address) as chat:
        stream = chat.chat.completions.create(model="writer", messages=ASKED, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "900" not in text
    assert text.startswith(f"{QUOTE} [1]")


def test_the_role_comes_before_the_model_is_done_and_leaving_stops_it(made: Path) -> None:
    llm = Writer("62", goes_on=True)
    with served(made, llm) as address, client(address) as chat:
        stream = chat.chat.completions.create(model="writer", messages=ASKED, stream=True)
        assert next(stream).choices[0].delta.role == "assistant"
        assert not llm.stopped.is_set()
        stream.close()
        assert llm.stopped.wait(20)


def test_the_async_client_gets_the_same(made: Path) -> None:
    async def asked(address: str) -> tuple[str | None, str]:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none") as chat:
            whole = await chat.chat.completions.create(model="writer", messages=ASKED)
            text = ""
            async for chunk in await chat.chat.completions.create(
                model="writer", messages=ASKED, stream=True
            ):
                text += chunk.choices[0].delta.content or ""
        return whole.choices[0].message.content, text

    with served(made, Writer("62 metres [1].")) as address:
        whole, text = asyncio.run(asked(address))
    assert whole == text == "62 metres. [1]"


def test_the_last_question_is_asked_with_the_turns_before_it(made: Path) -> None:
    llm = OneReply("Nine tonnes [1].")
    turns: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "Where is the crane at Oxmoor?"},
        {"role": "assistant", "content": "By the quay. [1]"},
        {"role": "user", "content": [{"type": "text", "text": "What does it lift?"}]},
    ]
    with served(made, llm) as address, client(address) as chat:
        done = chat.chat.completions.create(model="scripted", messages=turns)
    question = "What does it (the crane at Oxmoor) lift?"
    assert extra(done, "question") == question
    assert question in llm.asked[0][-1].content
    assert not any("pirate" in message.content for message in llm.asked[0])
    assert extra(done, "citations")[0]["document"] == "crane.md"


def test_a_collection_is_named_in_the_extra_body(made: Path) -> None:
    with served(made, OneReply("x")) as address, client(address) as chat:
        with pytest.raises(openai.NotFoundError, match="no collection 'pdf'.*'wiki'"):
            chat.chat.completions.create(
                model="scripted", messages=ASKED, extra_body={"collection": "pdf"}
            )


def test_a_limit_that_cut_the_reply_is_the_finish_reason(made: Path) -> None:
    with served(made, OneReply("62 metres [1].")) as address, client(address) as chat:
        done = chat.chat.completions.create(model="scripted", messages=ASKED, max_tokens=3)
    assert done.choices[0].finish_reason == "length"
    assert done.usage and done.usage.completion_tokens == 3


# Models


def test_the_model_that_answers_is_listed(made: Path) -> None:
    with served(made, OneReply("x", "org/tiny")) as address, client(address) as chat:
        (model,) = chat.models.list().data
        assert (model.id, model.object, model.owned_by) == ("org/tiny", "model", "ragfirst")
        assert chat.models.retrieve("org/tiny") == model


def test_another_model_is_told_the_one_there_is(made: Path) -> None:
    with served(made, OneReply("x")) as address, client(address) as chat:
        for ask in (
            lambda: chat.models.retrieve("gpt-9"),
            lambda: chat.chat.completions.create(model="gpt-9", messages=ASKED),
            lambda: chat.chat.completions.create(model="gpt-9", messages=ASKED, stream=True),
        ):
            with pytest.raises(openai.NotFoundError, match=r"no model 'gpt-9'.*\['scripted'\]"):
                ask()


# Errors


def test_an_error_is_a_problem_and_reads_as_one_of_openai(made: Path) -> None:
    with served(made, OneReply("x")) as address, client(address) as chat:
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            chat.chat.completions.create(model="scripted", messages=ASKED, n=2)
    error, sent = caught.value, caught.value.response.json()
    assert error.response.headers["content-type"] == "application/problem+json"
    assert (error.param, error.type) == ("n", "invalid_request_error")
    assert sent["error"]["message"] == sent["detail"] == "n: Input should be 1 (was 2)"
    assert (sent["type"], sent["status"]) == ("about:blank", 422)


NO_QUESTIONS: list[tuple[Any, str]] = [
    ([], "messages"),
    ([{"role": "assistant", "content": "Hello"}], "role 'user'"),
    ([{"role": "user", "content": "  "}], "role 'user'"),
    ([{"role": "user", "content": "x" * 2001}], "2000"),
    ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "image_url"),
]


@pytest.mark.parametrize(("messages", "named"), NO_QUESTIONS)
def test_messages_without_a_question_are_refused(made: Path, messages: Any, named: str) -> None:
    with served(made, OneReply("x")) as address, client(address) as chat:
        with pytest.raises(openai.UnprocessableEntityError, match=named):
            chat.chat.completions.create(model="scripted", messages=messages)


def test_a_model_that_fails_is_an_error_of_the_server(made: Path) -> None:
    with served(made, OneReply(LLMBusy("over its limit", 7))) as address, client(address) as chat:
        with pytest.raises(openai.InternalServerError, match="over its limit") as caught:
            chat.chat.completions.create(model="scripted", messages=ASKED)
    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "7"


def test_a_failure_within_a_stream_is_raised_by_the_client(made: Path) -> None:
    with served(made, Writer("62", error=LLMError("it broke"))) as address:
        with client(address) as chat, pytest.raises(openai.APIError, match="it broke"):
            list(chat.chat.completions.create(model="writer", messages=ASKED, stream=True))


def test_until_all_is_loaded_a_stream_is_refused_by_its_status() -> None:
    with serving(LateLoading()) as address, client(address) as chat:
        with pytest.raises(openai.InternalServerError, match="waiting for model"):
            chat.chat.completions.create(model="x", messages=ASKED, stream=True)


def test_the_snippet_of_the_readme_runs(made: Path) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    snippet = next(part for part in readme.split("```python\n") if "import OpenAI" in part[:40])
    code = snippet.split("```")[0]
    with served(made, OneReply("62 metres [1].")) as address:
        code = code.replace("http://localhost:8000", address)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    assert "'quote': " in done.stdout
