import sqlite3
from pathlib import Path

import numpy as np
import pytest

from ingest.chunk import Chunk
from ingest.documents import Document, Page, Section
from ingest.encode import encode
from ingest.sentences import Span
from ingest.stored import Closeness, StoredChunk, StoredDocument, to_closeness
from tests.corpora import page, reader, run, write
from tests.fakes import FakeEmbedder

SECTIONS = (Section(10, ("Pumps",)), Section(30, ("Pumps", "Orlo")))


def stored(*pages: Page) -> StoredDocument:
    return StoredDocument(
        1, Path("pdf"), "a.pdf", "a.pdf", "pdf", "Manual", "pdf", {}, SECTIONS, pages, ()
    )


def test_the_nearest_sentence_is_the_best():
    assert Closeness("Title", 0.9, (Span(0, 1),) * 3, (0.1, 0.6, -0.2)).best == 0.6


def test_without_sentences_the_chunk_itself_is_the_best():
    assert Closeness("Title", 0.4, (), ()).best == 0.4


@pytest.mark.parametrize(
    ("offset", "place"),
    [
        (0, (1, ())),
        (10, (1, ("Pumps",))),
        (19, (1, ("Pumps",))),
        (20, (2, ("Pumps",))),
        (99, (2, ("Pumps", "Orlo"))),
    ],
)
def test_an_offset_has_its_page_and_heading_path(
    offset: int, place: tuple[int | None, tuple[str, ...]]
):
    assert stored(Page(0, "iv"), Page(20, "1")).place(offset) == place


def test_an_offset_outside_a_pdf_has_no_page():
    assert stored().place(99)[0] is None


def test_the_heading_of_an_offset_begins_with_the_title():
    chunk = StoredChunk(1, stored(), "x" * 40, (), None, None, 8, 48)
    assert [chunk.heading(at) for at in (0, 2, 22)] == [
        "Manual",
        "Manual > Pumps",
        "Manual > Pumps > Orlo",
    ]


def test_stored_vectors_are_those_that_were_encoded(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "wiki", {"cow.md": page("cow")}))
    embedder = FakeEmbedder()
    query = embedder.embed_query("the cow number 1 weighs")
    with reader(tmp_path / "index").snapshot() as snapshot:
        [chunk] = snapshot.chunks(list(snapshot.dense(query, 9)))
        close = snapshot.closeness(query, [chunk.id])[chunk.id]
        text = snapshot.text(chunk.document.id)
    document = Document("cow.md", "About cow", "markdown", text, tuple(chunk.document.sections))
    cut = Chunk(0, chunk.text, chunk.section, None, None, chunk.start, chunk.end)
    [[encoded]] = encode([(document, [cut])], embedder)
    assert close.spans == encoded.spans
    assert close.cosine == pytest.approx(float(encoded.embedding @ query[0]))
    assert close.sentences == pytest.approx(encoded.sentences.astype(np.float32) @ query[0])


def _row(number: int, sentences: int) -> sqlite3.Row:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    vector = np.array([0.6, 0.8], np.float32)
    spans = np.array([[4 * n, 4 * n + 3] for n in range(sentences)], np.int32)
    rows = np.tile(vector.astype(np.float16), (sentences, 1))
    values = (number, "A", 7, vector.tobytes(), spans.tobytes(), rows.tobytes())
    return connection.execute(
        "SELECT ? AS id, ? AS title, ? AS document_id, ? AS embedding, ? AS spans, ? AS sentences",
        values,
    ).fetchone()


def test_a_chunk_that_is_only_a_heading_has_no_sentences():
    query = np.array([[1.0, 0.0]], np.float32)
    for rows in ([_row(5, 0)], [_row(4, 2), _row(5, 0), _row(6, 1)]):
        close = to_closeness(rows, query)[5]
        assert close.spans == () and close.sentences == ()
        assert close.best == close.cosine


def test_each_chunk_gets_its_own_sentences():
    query = np.array([[1.0, 0.0]], np.float32)
    close = to_closeness([_row(4, 2), _row(5, 0), _row(6, 1)], query)
    assert [len(one.spans) for one in close.values()] == [2, 0, 1]
    assert close[4].sentences == pytest.approx([0.6, 0.6], abs=1e-3)
    assert to_closeness([], query) == {}
