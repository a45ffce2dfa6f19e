"""The arithmetic of the search benchmark, on little vectors and a little index."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bench import search_changes, search_corpus, search_path, search_print, search_table
from bench.search_timing import Stopwatch
from ingest import derive
from ingest.schema import connect
from ingest.snapshot import Reader
from ingest.store import Store
from tests.corpora import page, pages, run, write
from tests.fakes import FakeEmbedder

CHANCE = np.random.default_rng(0)
DRAWN = CHANCE.standard_normal((600, 16)).astype(np.float32)
VECTORS = DRAWN / np.linalg.norm(DRAWN, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    topics = [f"topic{at}" for at in range(40)]
    run(folder / "index", write(folder / "wiki", pages(*topics)))
    return folder / "index"


def write_index(real: Path, index: Path, size: int) -> None:
    manifest, passages = search_corpus.real_passages(real, 30)
    made = search_corpus.fit(passages)
    search_corpus.write_corpus(index, size, manifest, passages, made)


def texts(index: Path) -> list[str]:
    with closing(connect(index)) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM chunks ORDER BY id")]


def test_a_corpus_begins_with_real_passages_and_has_the_size(real: Path, tmp_path: Path):
    write_index(real, tmp_path / "index", 90)
    made = texts(tmp_path / "index")
    assert len(made) == 90
    assert set(made[:30]) <= set(texts(real))
    assert not set(made[30:]) & set(texts(real))


def test_a_corpus_that_was_stopped_goes_on_to_the_same(real: Path, tmp_path: Path):
    write_index(real, tmp_path / "whole", 90)
    for size in (50, 90):
        write_index(real, tmp_path / "stopped", size)
    assert len(texts(tmp_path / "stopped")) == 90
    assert texts(tmp_path / "stopped")[:50] == texts(tmp_path / "whole")[:50]


def test_a_corpus_can_be_published_and_searched(real: Path, tmp_path: Path):
    index, embedder = tmp_path / "index", FakeEmbedder()
    write_index(real, index, 300)
    with closing(connect(index)) as connection:
        derive.build(connection, index, 1, embedder.dimension)
        Store(connection).publish()
    measured = search_path.path(index, embedder, [page("topic3"), page("topic4")])
    assert measured["whole"]["p50"] > 0
    assert search_path.start(index, embedder)["first_s"] > 0
    with Reader(index, embedder).snapshot() as snapshot:
        assert len(snapshot.chunk_ids()) == 300


def test_the_nearest_are_those_of_a_whole_product():
    queries = VECTORS[:5]
    whole = np.argsort(-(queries @ VECTORS.T), axis=1)[:, :10]
    assert search_table.nearest(VECTORS, queries, 10).tolist() == whole.tolist()


def test_recall_counts_the_first_alone():
    true = np.array([[1, 2, 3, 4]])
    assert search_table.recall([[3, 2, 1, 9]], true, 3) == 1
    assert search_table.recall([[9, 2, 1, 3]], true, 3) == pytest.approx(2 / 3)


def test_efforts_are_tried_until_the_recall_is_reached(tmp_path: Path):
    true = search_table.nearest(VECTORS, VECTORS[:20], 10)
    way = search_table.Way("IVF8,Flat", 1, (1, 8, 8))
    rows = list(search_table.measure(way, VECTORS, VECTORS[:20], true, tmp_path))
    assert [row["effort"] for row in rows] == [1, 8]
    assert rows[-1]["recall@10"] == 1
    assert not list(tmp_path.iterdir())


def test_graphs_are_left_out_where_they_take_too_long():
    names = [way.factory for way in search_table.ways(100_000, graphs=False)]
    assert "Flat" in names and not any(name.startswith("HNSW") for name in names)


def test_one_changed_file_costs_less_than_the_first_sync(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(search_changes, "RECIPES", {"exact": None})
    rows = search_changes.measure(real, tmp_path, 30)
    assert [row["sync"] for row in rows] == ["first", "unchanged", "one file changed"]
    search_print.changes(rows)
    assert "| exact | first |" in capsys.readouterr().out


def test_a_stopwatch_counts_each_call():
    watch = Stopwatch()
    assert [watch.run(int, text) for text in ("1", "2")] == [1, 2]
    assert 0 <= watch.timing().p50 <= watch.timing().p99
