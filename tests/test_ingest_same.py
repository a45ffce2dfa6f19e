"""Equal are two indexes with the same documents, texts and offsets, and nearly the same vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ingest.embed import Vectors
from ingest.same import same
from tests.corpora import hide, page, pages, run, write
from tests.fakes import FakeEmbedder


class Tilted(FakeEmbedder):
    """Its vectors are some way off."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self._by = by

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = super().embed(texts)
        rows[:, 0] += self._by
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_an_index_is_the_same_as_itself(index: Path):
    assert same(index, index) == []


def test_ids_and_generations_do_not_count(index: Path, corpus: Path, tmp_path: Path):
    write(corpus, pages("dog"))
    run(index, corpus)
    write(corpus, pages("bear", "ant"))
    run(index, corpus)
    run(tmp_path / "other", corpus)
    assert same(index, tmp_path / "other") == []


def test_where_the_sources_lie_does_not_count(index: Path, corpus: Path, tmp_path: Path):
    moved = tmp_path / "elsewhere" / "wiki"
    moved.parent.mkdir()
    corpus.rename(moved)
    run(tmp_path / "other", moved)
    assert same(index, tmp_path / "other") == []


def test_documents_of_one_only_are_named_with_the_one(index: Path, corpus: Path, tmp_path: Path):
    write(corpus, pages("dog"))
    (corpus / "ant.md").unlink()
    run(tmp_path / "other", corpus)
    [first, second] = same(index, tmp_path / "other")
    assert first.startswith("only the first has 'ant.md' (wiki)")
    assert second.startswith("only the second has 'dog.md' (wiki)")


def test_another_content_is_another_document(index: Path, corpus: Path, tmp_path: Path):
    write(corpus, {"ant.md": page("antelope")})
    run(tmp_path / "other", corpus)
    assert len(same(index, tmp_path / "other")) == 2


def test_hidden_documents_are_not_there(index: Path, corpus: Path, tmp_path: Path):
    hide(index, "ant.md")
    (corpus / "ant.md").unlink()
    run(tmp_path / "other", corpus)
    assert same(index, tmp_path / "other") == []


def test_vectors_may_differ_a_little(index: Path, corpus: Path, tmp_path: Path):
    run(tmp_path / "other", corpus, embedder=Tilted(0.01))
    assert same(index, tmp_path / "other") == []


def test_vectors_that_differ_more_are_named_with_their_cosine(
    index: Path, corpus: Path, tmp_path: Path
):
    run(tmp_path / "other", corpus, embedder=Tilted(0.2))
    found = same(index, tmp_path / "other")
    assert any(
        "'ant.md' has vectors (embedding) apart in chunk 0: cosine 0.9" in one for one in found
    )
    assert any("(sentences)" in one for one in found)


def test_vectors_of_another_size_are_apart(index: Path, corpus: Path, tmp_path: Path):
    run(tmp_path / "other", corpus, embedder=FakeEmbedder(dimension=32))
    assert len(same(index, tmp_path / "other")) == 6


def test_the_same_document_cut_otherwise_differs(index: Path, tmp_path: Path):
    long = write(tmp_path / "wiki", {"ant.md": page("ant", 30)})
    run(index, long)
    run(tmp_path / "other", long, embedder=Stingy())
    assert any(
        "another text or other offsets in chunk 0" in one for one in same(index, tmp_path / "other")
    )


class Stingy(FakeEmbedder):
    """Counts every word for two."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [2 * count for count in super().count_tokens(texts)]


def test_chunks_that_are_missing_are_named(index: Path, tmp_path: Path):
    long = write(tmp_path / "wiki", {"ant.md": page("ant", 30)})
    run(index, long)
    run(tmp_path / "other", long, embedder=Stingy())
    assert any("has chunks that only the" in one for one in same(index, tmp_path / "other"))
