"""Reading what is pending: beside a batch ingest, and after deaths."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.embed import Vectors
from ingest.lock import locked
from ingest.schema import IndexRefused, Manifest
from ingest.snapshot import Reader
from service.backlog import pending
from service.journal import TRIES
from service.reading import LateEmbedder, read_uploads
from service.uploads import Uploads
from tests.corpora import documents, page, pages, run, write
from tests.fakes import FakeEmbedder, PowerCut
from tests.servers import within
from tests.uploading import read, send, settings_of, with_corpus


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return with_corpus(tmp_path)


def generation(uploads: Uploads) -> int:
    with Reader(uploads.index, FakeEmbedder()).snapshot() as snapshot:
        return snapshot.generation


def test_uploads_of_one_time_are_one_generation(uploads: Uploads) -> None:
    for topic in ("cow", "dog", "elk"):
        send(uploads, f"{topic}.md", page(topic))
    read(uploads)
    assert generation(uploads) == 2


def test_what_comes_in_meanwhile_is_read_by_the_same_process(uploads: Uploads) -> None:
    class Busy(FakeEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            if not uploads.files.current("barn", "dog.md").exists():
                send(uploads, "dog.md", page("dog"), "barn")
            return super().embed(texts)

    send(uploads, "cow.md", page("cow"))
    read(uploads, Busy())
    assert {one.status for one in uploads.all()} == {"ready"}
    assert len(uploads.all()) == 2


def test_a_batch_ingest_is_waited_for(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    with locked(uploads.index):
        thread = threading.Thread(target=read, args=(uploads,))
        thread.start()
        thread.join(1)
        assert thread.is_alive()
        assert uploads.all()[0].status == "queued"
    within(thread.join)
    assert uploads.all()[0].status == "ready"


def test_a_batch_ingest_of_a_folder_around_the_index_leaves_uploads_alone(tmp_path: Path) -> None:
    write(tmp_path, pages("ant"))
    run(tmp_path / "index", tmp_path)
    uploads = Uploads(tmp_path / "index")
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    write(tmp_path, pages("bee"))
    assert run(uploads.index, tmp_path).deleted == 0
    assert documents(uploads.index) == ["ant.md", "bee.md", "cow.md"]


# Deaths


class Fatal(FakeEmbedder):
    """Dies of what is about the cow."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        if any("cow" in text for text in texts):
            raise PowerCut
        return super().embed(texts)


def test_a_file_that_processes_die_of_is_given_up_and_the_others_are_read(
    uploads: Uploads,
) -> None:
    for topic in ("bull", "cow", "dog"):
        send(uploads, f"{topic}.md", page(topic))
    for _ in range(TRIES):
        with pytest.raises(PowerCut):
            read(uploads, Fatal())
    read_uploads(uploads, Fatal, settings_of(uploads.index), "killed by SIGSEGV")
    bull, cow, dog = uploads.all()
    assert (bull.status, cow.status, dog.status) == ("ready", "failed", "ready")
    assert cow.reason == (
        f"reading it was tried {TRIES} times and never came to an end: killed by SIGSEGV"
    )
    assert pending(uploads) == frozenset()
    read(uploads, Fatal())
    assert uploads.journal.read() == {}


def test_once_it_is_another_file_it_is_read(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    for _ in range(TRIES):
        with pytest.raises(PowerCut):
            read(uploads, Fatal())
    uploads.remove("uploads", "cow.md")
    send(uploads, "cow.md", page("calf"))
    read(uploads, Fatal())
    assert uploads.all()[0].status == "ready"


def test_two_processes_read_one_after_the_other(uploads: Uploads) -> None:
    entered, release = threading.Event(), threading.Event()

    class Slow(FakeEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            entered.set()
            assert release.wait(60)
            return super().embed(texts)

    send(uploads, "cow.md", page("cow"))
    first = threading.Thread(target=read, args=(uploads, Slow()))
    first.start()
    assert entered.wait(60)
    second = threading.Thread(target=read, args=(uploads, Fatal()))
    second.start()
    second.join(1)
    assert second.is_alive()
    release.set()
    within(first.join)
    within(second.join)
    assert uploads.all()[0].status == "ready"


# The embedder


MADE_WITH = Manifest("fake-words", "1", 64, 64, 64, 8)


def test_an_embedder_is_loaded_when_there_is_something_to_embed(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    loads: list[FakeEmbedder] = []

    def load() -> FakeEmbedder:
        loads.append(FakeEmbedder())
        return loads[-1]

    late = LateEmbedder(MADE_WITH, load)
    read_uploads(uploads, lambda: late, settings_of(uploads.index))
    assert len(loads) == 1
    late = LateEmbedder(MADE_WITH, load)
    uploads.remove("uploads", "cow.md")
    read_uploads(uploads, lambda: late, settings_of(uploads.index))
    assert len(loads) == 1
    assert documents(uploads.index) == ["ant.md", "bee.md"]


def test_another_embedder_of_the_same_name_is_refused(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    late = LateEmbedder(MADE_WITH, lambda: FakeEmbedder(revision="2"))
    with pytest.raises(IndexRefused, match="revision 2"):
        read_uploads(uploads, lambda: late, settings_of(uploads.index))
    assert uploads.all()[0].status != "ready"
