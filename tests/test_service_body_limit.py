"""Bodies that are too long, by a real server: those that do not tell their length, too."""

import http.client
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.answer import Answerer
from service.loading import Loading
from service.settings import ServiceSettings
from tests.conversing import QUESTION, index
from tests.corpora import reader
from tests.fakes import FakeEmbedder, OneReply
from tests.serving import serving

MOST = 2000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    folder: Path = tmp_path_factory.mktemp("bodies")
    made = index(folder)
    answerer = Answerer(reader(made), FakeEmbedder(), OneReply("62 metres."), abstain_below=0)
    settings = ServiceSettings(index=made, body_limit=MOST)
    with serving(Loading(settings, answerer)) as address:
        yield address


def body_of(size: int) -> bytes:
    """A question of so many bytes, white space among them."""
    text = json.dumps({"question": QUESTION})
    return (text[:-1] + " " * (size - len(text)) + "}").encode()


def send(address: str, body: Any, path: str = "/v1/answer", **headers: str) -> tuple[int, Any]:
    """The status, and the JSON of the response, over a connection that is used again."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    sent = {"Content-Type": "application/json", **headers}
    connection.request("POST", path, body, sent, encode_chunked="Transfer-Encoding" in sent)
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def pieces(body: bytes, size: int = 500) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


CHUNKED = {"Transfer-Encoding": "chunked"}


def test_a_body_of_the_limit_is_taken(address: str):
    assert send(address, body_of(MOST))[0] == 200
    assert send(address, pieces(body_of(MOST)), **CHUNKED)[0] == 200


@pytest.mark.parametrize("path", ["/v1/answer", "/v1/chat/completions", "/v1/feedback"])
def test_a_longer_one_is_not(address: str, path: str):
    status, problem = send(address, body_of(MOST + 1), path)
    assert (status, problem["status"]) == (413, 413)
    assert problem["detail"] == (
        "the body has more than 2000 bytes: send less, or raise RAGFIRST_BODY_LIMIT"
    )
    assert ("error" in problem) == path.startswith("/v1/chat")


def test_a_longer_one_is_not_though_it_does_not_tell_its_length(address: str):
    status, problem = send(address, pieces(body_of(MOST + 1)), **CHUNKED)
    assert (status, problem["status"]) == (413, 413)
    assert "more than 2000 bytes" in problem["detail"]


def test_a_body_without_end_is_cut_off(address: str):
    """The server does not read on: the client's writing fails, or it has its answer at once."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.putrequest("POST", "/v1/answer")
    for name, value in {"Content-Type": "application/json", **CHUNKED}.items():
        connection.putheader(name, value)
    connection.endheaders()
    for _ in range(5):
        connection.send(b"400\r\n" + b" " * 1024 + b"\r\n")
    response = connection.getresponse()
    assert response.status == 413
    connection.close()


@pytest.mark.parametrize("length", [str(10**12), "9" * 5000])
def test_a_length_that_is_told_is_believed(address: str, length: str):
    """Nothing of the body is waited for."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.putrequest("POST", "/v1/answer")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status in (400, 413)
    connection.close()


def test_a_form_is_counted_where_no_form_is_taken(address: str):
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert send(address, b"x" * (MOST + 1), **form)[0] == 413


def test_an_upload_has_a_limit_of_its_own(address: str):
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    status, problem = send(address, b"x" * (MOST + 1), "/v1/documents", **form)
    assert status != 413, problem
