from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, OperationalError

import pytest

from ingest.chunk import chunk
from ingest.documents import Document, Failure, Page
from ingest.encode import encode
from ingest.schema import in_memory
from ingest.store import Store, failures, totals
from tests.corpora import CHUNKING
from tests.fakes import FakeEmbedder

EMBEDDER = FakeEmbedder()


@pytest.fixture
def connection() -> Generator[Connection]:
    with closing(in_memory()) as connection:
        yield connection


@pytest.fixture
def store(connection: Connection) -> Store:
    return Store(connection)


def put(store: Store, path: str, text: str = "A pump.", file: str | None = None) -> None:
    document = Document(path, path, "pdf", text, pages=(Page(0, "1"),))
    chunks = chunk(document, EMBEDDER.count_tokens, CHUNKING)
    (vectors,) = encode([(document, chunks)], EMBEDDER)
    root = store.root(Path("/corpus"))
    store.put(root, file or path, "manuals", document, f"digest of {text}", chunks, vectors)


def shown(connection: Connection, generation: int) -> int:
    return totals(connection, generation).documents


def ids(connection: Connection) -> set[int]:
    return {row[0] for row in connection.execute("SELECT id FROM chunks")}


def rows(connection: Connection) -> int:
    return connection.execute("SELECT count(*) FROM documents").fetchone()[0]


def hide(store: Store, connection: Connection, path: str) -> None:
    row = connection.execute("SELECT id FROM documents WHERE path = ?", (path,)).fetchone()
    store.hide(row["id"])


def test_what_is_written_is_not_seen_before_it_is_published(store: Store, connection: Connection):
    put(store, "a")
    assert shown(connection, 0) == 0
    store.publish()
    assert shown(connection, 1) == 1


def test_a_root_has_one_id(store: Store):
    first, other = store.root(Path("/a")), store.root(Path("/b"))
    assert store.root(Path("/a")) == first != other
    assert store.roots() == [Path("/a"), Path("/b")]


def test_a_new_version_leaves_the_published_one_in_its_generation(
    store: Store, connection: Connection
):
    put(store, "a", "Old.")
    store.publish()
    put(store, "a", "New.")
    assert shown(connection, 1) == 1
    store.publish()
    assert rows(connection) == 2
    assert (shown(connection, 1), shown(connection, 2)) == (1, 1)


def test_a_version_that_no_generation_showed_is_dropped(store: Store, connection: Connection):
    put(store, "a", "Never seen.")
    put(store, "a", "Seen.")
    store.publish()
    assert rows(connection) == 1
    assert store.live_digest(store.root(Path("/corpus")), "a") == "digest of Seen."


def test_rows_of_generations_before_the_former_are_dropped(store: Store, connection: Connection):
    for text in ("One.", "Two.", "Three."):
        put(store, "a", text)
        store.publish()
    texts = {row["text"] for row in connection.execute("SELECT text FROM chunks")}
    assert texts == {"Two.", "Three."}


def test_the_former_generation_is_whole_after_publishing(store: Store, connection: Connection):
    put(store, "a")
    put(store, "b")
    store.publish()
    store.forget(store.root(Path("/corpus")), "b")
    store.publish()
    assert (shown(connection, 1), shown(connection, 2)) == (2, 1)


def test_chunk_ids_are_never_used_again(store: Store, connection: Connection):
    put(store, "a")
    store.publish()
    before = ids(connection)
    for _ in range(3):
        store.forget(store.root(Path("/corpus")), "a")
        store.publish()
        store.publish()
    assert ids(connection) == set()
    put(store, "a")
    assert min(ids(connection)) > max(before)


def test_nothing_has_changed_in_a_new_index(store: Store):
    assert not store.changed()


def test_work_of_an_interrupted_run_counts_as_changed(store: Store, connection: Connection):
    put(store, "a")
    assert Store(connection).changed()


def test_publishing_leaves_nothing_to_publish(store: Store):
    put(store, "a")
    store.publish()
    assert not store.changed()


def test_a_document_is_written_wholly_or_not_at_all(store: Store, connection: Connection):
    document = Document("a", "a", "text", "A pump. A valve.")
    chunks = chunk(document, EMBEDDER.count_tokens, CHUNKING)
    with pytest.raises(ValueError, match="zip"):
        store.put(store.root(Path("/c")), "a", "c", document, "digest", chunks, [])
    assert (rows(connection), ids(connection)) == (0, set())
    put(store, "b")
    assert rows(connection) == 1


@pytest.fixture
def full_disk(connection: Connection) -> Callable[[], None]:
    """Lets the database grow no more."""

    def fill() -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    return fill


def test_a_full_disk_is_said_so_and_leaves_the_store_whole(
    store: Store, connection: Connection, full_disk: Callable[[], None]
):
    put(store, "a")
    full_disk()
    with pytest.raises(OperationalError, match="disk is full"):
        put(store, "b", "A pump. " * 5000)
    assert not connection.in_transaction
    assert rows(connection) == 1


def finish(store: Store, *seen: str, failures: tuple[Failure, ...] = ()) -> int:
    return store.finish(store.root(Path("/corpus")), "dump.xml", "print", set(seen), failures)


def test_pages_that_left_a_file_are_gone(store: Store, connection: Connection):
    for name in ("dump.xml#a", "dump.xml#b"):
        put(store, name, file="dump.xml")
    assert finish(store, "dump.xml#a") == 1
    store.publish()
    assert shown(connection, 1) == 1


def test_a_file_that_cannot_be_read_keeps_its_documents(store: Store):
    put(store, "dump.xml#a", file="dump.xml")
    assert finish(store, failures=(Failure("dump.xml", "cut off"),)) == 0


def test_a_page_that_cannot_be_read_is_kept_and_those_that_left_are_not(store: Store):
    for name in ("dump.xml#a", "dump.xml#b", "dump.xml#c"):
        put(store, name, file="dump.xml")
    assert finish(store, "dump.xml#a", failures=(Failure("dump.xml#b", "damaged"),)) == 1
    root = store.root(Path("/corpus"))
    assert store.live_digest(root, "dump.xml#b") is not None
    assert store.live_digest(root, "dump.xml#c") is None


def test_a_file_read_again_loses_its_failures(store: Store, connection: Connection):
    finish(store, failures=(Failure("dump.xml", "cut off"),))
    assert failures(connection) == [Failure("dump.xml", "cut off")]
    finish(store)
    assert failures(connection) == []


def test_fingerprints_are_kept_by_root(store: Store):
    finish(store)
    assert store.fingerprints(Path("/corpus")) == {"dump.xml": "print"}
    assert store.fingerprints(Path("/other")) == {}


def test_a_forgotten_file_takes_its_failures_along(store: Store):
    finish(store, failures=(Failure("dump.xml", "cut off"),))
    store.forget(store.root(Path("/corpus")), "dump.xml")
    assert store.failures() == []
    assert store.fingerprints(Path("/corpus")) == {}


def test_a_hidden_document_leaves_the_published_generation_at_once(
    store: Store, connection: Connection
):
    put(store, "a")
    put(store, "b")
    store.publish()
    hide(store, connection, "a")
    assert totals(connection, 1) == (1, 1, 1)


def test_a_hidden_document_is_gone_with_the_next_generation(store: Store, connection: Connection):
    put(store, "a")
    store.publish()
    hide(store, connection, "a")
    assert store.changed()
    store.publish()
    store.publish()
    assert rows(connection) == 0


def test_totals_count_documents_pages_and_chunks(store: Store):
    put(store, "a", "A pump.")
    put(store, "b", "A valve. " * 60)
    store.publish()
    documents, pages, chunks = store.totals()
    assert (documents, pages) == (2, 2)
    assert chunks > 2


def drop(store: Store, path: str) -> None:
    store.drop(store.root(Path("/corpus")), path)


def test_a_dropped_file_is_hidden_in_every_generation_and_forgotten(
    store: Store, connection: Connection
):
    put(store, "a", file="both")
    put(store, "b", file="both")
    put(store, "c")
    root = store.root(Path("/corpus"))
    store.finish(root, "both", "1", ("a", "b"), [Failure("both#d", "broken")])
    store.publish()
    drop(store, "both")
    assert shown(connection, 1) == 1
    assert ("both" in store.fingerprints(Path("/corpus")), failures(connection)) == (False, [])
    assert store.changed()
    store.publish()
    assert (shown(connection, 1), shown(connection, 2)) == (1, 1)


def test_a_document_dropped_before_it_was_published_stays_hidden_and_leaves(
    store: Store, connection: Connection
):
    put(store, "a")
    drop(store, "a")
    store.publish()
    # Its chunks may be in the derived indexes, so that its row has to tell that they are hidden.
    assert (shown(connection, 1), rows(connection)) == (0, 1)
    assert store.changed()
    store.publish()
    store.publish()
    assert rows(connection) == 0


def test_a_writer_that_began_before_is_no_reason_to_show_what_was_dropped(
    store: Store, connection: Connection
):
    put(store, "a")
    other = Store(connection)
    store.publish()
    drop(other, "a")
    assert shown(connection, 1) == 0
    store.publish()
    assert shown(connection, 2) == 0


def test_what_is_no_longer_the_case_is_not_written(store: Store, connection: Connection):
    document = Document("a", "a", "text", "A pump.")
    chunks = chunk(document, EMBEDDER.count_tokens, CHUNKING)
    (vectors,) = encode([(document, chunks)], EMBEDDER)
    root = store.root(Path("/corpus"))
    store.put(root, "a", "wiki", document, "1", chunks, vectors, lambda: False)
    store.finish(root, "a", "1", ("a",), [], lambda: False)
    assert (rows(connection), store.fingerprints(Path("/corpus"))) == (0, {})
