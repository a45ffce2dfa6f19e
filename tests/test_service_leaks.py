"""No key leads to what it may not read: each key, at each endpoint, over all collections.

Each collection has a word that stands in the title, text and path of its documents and nowhere
else, and the model repeats all that it is shown. So a word that comes back shows whose documents
went into a response, be it a hit, a citation, a piece of a stream or a header.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.guarded import COLLECTIONS, MARKS, QUESTION, Guarded, build

OPEN, STAFF, BOARD = COLLECTIONS

READERS: dict[str, tuple[str, ...]] = {
    "all": (),
    "first": (OPEN,),
    "second": (STAFF,),
    "first and second": (OPEN, STAFF),
    "third": (BOARD,),
    "elsewhere": ("elsewhere",),
}
"""Names of keys, and the collections that each reads; all where none is named."""

IDS = range(1, 10)
"""Those of all documents and chunks, and a few more."""

CHAT = {"messages": [{"role": "user", "content": QUESTION}]}


@dataclass(frozen=True)
class Call:
    """A request; `few`: three citations come back, not all that is found."""

    path: str
    body: dict[str, Any] | None = None
    collection: str | None = None
    few: bool = False


def asking(collection: str | None) -> Iterator[Call]:
    """All ways to ask, within a collection or all."""
    only = {} if collection is None else {"collection": collection}
    for stream in (False, True):
        how = {**only, "top_k": 20, "stream": stream}
        yield Call("/v1/answer", {"question": QUESTION, **how}, collection, few=not stream)
        yield Call("/v1/chat/completions", {**CHAT, **how}, collection, few=True)
    yield Call("/v1/search", {"query": QUESTION, "top_k": 20, **only}, collection)
    query = "" if collection is None else f"?collection={collection}"
    yield Call(f"/v1/documents{query}", collection=collection)


def numbered() -> Iterator[Call]:
    for number in IDS:
        yield Call(f"/v1/documents/{number}/file")
        yield Call(f"/v1/documents/{number}/text")
        yield Call(f"/v1/chunks/{number}")


ELSEWHERE = (
    "/v1/collections",
    "/v1/models",
    "/v1/models/parrot",
    "/v1/me",
    "/v1/uploads",
    "/v1/report",
    "/v1/report/status",
    "/metrics",
    "/openapi.json",
    "/health/live",
    "/health/ready",
)
"""Where there is a name at the most."""

CHANGING = {
    ("post", "/v1/documents"),
    ("put", "/v1/documents/{document_id}/file"),
    ("delete", "/v1/documents/{document_id}"),
    ("get", "/v1/uploads/{upload}"),
    ("delete", "/v1/uploads/{upload}"),
    ("post", "/v1/feedback"),
}
"""Looked at in tests of their own: here, or where uploads and feedback are."""


@dataclass
class Service:
    client: TestClient
    keys: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def send(self, reader: str, call: Call) -> Response:
        headers = self.keys[reader]
        if call.body is None:
            return self.client.get(call.path, headers=headers)
        return self.client.post(call.path, json=call.body, headers=headers)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("leaks"))


@pytest.fixture(scope="module")
def service(index: Path) -> Generator[Service]:
    guarded = Guarded(index)
    with guarded.client() as client:
        yield Service(client, {name: guarded.key(name, *only) for name, only in READERS.items()})


def readable(reader: str) -> set[str]:
    return set(READERS[reader] or COLLECTIONS)


def marks(response: Response, named: str | None = None) -> set[str]:
    """The collections whose word is in a response, its headers included.

    The one that was `named` in the request may be named again.
    """
    whole = f"{response.headers}\n{response.text}".casefold().replace(repr(named), "…")
    return {collection for collection, mark in MARKS.items() if mark in whole}


every_reader = pytest.mark.parametrize("reader", READERS)
calls = [*asking(None), *(call for name in COLLECTIONS for call in asking(name)), *numbered()]


@every_reader
def test_nothing_comes_back_that_may_not_be_read(service: Service, reader: str):
    for call in [*calls, *(Call(path) for path in ELSEWHERE)]:
        found = marks(service.send(reader, call), call.collection)
        assert found <= readable(reader), (call, found)


@every_reader
def test_what_may_be_read_comes_back(service: Service, reader: str):
    expected = readable(reader) & set(COLLECTIONS)
    for call in asking(None):
        found = marks(service.send(reader, call))
        if call.few:
            assert bool(found) == bool(expected), call
        else:
            assert found == expected, call


def test_the_forbidden_document_is_the_best_match(service: Service):
    answer = service.send("all", Call("/v1/answer", {"question": QUESTION})).json()
    assert "basilisk" in answer["citations"][0]["title"].casefold()
    chunk = answer["citations"][0]["chunk_id"]
    assert chunk in IDS
    for reader in ("first", "first and second"):
        answer = service.send(reader, Call("/v1/answer", {"question": QUESTION})).json()
        assert answer["citations"]
        assert chunk not in [one["chunk_id"] for one in answer["citations"]]


def test_each_number_is_had_by_some_reader(service: Service):
    """Else the tests of numbers would show nothing."""
    for path in ("/v1/documents/{}/file", "/v1/documents/{}/text", "/v1/chunks/{}"):
        found = [marks(service.send("all", Call(path.format(number)))) for number in IDS]
        assert set().union(*found) == set(COLLECTIONS)


def told(response: Response, *names: object) -> tuple[Any, ...]:
    """A response, but for the names that were asked for, and what differs each time."""
    body = response.text
    for name in names:
        body = re.sub(rf"\b{name}\b", "…", body)
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    headers.pop("content-length", "")
    return response.status_code, body, headers


@pytest.mark.parametrize("reader", ["first", "elsewhere"])
def test_a_forbidden_collection_is_answered_as_an_unknown_one(service: Service, reader: str):
    for forbidden, unknown in zip(asking(BOARD), asking("nowhere"), strict=True):
        one, other = service.send(reader, forbidden), service.send(reader, unknown)
        assert one.status_code == 404
        assert told(one, BOARD) == told(other, "nowhere")


@every_reader
def test_a_forbidden_number_is_answered_as_an_unknown_one(service: Service, reader: str):
    for path in ("/v1/documents/{}/file", "/v1/documents/{}/text", "/v1/chunks/{}"):
        unknown = told(service.send(reader, Call(path.format(4711))), 4711)
        for number in IDS:
            call = Call(path.format(number))
            response = service.send(reader, call)
            may = marks(service.send("all", call)) & readable(reader)
            assert response.status_code == (200 if may else 404)
            assert may or told(response, number) == unknown


@pytest.mark.parametrize("part", ["Range", "If-None-Match"])
def test_no_part_of_a_forbidden_file_is_had(service: Service, part: str):
    for number in IDS:
        file = Call(f"/v1/documents/{number}/file")
        tag = service.send("all", file).headers.get("etag", '"x"')
        headers = {**service.keys["elsewhere"], part: "bytes=0-9" if part == "Range" else tag}
        assert service.client.get(file.path, headers=headers).status_code == 404
        assert service.client.head(file.path, headers=headers).status_code in (404, 405)


def test_lists_and_counts_are_as_if_there_were_nothing_else(service: Service, tmp_path: Path):
    guarded = Guarded(build(tmp_path, OPEN))
    with guarded.client() as client:
        alone = Service(client, {"first": guarded.key("first")})
        for path in ("/v1/documents", "/v1/collections"):
            one, other = (of.send("first", Call(path)).json() for of in (service, alone))
            for body in (one, other):
                for document in body.get("documents", []):
                    del document["id"]
            assert one == other
        search = Call("/v1/search", {"query": QUESTION, "top_k": 20})
        found, expected = (of.send("first", search).json()["hits"] for of in (service, alone))
        assert [hit["document"] for hit in found] == [hit["document"] for hit in expected]
        # The mean length of a chunk is that of the whole index.
        assert [hit["score"] for hit in found] == pytest.approx(
            [hit["score"] for hit in expected], abs=0.02
        )


def test_a_key_changes_nothing_in_what_it_may_not_read(index: Path, service: Service):
    guarded = Guarded(index)
    key = guarded.key("writer", OPEN, writes=True)
    whole = Call("/v1/documents")
    before = service.send("all", whole).json()
    file = {"file": ("a.md", b"# New\n\nNew.\n")}
    for number in [one["id"] for one in before["documents"] if one["collection"] != OPEN]:
        for response in (
            service.client.delete(f"/v1/documents/{number}", headers=key),
            service.client.put(f"/v1/documents/{number}/file", headers=key, files=file),
        ):
            assert response.status_code == 404
            assert marks(response) == set()
    into = {"collection": BOARD}
    response = service.client.post("/v1/documents", headers=key, data=into, files=file)
    assert response.status_code in (403, 404)
    assert service.send("all", whole).json() == before


def test_a_key_without_rights_to_write_changes_nothing(service: Service):
    file = {"file": ("a.md", b"# New\n\nNew.\n")}
    key = service.keys["all"]
    for response in (
        service.client.post("/v1/documents", headers=key, files=file),
        service.client.put("/v1/documents/1/file", headers=key, files=file),
        service.client.delete("/v1/documents/1", headers=key),
        service.client.delete("/v1/uploads/1", headers=key),
    ):
        assert response.status_code == 403


def test_every_operation_is_looked_at(service: Service):
    """A new one has to be put among the calls above."""
    described = service.client.get("/openapi.json").json()["paths"]
    operations = {(method, path) for path, found in described.items() for method in found}
    seen = {("get" if call.body is None else "post", call.path.split("?")[0]) for call in calls}
    seen |= {("get", path) for path in ELSEWHERE}
    templates = {
        (method, re.sub(r"documents/\d+", "documents/{document_id}", path)) for method, path in seen
    }
    templates |= {("get", "/v1/chunks/{chunk_id}"), ("get", "/v1/models/{model}")}
    assert operations - templates - CHANGING == set()
