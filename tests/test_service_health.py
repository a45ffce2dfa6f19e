"""Ready means that questions can be answered now; alive, that the process is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.answer import Answerer
from service.app import create_app
from service.loading import Loading
from service.settings import ServiceSettings
from tests.conversing import QUESTION, index
from tests.corpora import privileged, reader
from tests.fakes import FakeEmbedder, OneReply


def client_over(folder: Path) -> TestClient:
    answerer = Answerer(reader(folder), FakeEmbedder(), OneReply("62 metres [1]."))
    settings = ServiceSettings().model_copy(update={"index": folder})
    return TestClient(create_app(Loading(settings, answerer)), raise_server_exceptions=False)


def vanish(folder: Path) -> None:
    folder.rename(folder.with_name("gone"))


def damage(folder: Path) -> None:
    for path in folder.glob("ragfirst.db*"):
        path.write_bytes(b"no database, whatever its name says " * 200)


def close_folder(folder: Path) -> None:
    folder.chmod(0)


def close_file(folder: Path) -> None:
    (folder / "ragfirst.db").chmod(0)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (vanish, "no index in"),
        (damage, "cannot be used (file is not a database)"),
        (close_folder, "cannot be read"),
        (close_file, "cannot be used (unable to open database file)"),
    ],
)
def test_an_index_that_cannot_be_read_any_more_is_named(
    unprivileged: Path, harm: Callable[[Path], None], words: str
) -> None:
    with privileged(unprivileged):
        folder = index(unprivileged)
    client = client_over(folder)
    assert client.get("/health/ready").json() == {
        "ready": True,
        "waiting_for": [],
        "generation": 1,
    }
    harm(folder)
    ready, live = client.get("/health/ready"), client.get("/health/live")
    answer = client.post("/v1/answer", json={"question": QUESTION})
    if folder.exists():
        folder.chmod(0o700)
    assert (ready.status_code, answer.status_code, live.status_code) == (503, 503, 200)
    body = ready.json()
    (waiting,) = body["waiting_for"]
    assert waiting.startswith("index: ")
    assert words in waiting
    assert str(folder) in waiting
    assert body["ready"] is False
    assert waiting in body["detail"]
    assert ready.headers["Retry-After"] == "2"


def test_it_is_ready_again_once_the_index_is_back(tmp_path: Path) -> None:
    folder = index(tmp_path)
    client = client_over(folder)
    shutil.move(folder, tmp_path / "gone")
    assert client.get("/health/ready").status_code == 503
    shutil.move(tmp_path / "gone", folder)
    assert client.get("/health/ready").status_code == 200
