"""Deleting what is being read, by whom and whenever: it never shows again."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import derive
from ingest.lock import locked
from ingest.snapshot import Reader
from ingest.store import Store
from service.backlog import pending
from service.uploads import Uploads
from tests.corpora import documents, page, pages, run, write
from tests.fakes import FakeEmbedder, PowerCut
from tests.servers import within
from tests.uploading import read, send, texts, with_corpus


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return with_corpus(tmp_path)


def search(uploads: Uploads, words: str) -> set[str]:
    """The titles of all that dense and lexical search find."""
    embedder = FakeEmbedder()
    with Reader(uploads.index, embedder).snapshot() as snapshot:
        found = snapshot.dense(embedder.embed_query(words), 50) | snapshot.lexical(words, 50)
        return {chunk.document.title for chunk in snapshot.chunks(list(found))}


def test_a_delete_waits_for_no_ingest(uploads: Uploads) -> None:
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    with locked(uploads.index):
        within(lambda: uploads.remove("uploads", "cow.md"), 20)
        assert documents(uploads.index) == ["ant.md", "bee.md"]
    run(uploads.index, write(uploads.index.with_name("wiki"), pages("eel")))
    assert documents(uploads.index) == ["ant.md", "bee.md", "eel.md"]
    assert "About cow" not in search(uploads, "cow number weighs stones")


@pytest.mark.parametrize("count", [1, 3])
def test_all_uploads_of_a_collection_can_be_deleted(uploads: Uploads, count: int) -> None:
    names = [f"{topic}.md" for topic in ("cow", "dog", "elk")[:count]]
    for name in names:
        send(uploads, name, page(name), "barn")
    read(uploads)
    for name in names:
        uploads.remove("barn", name)
    read(uploads)
    assert documents(uploads.index) == ["ant.md", "bee.md"]
    assert pending(uploads) == frozenset()


def test_the_last_document_of_an_index_can_be_deleted(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "index")
    send(uploads, "cow.md", page("cow"))
    read(uploads)
    uploads.remove("uploads", "cow.md")
    assert search(uploads, "cow") == set()
    read(uploads)
    assert (documents(uploads.index), search(uploads, "cow")) == ([], set())
    send(uploads, "dog.md", page("dog"))
    read(uploads)
    assert search(uploads, "dog") == {"About dog"}


Step = tuple[object, str]
STEPS: list[Step] = [
    (FakeEmbedder, "embed"),
    (Store, "put"),
    (Store, "finish"),
    (derive, "build"),
    (Store, "publish"),
    (derive, "prune"),
]


def before(monkeypatch: pytest.MonkeyPatch, step: Step, act: Callable[[], None]) -> None:
    """Have `act` happen once, right before a step of the sync."""
    real, left = getattr(*step), [act]

    def wrapper(*args: object) -> object:
        while left:
            left.pop()()
        return real(*args)

    monkeypatch.setattr(*step, wrapper)


@pytest.mark.parametrize("step", STEPS)
def test_deleted_while_it_is_read_it_never_shows(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    deleted, shown = threading.Event(), list[str]()
    publish = Store.publish

    def delete() -> None:
        uploads.remove("uploads", "cow.md")
        deleted.set()
        shown.extend(documents(uploads.index))

    def publish_and_look(store: Store) -> None:
        publish(store)
        if deleted.is_set():
            shown.extend(documents(uploads.index))

    send(uploads, "cow.md", page("cow"))
    send(uploads, "dog.md", page("dog"))
    monkeypatch.setattr(Store, "publish", publish_and_look)
    before(monkeypatch, step, delete)
    read(uploads)
    run(uploads.index, write(uploads.index.with_name("wiki"), pages("eel")))
    assert set(shown) == {"ant.md", "bee.md", "dog.md", "eel.md"}
    assert documents(uploads.index) == ["ant.md", "bee.md", "dog.md", "eel.md"]
    assert "About cow" not in search(uploads, "cow number weighs stones")


@pytest.mark.parametrize("topic", ["cow", "cattle"])
@pytest.mark.parametrize("step", STEPS)
def test_deleted_and_sent_again_while_it_is_read_the_new_one_shows(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, step: Step, topic: str
) -> None:
    def again() -> None:
        uploads.remove("uploads", "cow.md")
        send(uploads, "cow.md", page(topic))

    send(uploads, "cow.md", page("cow"))
    before(monkeypatch, step, again)
    read(uploads)
    read(uploads)
    assert texts(uploads) == {"About ant", "About bee", f"About {topic}"}
    assert [one.status for one in uploads.all()] == ["ready"]
    assert pending(uploads) == frozenset()


def test_what_a_dead_process_wrote_of_a_deleted_file_is_not_published_by_a_batch_ingest(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise PowerCut

    send(uploads, "cow.md", page("cow"))
    with monkeypatch.context() as patched:
        before(patched, (Store, "put"), lambda: uploads.remove("uploads", "cow.md"))
        patched.setattr(Store, "finish", die)
        with pytest.raises(PowerCut):
            read(uploads)
    run(uploads.index, write(uploads.index.with_name("wiki"), pages("eel")))
    assert documents(uploads.index) == ["ant.md", "bee.md", "eel.md"]
