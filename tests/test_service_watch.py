"""What stands around all else: each response has its request's id, errors included."""

import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.records import CURRENT, Failure, Record, failed, stage
from tests.conversing import QUESTION, index
from tests.fakes import OneReply
from tests.loglines import Breaking, Log, client_over

ASKED = {"question": QUESTION}
CHAT = {"messages": [{"role": "user", "content": QUESTION}]}
REPLY = "62 metres [1]."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("logs"))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def client(folder: Path, log: Log) -> Generator[TestClient]:
    with client_over(folder, OneReply(REPLY), log) as client:
        yield client


SANE = ["a", "01J9Z-abc_.:/+=@~", "x" * 128, str(uuid.uuid4())]
NOT_SANE = ["", "-a", "x" * 129, "a b", "a;b", "a\tb", 'a"b', "<b>", "ä".encode()]


@pytest.mark.parametrize("sent", SANE)
def test_an_id_that_is_sane_is_kept(client: TestClient, log: Log, sent: str) -> None:
    response = client.get("/v1/documents", headers={"X-Request-ID": sent})
    assert response.headers["X-Request-ID"] == log.line["request_id"] == sent


@pytest.mark.parametrize("sent", NOT_SANE)
def test_another_is_replaced(client: TestClient, log: Log, sent: str | bytes) -> None:
    response = client.get("/v1/documents", headers={b"X-Request-ID": sent})  # pyright: ignore
    made = response.headers["X-Request-ID"]
    assert str(uuid.UUID(made)) == made == log.line["request_id"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/answer", {**ASKED, "stream": True}, 200),
        ("POST", "/v1/chat/completions", {**CHAT, "stream": True}, 200),
        ("POST", "/v1/answer", {}, 422),
        ("GET", "/nothing", None, 404),
        ("PUT", "/v1/answer", None, 405),
        ("GET", "/page/app.js", None, 200),
        ("GET", "/health/live", None, 200),
        ("GET", "/metrics", None, 200),
    ],
)
def test_every_response_has_its_id(
    client: TestClient, method: str, path: str, body: Any, status: int
) -> None:
    response = client.request(method, path, json=body, headers={"X-Request-ID": "mine"})
    assert response.status_code == status
    assert response.headers["X-Request-ID"] == "mine"


def test_the_problem_of_an_unforeseen_error_is_whole(folder: Path, log: Log) -> None:
    with client_over(folder, OneReply(REPLY), log, Breaking()) as client:
        response = client.post("/v1/answer", json=ASKED)
        chat = client.post("/v1/chat/completions", json=CHAT)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json()["detail"] == "the service failed (KeyError); its log says why"
    assert chat.json()["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("LLMTimeout", "llm_timeout"),
        ("QueueFull", "queue_full"),
        ("OSError", "os_error"),
        ("HTTPError2", "http_error2"),
    ],
)
def test_a_kind_of_problem_is_the_name_of_its_error(error: str, kind: str) -> None:
    record = Record("id", "GET", [])
    token = CURRENT.set(record)
    failed(type(error, (Exception,), {})(), 500)
    CURRENT.reset(token)
    assert record.failure == Failure(kind, 500)


def test_outside_a_request_nothing_is_told() -> None:
    with stage("llm", model="m") as notes:
        notes["prompt_tokens"] = 1
    failed(ValueError(), 500)
    assert CURRENT.get() is None


def test_whoever_is_turned_away_is_seen(folder: Path, log: Log) -> None:
    with client_over(folder, OneReply(REPLY), log, address="0.0.0.0") as client:
        response = client.get("/v1/documents/4711/text")
    assert response.status_code == 401
    line = log.line
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert (line["route"], line["status"]) == ("/v1/documents/{document_id}/text", 401)
    assert line["problem"] == "key_refused"


@pytest.mark.parametrize(("opened", "status"), [(False, 401), (True, 200)])
def test_metrics_need_a_key_where_others_do_unless_they_are_opened(
    folder: Path, log: Log, opened: bool, status: int
) -> None:
    llm = OneReply(REPLY)
    with client_over(folder, llm, log, address="0.0.0.0", metrics_open=opened) as client:
        assert client.get("/metrics").status_code == status
        assert client.get("/v1/documents").status_code == 401
