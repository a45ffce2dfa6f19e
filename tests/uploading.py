"""Uploads over a small index of their own, read in this process or by a real one."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from ingest.snapshot import Reader
from service.answer import Answerer
from service.app import create_app
from service.llm import LLM
from service.loading import Loading
from service.reading import read_uploads
from service.settings import ServiceSettings
from service.uploads import Upload, Uploads
from service.worker import Worker
from tests.corpora import page, pages, run, write
from tests.fakes import FakeEmbedder, OneReply
from tests.servers import within

READS = """
import sys
sys.path.insert(0, {root!r})
from service.reading import main
from tests.fakes import FakeEmbedder
{before}
main(lambda settings: FakeEmbedder)
"""


IDLE = ("true",)
"""A command that reads nothing, where the test does so itself."""


def process(before: str = "") -> tuple[str, ...]:
    """The command of a process that reads uploads by a `FakeEmbedder`, `before` run first."""
    root = str(Path(__file__).parents[1])
    return sys.executable, "-c", READS.format(root=root, before=before)


def settings_of(index: Path, **others: object) -> ServiceSettings:
    """Those by which uploads are cut as `tests.corpora.run` cuts."""
    return ServiceSettings().model_copy(update={"index": index, "chunk_overlap": 8, **others})


def with_corpus(folder: Path) -> Uploads:
    """Uploads of an index that holds two pages of a batch ingest, of the collection wiki."""
    run(folder / "index", write(folder / "wiki", pages("ant", "bee")))
    return Uploads(folder / "index")


def send(uploads: Uploads, name: str, text: str, collection: str = "uploads") -> Upload:
    """Upload a file, past HTTP."""
    file = uploads.files.incoming(name)
    file.write_text(text)
    return uploads.place(file, collection, name)[0]


def resend(uploads: Uploads, name: str, text: str, collection: str = "uploads") -> Upload:
    """Replace one."""
    file = uploads.files.incoming(name)
    file.write_text(text)
    return uploads.replace(file, collection, name)[0]


def read(uploads: Uploads, embedder: FakeEmbedder | None = None) -> None:
    """Read what is pending, here."""
    found = embedder or FakeEmbedder()
    read_uploads(uploads, lambda: found, settings_of(uploads.index))


def texts(uploads: Uploads) -> set[str]:
    """The headings of all documents that the published generation shows."""
    with Reader(uploads.index, FakeEmbedder()).snapshot() as snapshot:
        return {chunk.document.title for chunk in snapshot.chunks(snapshot.chunk_ids())}


@contextmanager
def served(
    index: Path, command: tuple[str, ...] | None = None, llm: LLM | None = None, **others: object
) -> Generator[TestClient]:
    """The app over an index, with a worker of its own."""
    settings = settings_of(index, **others)
    worker = Worker(Uploads(index), settings, command=command or process(), pause=0.01)
    reader = Reader(index, FakeEmbedder())
    answerer = Answerer(reader, FakeEmbedder(), llm or OneReply("I don't know."), abstain_below=0)
    with TestClient(create_app(Loading(settings, answerer), worker=worker)) as client:
        yield client


def until(found: Callable[[], bool]) -> None:
    """Wait for what another process does."""

    def look() -> None:
        while not found():
            time.sleep(0.05)

    within(look, 180)  # some wait for several processes to start


def post(
    client: TestClient, name: str = "cow.md", text: str | bytes = page("cow"), **fields: str
) -> Any:
    """Upload a file over HTTP."""
    return client.post("/v1/documents", files={"file": (name, text)}, data=fields)


def put(client: TestClient, document: int, text: str, name: str = "cow.md") -> Any:
    """Replace one."""
    return client.put(f"/v1/documents/{document}/file", files={"file": (name, text)})


def ready(client: TestClient, uploads: Uploads) -> int:
    """Read what is pending; the id of the one upload's document."""
    read(uploads)
    (found,) = client.get("/v1/uploads").json()["uploads"]
    assert found["status"] == "ready", found
    return found["document_id"]


def titles(client: TestClient) -> set[str]:
    """Of all documents."""
    return {one["title"] for one in client.get("/v1/documents").json()["documents"]}
