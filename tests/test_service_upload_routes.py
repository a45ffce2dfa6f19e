"""Uploading over HTTP, and how far each upload is."""

from collections.abc import Generator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.loading import Loading
from service.uploads import Uploads
from service.worker import Worker
from tests.corpora import page
from tests.servers import within
from tests.uploading import IDLE, post, process, ready, served, settings_of, until, with_corpus


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return with_corpus(tmp_path)


@pytest.fixture
def client(uploads: Uploads) -> Generator[TestClient]:
    with served(uploads.index, IDLE) as client:
        yield client


def test_an_upload_is_taken_and_its_state_told(client: TestClient, uploads: Uploads) -> None:
    response = post(client, collection="barn")
    assert response.status_code == 202
    accepted = response.json()
    number = accepted["upload"]
    assert accepted == {
        "upload": number,
        "name": "cow.md",
        "collection": "barn",
        "bytes": len(page("cow")),
        "status": "queued",
    }
    assert response.headers["Location"] == f"/v1/uploads/{number}"
    waiting = client.get(response.headers["Location"]).json()
    assert waiting == {**accepted, "reason": None, "document_id": None}
    document = ready(client, uploads)
    told = client.get(response.headers["Location"]).json()
    assert told == {**accepted, "status": "ready", "reason": None, "document_id": document}


def test_a_ready_upload_is_a_document_like_any_other(client: TestClient, uploads: Uploads) -> None:
    post(client)
    document = ready(client, uploads)
    assert client.get("/v1/collections").json() == {
        "collections": [{"name": "uploads", "documents": 1}, {"name": "wiki", "documents": 2}],
        "generation": 2,
    }
    uploaded = {
        one["id"]: one["uploaded"] for one in client.get("/v1/documents").json()["documents"]
    }
    assert uploaded == {1: False, 2: False, document: True}
    assert client.get(f"/v1/documents/{document}/file").text == page("cow")
    assert client.get(f"/v1/documents/{document}/text").text.startswith("About cow")
    hits = client.post("/v1/search", json={"query": "cow", "collection": "uploads"}).json()["hits"]
    assert {hit["document_id"] for hit in hits} == {document}


def test_the_same_file_again_is_the_same_upload(client: TestClient) -> None:
    first, again = post(client), post(client)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()


def test_another_file_of_the_same_name_is_told_what_to_replace(
    client: TestClient, uploads: Uploads
) -> None:
    number = post(client).json()["upload"]
    document = ready(client, uploads)
    response = post(client, text=page("cattle"))
    assert response.status_code == 409
    assert f"PUT /v1/documents/{document}/file" in response.json()["detail"]
    assert response.json()["document_id"] == document
    assert response.json()["upload"] == number


def test_a_name_cannot_leave_its_folder(client: TestClient, uploads: Uploads) -> None:
    assert post(client, "../../..\\evil.md").json()["name"] == "evil.md"
    assert uploads.files.current("uploads", "evil.md").is_file()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.exe", b"MZ", "file: 'run.exe' is not of a known kind: send .htm"),
        ("a.pdf", b"<html>", "file: 'a.pdf' is no PDF"),
        ("a.txt", b"a\0b", "NUL bytes"),
    ],
)
def test_what_cannot_be_read_is_not_taken(
    client: TestClient, uploads: Uploads, name: str, content: bytes, words: str
) -> None:
    response = post(client, name, content)
    assert response.status_code == 415
    assert words in response.json()["detail"]
    assert uploads.all() == []
    assert list(uploads.files.folder.glob(".incoming/*")) == []


def test_an_empty_file_is_named(client: TestClient) -> None:
    response = post(client, text="")
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": "file", "message": "'cow.md' is empty: send a file with text in it"}
    ]


def test_a_collection_of_no_good_name_is_named(client: TestClient, uploads: Uploads) -> None:
    response = post(client, collection="../wiki")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "collection"
    assert uploads.all() == []


def test_a_file_as_large_as_may_be_is_taken_and_no_larger(uploads: Uploads) -> None:
    text = page("cow")
    with served(uploads.index, IDLE, upload_bytes=len(text)) as client:
        assert post(client, text=text).status_code == 202
        response = post(client, "cow2.md", text + "x")
    assert response.status_code == 413
    assert f"is larger than {len(text)} bytes" in response.json()["detail"]
    assert [one.name for one in uploads.all()] == ["cow.md"]
    assert list(uploads.files.folder.glob(".incoming/*")) == []


def test_a_full_disk_is_told_and_leaves_nothing(
    client: TestClient, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        response = post(client)
    assert response.status_code == 507
    assert "(No space left on device)" in response.json()["detail"]
    assert uploads.all() == []
    assert list(uploads.files.folder.glob(".incoming/*")) == []


def test_uploads_are_taken_before_there_is_an_index_or_a_model(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "index")
    worker = Worker(Uploads(settings.index), settings, command=IDLE)
    with TestClient(create_app(Loading(settings), worker=worker)) as client:
        assert post(client).status_code == 202
        assert client.get("/v1/uploads").json()["uploads"][0]["status"] == "queued"
        assert client.get("/v1/collections").status_code == 503


# All of it, by a real process


def test_a_file_is_uploaded_asked_about_and_deleted(uploads: Uploads) -> None:
    question = {"query": "cow number 2 weighs", "top_k": 1}

    def first() -> str:
        return client.post("/v1/search", json=question).json()["hits"][0]["title"]

    with served(uploads.index) as client:
        address = post(client).headers["Location"]
        until(lambda: client.get(address).json()["status"] == "ready")
        assert first() == "About cow"
        document = client.get(address).json()["document_id"]
        assert client.delete(f"/v1/documents/{document}").status_code == 204
        assert first() != "About cow"
        until(lambda: client.get("/health/ready").json()["generation"] == 3)
        assert first() != "About cow"


def test_reading_blocks_no_answer_and_no_end_of_the_service(uploads: Uploads) -> None:
    question = {"query": "ant number 2 weighs", "top_k": 1}
    with served(uploads.index, process("import time; time.sleep(600)")) as client:
        address = post(client).headers["Location"]
        hits = within(lambda: client.post("/v1/search", json=question).json()["hits"])
        assert hits[0]["title"] == "About ant"
        assert client.get(address).json()["status"] == "queued"
    assert uploads.all()[0].status == "queued"
