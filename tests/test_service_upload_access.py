"""Who may upload, replace and delete, and where."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from service.access import Caller, caller_of
from service.uploads import Uploads
from tests.corpora import page
from tests.uploading import IDLE, read, send, served, with_corpus

READS = Caller("reader", None, writes=False)
BARN = Caller("farmer", frozenset({"barn"}), writes=True)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """With one that is ready in the collection uploads, and one in barn."""
    uploads = with_corpus(tmp_path)
    send(uploads, "cow.md", page("cow"))
    send(uploads, "dog.md", page("dog"), "barn")
    read(uploads)
    return uploads


@pytest.fixture
def client(uploads: Uploads) -> Generator[TestClient]:
    with served(uploads.index, IDLE) as client:
        yield client


def act_as(client: TestClient, caller: Caller) -> None:
    cast(Any, client.app).dependency_overrides[caller_of] = lambda: caller


def file(topic: str) -> dict[str, Any]:
    return {"file": (f"{topic}.md", page(topic))}


def one(uploads: Uploads, name: str) -> tuple[str, int]:
    """The ids of an upload and its document."""
    found = next(one for one in uploads.all() if one.name == name)
    assert found.document is not None
    return found.id, found.document


def test_who_may_only_read_changes_nothing(client: TestClient, uploads: Uploads) -> None:
    act_as(client, READS)
    upload, document = one(uploads, "cow.md")
    responses = [
        client.post("/v1/documents", files=file("elk")),
        client.post("/v1/documents", content=b"not even a form"),
        client.put(f"/v1/documents/{document}/file", files=file("elk")),
        client.delete(f"/v1/documents/{document}"),
        client.delete("/v1/documents/99"),
        client.delete(f"/v1/uploads/{upload}"),
        client.get("/v1/uploads"),
        client.get(f"/v1/uploads/{upload}"),
    ]
    assert [response.status_code for response in responses] == [403] * len(responses)
    assert "'reader' may not change documents" in responses[0].json()["detail"]
    act_as(client, Caller("all", None, writes=True))
    assert {one["name"] for one in client.get("/v1/uploads").json()["uploads"]} == {
        "cow.md",
        "dog.md",
    }


def test_who_writes_in_one_collection_writes_in_no_other(
    client: TestClient, uploads: Uploads
) -> None:
    act_as(client, BARN)
    for collection in ("uploads", "wiki", "nowhere"):
        response = client.post("/v1/documents", files=file("elk"), data={"collection": collection})
        assert response.status_code == 403
        assert response.json()["detail"] == (
            f"'farmer' may not upload to the collection {collection!r}: name one of ['barn']"
        )
    assert client.post("/v1/documents", files=file("elk")).status_code == 403
    taken = client.post("/v1/documents", files=file("elk"), data={"collection": "barn"})
    assert taken.status_code == 202
    assert {one.name for one in uploads.all()} == {"cow.md", "dog.md", "elk.md"}


def test_what_may_not_be_read_is_not_there(client: TestClient, uploads: Uploads) -> None:
    act_as(client, BARN)
    upload, document = one(uploads, "cow.md")
    assert [one["name"] for one in client.get("/v1/uploads").json()["uploads"]] == ["dog.md"]
    assert client.get("/v1/collections").json()["collections"] == [{"name": "barn", "documents": 1}]
    missing = [
        (client.delete(f"/v1/documents/{document}"), client.delete("/v1/documents/99")),
        (
            client.put(f"/v1/documents/{document}/file", files=file("elk")),
            client.put("/v1/documents/99/file", files=file("elk")),
        ),
        (client.delete("/v1/documents/1"), client.delete("/v1/documents/99")),
        (client.get(f"/v1/uploads/{upload}"), client.get("/v1/uploads/99")),
        (client.delete(f"/v1/uploads/{upload}"), client.delete("/v1/uploads/99")),
    ]
    for hidden, absent in missing:
        assert hidden.status_code == absent.status_code == 404
        told = [one.json()["detail"].split(":")[0].split() for one in (hidden, absent)]
        assert told[0][:2] == told[1][:2] == ["no", told[0][1]]  # the third word is the id
        assert told[0][3:] == told[1][3:]
    assert {one.name for one in uploads.all()} == {"cow.md", "dog.md"}


def test_what_may_be_written_is(client: TestClient, uploads: Uploads) -> None:
    act_as(client, BARN)
    upload, document = one(uploads, "dog.md")
    assert client.put(f"/v1/documents/{document}/file", files=file("dog")).status_code == 200
    assert client.get(f"/v1/uploads/{upload}").json()["document_id"] == document
    assert client.delete(f"/v1/documents/{document}").status_code == 204
    assert [one.name for one in uploads.all()] == ["cow.md"]
