"""Forms as they come in: what is wrong with them, and how little of them is held."""

import tracemalloc
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

from service.multipart import FIELD_BYTES, OVERHEAD, received
from service.upload_names import UploadRefused
from tests.uploading import IDLE, served, with_corpus

KIND = "multipart/form-data; boundary=cut"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestClient]:
    uploads = with_corpus(tmp_path_factory.mktemp("forms"))
    with served(uploads.index, IDLE, upload_bytes=1000) as client:
        yield client
    assert uploads.all() == []
    assert list(uploads.files.folder.glob(".incoming/*")) == []


def part(name: str, value: str | bytes, filename: str | None = None) -> bytes:
    of = f'; filename="{filename}"' if filename is not None else ""
    head = f'--cut\r\nContent-Disposition: form-data; name="{name}"{of}\r\n\r\n'
    return head.encode() + (value.encode() if isinstance(value, str) else value) + b"\r\n"


FILE = part("file", "# Cow\n", "cow.md")
END = b"--cut--\r\n"


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"{}", "application/json", 415, "body: is 'application/json': send multipart/form-data"),
        (b"", "text/plain", 415, "send multipart/form-data"),
        (FILE + END, "multipart/form-data", 422, "names no usable boundary"),
        (b"junk", KIND, 422, "body: is no multipart form"),
        (b"", KIND, 422, "ends early"),
        (FILE, KIND, 422, "ends early"),
        (FILE[:-10], KIND, 422, "ends early"),
        (part("collection", "barn") + END, KIND, 422, "file: is missing"),
        (part("file", "# Cow\n") + END, KIND, 422, "file: has no file name"),
        (part("file", "# Cow\n", "") + END, KIND, 422, "file: '' is no name for a file"),
        (FILE + FILE + END, KIND, 422, "file: is there twice"),
        (
            FILE + part("color", "red") + END,
            KIND,
            422,
            "color: is not known: the form takes 'file'",
        ),
        (FILE + part("collection", b"\xff\xfe") + END, KIND, 422, "collection: is not text"),
        (FILE + part("collection", "a" * 1001) + END, KIND, 422, "collection: has more than 1000"),
        (part("file", "a" * 1001, "cow.md") + END, KIND, 413, "file: is larger than 1000 bytes"),
        (FILE + END + b"x" * (1000 + OVERHEAD), KIND, 413, "is larger than 1000 bytes"),
    ],
)
def test_a_form_that_is_none_is_told_what_is_wrong(
    client: TestClient, body: bytes, kind: str, status: int, words: str
) -> None:
    response = client.post("/v1/documents", content=body, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert words in response.json()["detail"]
    assert status != 422 or response.json()["errors"][0]["field"] in response.json()["detail"]


def test_replacing_takes_no_collection(tmp_path: Path) -> None:
    assert FIELD_BYTES == 1000
    body = part("collection", "barn") + FILE + END
    refused = _refusal(tmp_path, [body], fields=())
    assert str(refused) == "is not known: the form takes 'file'"


def _request(pieces: list[bytes], gone: bool = False, length: str = "") -> Request:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or gone}

    named = [(b"content-type", KIND), *([(b"content-length", length)] if length else [])]
    raw = [(name, value.encode()) for name, value in named]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


def _refusal(
    folder: Path, pieces: list[bytes], fields: tuple[str, ...] = ("collection",), length: str = ""
) -> UploadRefused:
    async def run() -> None:
        request = _request(pieces, length=length)
        async with received(request, lambda _: folder / "file", fields, 1000):
            raise AssertionError("it was taken")

    with pytest.raises(UploadRefused) as refused:
        anyio.run(run)
    assert list(folder.iterdir()) == []
    return refused.value


def test_a_length_that_is_told_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    refused = _refusal(tmp_path, [], length=str(1001 + OVERHEAD))
    assert refused.status == 413


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_form_may_come_in_pieces_of_any_size(tmp_path: Path, size: int) -> None:
    body = part("collection", "Über") + part("file", "# Cow\r\n--cu\r\n", "Kuh ß.md") + END
    pieces = [body[at : at + size] for at in range(0, len(body), size)]

    async def run() -> tuple[str, bytes, dict[str, str]]:
        form = received(_request(pieces), lambda _: tmp_path / "file", ("collection",), 1000)
        async with form as found:
            return found.filename, found.file.read_bytes(), found.fields

    assert anyio.run(run) == ("Kuh ß.md", b"# Cow\r\n--cu\r\n", {"collection": "Über"})
    assert list(tmp_path.iterdir()) == []


def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        request = _request([FILE], gone=True)
        async with received(request, lambda _: tmp_path / "file", (), 1000):
            raise AssertionError("it was taken")

    with pytest.raises(ClientDisconnect):
        anyio.run(run)
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_is_never_held(tmp_path: Path) -> None:
    size, count = 1 << 16, 640  # 40 MiB
    pieces = [part("file", "", "cow.md")[:-2], *([b"x" * size] * count), b"\r\n" + END]

    async def run() -> int:
        place, most = tmp_path / "file", size * count
        tracemalloc.start()
        try:
            async with received(_request(pieces), lambda _: place, (), most) as found:
                assert (found.bytes, found.file.stat().st_size) == (most, most)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert anyio.run(run) < 8 << 20
