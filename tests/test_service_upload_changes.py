"""Replacing and deleting uploaded documents over HTTP."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ingest import derive
from service.uploads import Uploads
from tests.corpora import dump, page
from tests.uploading import IDLE, post, put, read, ready, served, titles, with_corpus


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return with_corpus(tmp_path)


@pytest.fixture
def client(uploads: Uploads) -> Generator[TestClient]:
    with served(uploads.index, IDLE) as client:
        yield client


# Replacing


def test_the_old_version_is_there_until_the_new_one_is(
    client: TestClient, uploads: Uploads
) -> None:
    number = post(client).json()["upload"]
    old = ready(client, uploads)
    response = put(client, old, page("cattle"))
    assert response.status_code == 202
    assert (response.json()["upload"], response.json()["status"]) == (number, "queued")
    assert client.get(f"/v1/documents/{old}/file").text == page("cow")
    assert "About cow" in titles(client)
    new = ready(client, uploads)
    assert titles(client) == {"About ant", "About bee", "About cattle"}
    assert client.get(f"/v1/documents/{old}/file").status_code == 404
    assert client.get(f"/v1/documents/{new}/file").text == page("cattle")


def test_while_the_new_version_is_read_the_old_one_s_file_is_the_old_one_s(
    client: TestClient, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client)
    old = ready(client, uploads)
    put(client, old, page("cattle"))
    build, seen = derive.build, list[str]()

    def look(*args: Any) -> None:
        seen.append(client.get(f"/v1/documents/{old}/file").text)
        seen.append(client.get(f"/v1/documents/{old}/text").text[:9])
        build(*args)

    monkeypatch.setattr(derive, "build", look)
    read(uploads)
    assert seen == [page("cow"), "About cow"]


@pytest.mark.parametrize(
    ("document", "name", "status", "words"),
    [
        (3, "cow.pdf", 415, "'cow.pdf' cannot replace 'cow.md', which is of another kind"),
        (1, "ant.md", 409, "document 1 ('ant.md') was not uploaded"),
        (99, "cow.md", 404, "no document 99 in the index"),
    ],
)
def test_what_cannot_be_replaced_is_told_why(
    client: TestClient, uploads: Uploads, document: int, name: str, status: int, words: str
) -> None:
    post(client)
    assert ready(client, uploads) == 3
    response = put(client, document, page("cattle"), name)
    assert response.status_code == status
    assert words in response.json()["detail"]


# Deleting


def test_a_deleted_document_is_gone_from_everywhere_at_once(
    client: TestClient, uploads: Uploads
) -> None:
    post(client)
    document = ready(client, uploads)
    search = {"query": "cow number weighs stones", "top_k": 20}
    hits = client.post("/v1/search", json=search).json()["hits"]
    (chunk,) = {hit["chunk_id"] for hit in hits if hit["document_id"] == document}
    response = client.delete(f"/v1/documents/{document}")
    assert (response.status_code, response.content) == (204, b"")
    assert titles(client) == {"About ant", "About bee"}
    for address in (f"documents/{document}/file", f"documents/{document}/text", f"chunks/{chunk}"):
        assert client.get(f"/v1/{address}").status_code == 404, address
    hits = client.post("/v1/search", json=search).json()["hits"]
    assert document not in {hit["document_id"] for hit in hits}
    answer = client.post("/v1/answer", json={"question": "What does cow number 2 weigh?"}).json()
    assert document not in {cited["document_id"] for cited in answer["citations"]}
    assert client.get("/v1/uploads").json() == {"uploads": []}
    assert client.post("/v1/search", json={**search, "collection": "uploads"}).status_code == 404
    assert client.delete(f"/v1/documents/{document}").status_code == 404
    assert not uploads.files.current("uploads", "cow.md").exists()


def test_a_document_of_the_batch_ingest_is_not_deleted(client: TestClient) -> None:
    response = client.delete("/v1/documents/1")
    assert response.status_code == 409
    assert "was not uploaded" in response.json()["detail"]
    assert "About ant" in titles(client)


def test_an_upload_is_deleted_before_it_was_read(client: TestClient, uploads: Uploads) -> None:
    number = post(client).json()["upload"]
    assert client.delete(f"/v1/uploads/{number}").status_code == 204
    assert client.get(f"/v1/uploads/{number}").status_code == 404
    read(uploads)
    assert titles(client) == {"About ant", "About bee"}


def test_a_file_of_several_documents_is_deleted_as_one(
    client: TestClient, uploads: Uploads
) -> None:
    number = post(client, "all.xml", dump(("One", "A tank."), ("Two", "A crane."))).json()["upload"]
    read(uploads)
    told = client.get(f"/v1/uploads/{number}").json()
    assert (told["status"], told["document_id"]) == ("ready", None)
    response = client.delete("/v1/documents/3")
    assert response.status_code == 409
    assert f"DELETE /v1/uploads/{number}" in response.json()["detail"]
    assert client.delete(f"/v1/uploads/{number}").status_code == 204
    assert titles(client) == {"About ant", "About bee"}
