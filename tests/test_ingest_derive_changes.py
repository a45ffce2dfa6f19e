"""A generation's folder that goes on from the one before, against one that is built anew."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ingest import derive
from ingest.schema import connect, published
from ingest.vectors import Choose, Recipe
from tests import corpora
from tests.corpora import documents, page, pages, reader, write
from tests.fakes import FakeEmbedder

TOPICS = [f"topic{at}" for at in range(120)]
QUESTIONS = ["How heavy is the topic7 number 1?", "topic40 stones", "the number weighs wasp"]

EMBEDDER = FakeEmbedder(dimension=1024)
"""Wide enough that no two topics get one vector: a graph finds few of many that are the same."""


def run(index: Path, *roots: Path) -> None:
    corpora.run(index, *roots, embedder=EMBEDDER)


def exactly(_: int) -> None:
    """All vectors exactly, as in small indexes."""


def by_graph(chunks: int) -> Recipe | None:
    """A base where there are a hundred chunks, as large indexes have it."""
    return Recipe("HNSW64,Flat", 256, 1000, 1.25) if chunks >= 100 else None


def by_lists(chunks: int) -> Recipe | None:
    return Recipe("IVF2,SQ8", 2, 1000, 1.5) if chunks >= 100 else None


@pytest.fixture(params=[exactly, by_graph, by_lists], ids=lambda one: one.__name__)
def choose(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Choose:
    monkeypatch.setattr(derive, "build", partial(derive.build, choose=request.param))
    return request.param


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write(tmp_path / "few", pages("ant"))
    return write(tmp_path / "wiki", pages(*TOPICS))


@pytest.fixture
def index(tmp_path: Path, corpus: Path, choose: Choose) -> Path:
    run(tmp_path / "index", corpus, tmp_path / "few")
    return tmp_path / "index"


def add(corpus: Path) -> None:
    write(corpus, pages("dog", "elk"))


def change(corpus: Path) -> None:
    write(corpus, {"topic7.md": page("wasp", 9)})


def remove(corpus: Path) -> None:
    for topic in ("topic3", "topic40"):
        (corpus / f"{topic}.md").unlink()


def shrink(corpus: Path) -> None:
    """To where all is exact again."""
    for topic in TOPICS[:40]:
        (corpus / f"{topic}.md").unlink()


def everything(corpus: Path) -> None:
    for step in (add, change, remove):
        step(corpus)


def found(index: Path, of: str | None = None) -> list[object]:
    """What both searches find: cosines of the nearest, and which chunks have the words.

    Not the BM25 scores: these count removed texts until they are merged.
    """
    made = list[object]()
    with reader(index).snapshot() as snapshot:
        for question in QUESTIONS:
            dense = snapshot.dense(EMBEDDER.embed_query(question), 9, of)
            made.append([round(score, 5) for score in dense.values()])
            made.append(sorted(snapshot.lexical(question, 200, of)))
    return made


@pytest.mark.parametrize("step", [add, change, remove, shrink, everything])
def test_going_on_finds_what_building_anew_finds(
    index: Path, corpus: Path, tmp_path: Path, step: Callable[[Path], None]
):
    step(corpus)
    run(index, corpus)
    continued = [found(index), found(index, "few"), found(index, "wiki")]
    shutil.rmtree(index / "derived")
    run(index, corpus)
    assert continued == [found(index), found(index, "few"), found(index, "wiki")]
    assert len(documents(index)) == len(list(corpus.iterdir())) + 1


def test_the_former_generation_stays_as_it_was(index: Path, corpus: Path):
    former = reader(index)
    with former.snapshot() as old:
        query = EMBEDDER.embed_query(QUESTIONS[0])
        before = old.dense(query, 9), old.lexical(QUESTIONS[0], 9)
        everything(corpus)
        run(index, corpus)
        assert (old.dense(query, 9), old.lexical(QUESTIONS[0], 9)) == before
    assert derive.whole(index, 1)


def shared(index: Path, name: str) -> int:
    """How many files of that name generation 2 shares with the one before."""
    files = [path for path in derive.folder(index, 2).rglob(name) if path.is_file()]
    return sum(os.stat(path).st_nlink > 1 for path in files)


def test_what_stays_is_linked_and_not_copied(index: Path, corpus: Path, choose: Choose):
    change(corpus)
    run(index, corpus)
    assert shared(index, "*.store") == 1
    assert shared(index, "base.faiss") == (choose is not exactly)


def test_a_base_that_many_have_left_is_made_anew(index: Path, corpus: Path, choose: Choose):
    for topic in TOPICS[:13]:
        (corpus / f"{topic}.md").unlink()
    run(index, corpus)
    assert shared(index, "base.faiss") == 0
    assert shared(index, "*.store") == 0
    if choose is not exactly:
        assert len(np.load(derive.folder(index, 2) / "gone.npy")) == 0


@pytest.mark.parametrize("choose", [by_graph], indirect=True)
def test_a_base_is_made_anew_where_many_came_beside_it(index: Path, corpus: Path, choose: Choose):
    write(corpus, pages(*(f"new{at}" for at in range(10))))
    run(index, corpus)
    assert shared(index, "base.faiss") == 1
    write(corpus, pages(*(f"newer{at}" for at in range(10))))
    run(index, corpus)
    vectors = derive.load(index, 3).vectors
    assert (vectors.size, vectors.exact.ntotal) == (141, 0)
    assert os.stat(derive.folder(index, 3) / "base.faiss").st_nlink == 1


def test_nothing_is_taken_over_from_a_damaged_folder(index: Path, corpus: Path):
    path = next((derive.folder(index, 1) / "text").glob("*.idx"))
    path.write_bytes(b"x" * path.stat().st_size)
    change(corpus)
    run(index, corpus)
    assert shared(index, "*") == 0
    assert derive.whole(index, 2)


def test_a_published_folder_is_mended_without_the_one_before(index: Path, corpus: Path):
    change(corpus)
    run(index, corpus)
    (derive.folder(index, 2) / "derived.json").unlink()
    run(index, corpus)
    assert shared(index, "*") == 0
    assert derive.whole(index, 2)


def test_a_disk_without_links_has_copies(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    change(corpus)
    run(index, corpus)
    assert shared(index, "*") == 0
    assert derive.whole(index, 2)


def test_a_shared_file_is_not_read_again(index: Path, corpus: Path):
    """Its damage shows to who opens it first; a reader that has it open goes on with it."""
    former = derive.load(index, 1)
    change(corpus)
    run(index, corpus)
    latest = derive.load(index, 2, former)
    assert former.sound & latest.sound
    with closing(connect(index)) as connection:
        assert published(connection) == latest.generation
