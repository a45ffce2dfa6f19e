import sqlite3

import numpy as np

from ingest.stored import to_closeness


def _row(sentences: int) -> sqlite3.Row:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    vector = np.array([0.6, 0.8], np.float32)
    spans = np.array([[4 * n, 4 * n + 3] for n in range(sentences)], np.int32)
    rows = np.tile(vector.astype(np.float16), (sentences, 1))
    values = ("A", vector.tobytes(), spans.tobytes(), rows.tobytes())
    return connection.execute(
        "SELECT ? AS title, ? AS embedding, ? AS spans, ? AS sentences", values
    ).fetchone()


def test_a_chunk_that_is_only_a_heading_has_no_sentences():
    close = to_closeness(_row(0), np.array([[1.0, 0.0]], np.float32))
    assert close.spans == () and close.sentences == ()
    assert close.best == close.cosine


def test_each_sentence_has_its_cosine():
    close = to_closeness(_row(2), np.array([[1.0, 0.0]], np.float32))
    assert [(span.start, span.end) for span in close.spans] == [(0, 3), (4, 7)]
    assert np.allclose(close.sentences, 0.6, atol=1e-3)
