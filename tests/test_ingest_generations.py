"""Which generation a reader answers from while syncs publish new ones."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest import derive
from ingest.embed import Vectors
from ingest.snapshot import Snapshot, StoredChunk
from tests.corpora import page, pages, reader, run, write
from tests.fakes import FakeEmbedder, PowerCut


def ask(text: str) -> Vectors:
    return FakeEmbedder().embed_query(text)


def everything(snapshot: Snapshot) -> list[StoredChunk]:
    """All chunks, each found by dense search and by lexical search."""
    found = snapshot.dense(ask("the number weighs stones"), 99)
    assert set(snapshot.lexical("number stones", 99)) == set(found)
    chunks = snapshot.chunks(sorted(found))
    assert len(chunks) == len(found)
    return chunks


def test_a_pinned_snapshot_answers_wholly_from_its_generation(index: Path, corpus: Path):
    shared = reader(index)
    with shared.snapshot() as old:
        before, scores = everything(old), old.dense(ask(page("bee")), 1)
        for _ in range(3):
            write(corpus, {"bee.md": page("wasp")})
            (corpus / "cow.md").unlink(missing_ok=True)
            run(index, corpus)
            write(corpus, pages("bee"))
            run(index, corpus)
        assert everything(old) == before
        assert old.dense(ask(page("bee")), 1) == scores
        assert len(old.documents()) == 3


def test_the_next_snapshot_answers_from_the_new_generation(index: Path, corpus: Path):
    shared = reader(index)
    write(corpus, {"bee.md": page("wasp")})
    run(index, corpus)
    with shared.snapshot() as new:
        assert new.generation == 2
        (nearest,) = new.chunks(list(new.dense(ask(page("wasp")), 1)))
        assert (nearest.document.path, "wasp" in nearest.text) == ("bee.md", True)
        assert new.lexical("bee", 3) == {}


def test_work_that_is_not_published_is_not_seen(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ingest.sync.EMBED_TOGETHER", 1)
    write(corpus, pages("dog", "elk"))
    with pytest.raises(PowerCut):
        run(index, corpus, embedder=FakeEmbedder(dies_after=1))
    with reader(index).snapshot() as snapshot:
        assert {one.document.path for one in everything(snapshot)} == {"ant.md", "bee.md", "cow.md"}


def test_a_generation_that_is_pruned_before_it_is_loaded_gives_way_to_the_next(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    shared, load, loaded = reader(index), derive.load, list[int]()

    def load_late(
        folder: Path, generation: int, former: derive.Derived | None = None
    ) -> derive.Derived:
        if former is not None:  # it is the reader's, not a sync's
            loaded.append(generation)
        if former is not None and loaded == [2]:
            for topic in ("elk", "fox"):
                run(folder, write(corpus, pages(topic)))
        return load(folder, generation, former)

    run(index, write(corpus, pages("dog")))
    monkeypatch.setattr(derive, "load", load_late)
    with shared.snapshot() as snapshot:
        assert len(everything(snapshot)) == 6
    assert loaded == [2, 4]


def test_threads_answer_while_syncs_publish(index: Path, corpus: Path):
    """Every answer must come from one generation: all its pages are of one edition."""
    write(corpus, {f"{at}.md": page("edition0") for at in range(5)})
    run(index, corpus)
    shared, done = reader(index), threading.Event()

    def answer() -> set[int]:
        seen = set[int]()
        while not done.is_set():
            with shared.snapshot() as snapshot:
                texts = [one.text for one in everything(snapshot) if "edition" in one.text]
                assert len(texts) == 5
                assert len({text.split()[1] for text in texts}) == 1
                seen.add(snapshot.generation)
        return seen

    with ThreadPoolExecutor(6) as pool:
        answering = [pool.submit(answer) for _ in range(6)]
        try:
            for edition in range(1, 9):
                write(corpus, {f"{at}.md": page(f"edition{edition}") for at in range(5)})
                run(index, corpus)
        finally:
            done.set()
        seen = set[int]().union(*(one.result() for one in answering))
    assert len(seen) > 1
