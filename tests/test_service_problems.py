"""Every error of the HTTP interface is a problem document that names the value and the remedy."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import Response

from ingest.schema import IndexRefused
from service import problems
from service.app import create_app
from service.llm import LLMBusy, LLMError, LLMTimeout
from service.loading import Loading
from service.problems import NotReady
from service.retrieve import UnknownCollection
from service.settings import ServiceSettings


def answered(error: Exception) -> Response:
    """What an app answers whose one route raises the error."""
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    def fails() -> None:  # pyright: ignore[reportUnusedFunction]
        raise error

    return TestClient(app, raise_server_exceptions=False).get("/")  # pyright: ignore


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (LLMError("start the server"), 502, "Bad Gateway"),
        (LLMTimeout("give it longer"), 504, "Gateway Timeout"),
        (LLMBusy("ask later"), 503, "Service Unavailable"),
        (NotReady("waiting for index"), 503, "Service Unavailable"),
        (IndexRefused("ingest first"), 503, "Service Unavailable"),
        (UnknownCollection("no collection"), 404, "Not Found"),
    ],
)
def test_an_error_becomes_a_problem_of_its_status(
    error: Exception, status: int, title: str
) -> None:
    response: Any = answered(error)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": str(error),
    }


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (LLMBusy("later", 2.2), "3"),
        (LLMBusy("later", 0.0), "0"),
        (LLMBusy("later"), problems.RETRY_LATER),
        (NotReady("loading"), "2"),
        (IndexRefused("none"), problems.RETRY_LATER),
    ],
)
def test_what_may_pass_says_when_to_come_back(error: Exception, seconds: str) -> None:
    assert answered(error).headers["Retry-After"] == seconds


def test_a_fault_of_the_service_tells_nothing_of_its_inside() -> None:
    response: Any = answered(KeyError("/home/anna/secret"))
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json()["detail"] == "the service failed (KeyError); its log says why"


@pytest.fixture(scope="module")
def client() -> TestClient:
    """A client of an app that has loaded nothing: requests are checked before that matters."""
    return TestClient(create_app(Loading(ServiceSettings())), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "question", "Field required"),
        ({"question": ""}, "question", '(was "")'),
        ({"question": "  \n"}, "question", "at least 1 character"),
        ({"question": "q" * 2001}, "question", "at most 2000 characters"),
        ({"question": 5}, "question", "valid string (was 5)"),
        ({"question": None}, "question", "(was null)"),
        ({"question": ["a"]}, "question", '(was ["a"])'),
        ({"question": "a", "topk": 3}, "topk", "not permitted (was 3)"),
        ({"question": "a", "top_k": 0}, "top_k", "greater than or equal to 1 (was 0)"),
        ({"question": "a", "top_k": 21}, "top_k", "less than or equal to 20 (was 21)"),
        ({"question": "a", "top_k": "many"}, "top_k", '(was "many")'),
        ({"question": "a", "collection": 7}, "collection", "(was 7)"),
        (["question"], "body", '(was ["question"])'),
        ("question", "body", '(was "question")'),
    ],
)
def test_a_wrong_field_is_named_with_its_value(
    client: TestClient, body: Any, field: str, words: str
) -> None:
    response = client.post("/v1/answer", json=body)
    found = response.json()
    assert (response.status_code, found["status"]) == (422, 422)
    assert response.headers["content-type"] == "application/problem+json"
    assert [one["field"] for one in found["errors"]] == [field]
    assert words in found["errors"][0]["message"]
    assert found["detail"] == f"{field}: {found['errors'][0]['message']}"


def test_all_wrong_fields_are_named_at_once(client: TestClient) -> None:
    found = client.post("/v1/search", json={"query": "", "top_k": 99}).json()
    assert [one["field"] for one in found["errors"]] == ["query", "top_k"]


def test_a_long_value_is_shown_in_part(client: TestClient) -> None:
    message = client.post("/v1/answer", json={"question": "q" * 100_000}).json()["detail"]
    assert "qqq" in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "body: Field required"),
        (b'{"question": ', "body: is not JSON"),
        (b"question=where", "body: is not JSON: Expecting value at character 0"),
        (b'{"question": "\xff"}', "body: is not JSON in UTF-8"),
        (b'{"question": "\\ud800"}', "question: Input should be a valid string"),
        (b'{"question": "a", "\\ud800": 1}', "unable to parse raw data as a unicode string"),
        (b'{"question": "a", "top_k": NaN}', "top_k: Input should be a valid integer (was NaN)"),
        (b"[" * 100_000, "body: is not JSON"),
    ],
)
def test_a_body_that_is_no_json_is_told_so(client: TestClient, raw: bytes, words: str) -> None:
    response = client.post("/v1/answer", content=raw)
    assert response.status_code in (400, 422)
    assert words in response.json()["detail"]


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/json"]
)
def test_a_body_is_json_whatever_curl_calls_it(client: TestClient, kind: str) -> None:
    response = client.post(
        "/v1/answer", content=json.dumps({"question": "Where?"}), headers={"Content-Type": kind}
    )
    assert response.status_code == 503  # past the checks of the body: nothing is loaded


def test_an_unknown_path_is_named(client: TestClient) -> None:
    response = client.get("/v2/answer")
    assert response.status_code == 404
    assert response.json()["detail"] == "nothing is at '/v2/answer': see /docs for what there is"


def test_a_wrong_method_is_told_the_right_one(client: TestClient) -> None:
    response = client.get("/v1/answer")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.json()["detail"] == "'/v1/answer' does not take GET: use POST"


def test_the_description_declares_the_problems_of_every_route(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    declared = {
        (path, status): set(response["content"])
        for path, methods in described["paths"].items()
        for method in methods.values()
        for status, response in method["responses"].items()
        if status[0] in "45"
    }
    assert set(map(frozenset, declared.values())) == {frozenset({"application/problem+json"})}
    assert {status for path, status in declared if path == "/v1/answer"} == {
        "401",
        "403",
        "404",
        "413",
        "421",
        "422",
        "429",
        "500",
        "502",
        "503",
        "504",
    }
    assert ("/v1/documents/{document_id}/file", "404") in declared
    assert ("/health/ready", "503") in declared
    assert "HTTPValidationError" not in described["components"]["schemas"]
