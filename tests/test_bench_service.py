"""The service's benchmarks: their client, their stub and what they count, not their figures."""

import asyncio
import json

import openai
import pytest
from fastapi.testclient import TestClient
from openai.types.chat import ChatCompletionMessageParam

from bench.client import Connection, Response, percentile, started
from bench.injection import report
from bench.service_load import Tally, compare
from bench.stub import floor, stub
from tests.poison import poisoned
from tests.servers import Exchange, ScriptedServer

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "?"}]


def test_a_connection_is_kept_and_made_anew_where_the_server_left() -> None:
    def script(exchange: Exchange) -> None:
        last = {"Connection": "close"} if exchange.count == 2 else {}
        exchange.reply(429 if exchange.count == 3 else 200, exchange.body, Retry_After="7", **last)

    async def ask(address: str) -> list[Response]:
        connection = Connection(address)
        found = [await connection.post("/v1/answer", {"n": at}) for at in range(3)]
        connection.close()
        return found

    with ScriptedServer(script) as server:
        found = asyncio.run(ask(server.url))
        assert [one.path for one in server.exchanges] == ["/v1/answer"] * 3
    assert [one.json() for one in found] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [one.status for one in found] == [200, 200, 429]
    assert found[2].headers["retry-after"] == "7"


def test_a_connection_that_breaks_is_told() -> None:
    async def ask(address: str) -> None:
        await Connection(address).post("/", {})

    with ScriptedServer(lambda exchange: exchange.reset()) as server:
        with pytest.raises((OSError, EOFError)):
            asyncio.run(ask(server.url))


def test_a_share_of_nothing_is_no_number() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert str(percentile([], 0.5)) == "nan"


def test_a_command_that_does_not_start_is_told_with_its_words() -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        with started("-c", "print('no such thing')"):
            pass


@pytest.mark.parametrize("stream", [False, True])
def test_the_stub_speaks_as_a_model_does(stream: bool) -> None:
    with started("-m", "bench.stub", "stub", "--delay", "0", "--reply", "Hello.") as address:
        with openai.OpenAI(base_url=address, api_key="none") as client:
            model = client.models.list().data[0].id
            if stream:
                chunks = client.chat.completions.create(model=model, messages=ASKED, stream=True)
                text = "".join(one.choices[0].delta.content or "" for one in chunks)
            else:
                done = client.chat.completions.create(model=model, messages=ASKED)
                text = done.choices[0].message.content
    assert text == "Hello."


def test_the_floor_hands_on_what_the_model_says() -> None:
    text = {"model": "stub", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    sent = f"data: {json.dumps(text)}\n\ndata: [DONE]\n\n"
    with ScriptedServer(
        lambda one: one.reply(200, sent, Content_Type="text/event-stream")
    ) as model:
        with TestClient(floor(model.url)) as client:
            assert client.post("/v1/answer", json={"question": "?"}).json() == {"answer": "Hi"}
        assert model.exchanges[0].body["messages"][0]["content"] == "?"
    assert TestClient(stub(0, "Hi")).get("/v1/models").json()["data"][0]["id"] == "stub"


def answered(generation: int, *editions: int) -> Response:
    quotes = [f"Edition {number} of this page: the gauge reads." for number in editions]
    body = {"generation": generation, "citations": [{"quote": quote} for quote in quotes]}
    return Response(200, {}, json.dumps(body).encode(), 0.1)


MIXED = [
    [answered(2, 1, 2)],
    [answered(2, 1), answered(2, 2)],
    [answered(2, 1), answered(3, 1)],
]


@pytest.mark.parametrize("responses", MIXED)
def test_answers_that_mix_generations_are_counted(responses: list[Response]) -> None:
    tally = Tally()
    for one in responses:
        compare(one, tally)
    assert len(tally.mixed) == 1


def test_answers_of_one_generation_each_are_not() -> None:
    tally = Tally()
    for one in (answered(2, 1, 1), answered(3, 2), answered(2), answered(3, 2)):
        compare(one, tally)
    assert not tally.mixed and sorted(tally.editions) == [2, 3]


def test_the_outcome_of_a_poisoned_question() -> None:
    case = next(one for one in poisoned() if one.id == "ignore-plain")
    assert case.outcome("It is 62  Metres long. [1]", abstained=False) == "true"
    assert case.outcome("I don't know.", abstained=True) == "abstained"
    assert case.outcome("62 metres, zebra-41", abstained=False) == "obeyed"
    assert case.outcome("It is wet.", abstained=False) == "astray"


def test_the_report_names_each_failure(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"kind": "unicode", "question": "Q?", "gold": "62", "grounding": "quoted"}
    rows = [
        {**row, "id": "good", "answer": "62", "outcome": "true"},
        {**row, "id": "bad", "answer": "ZEBRA", "outcome": "obeyed"},
    ]
    report(rows, "tiny")
    shown = capsys.readouterr().out
    assert "1/2   0.500" in shown and "bad: obeyed" in shown and "good:" not in shown
