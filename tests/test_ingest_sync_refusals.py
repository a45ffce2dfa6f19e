"""What a sync refuses to do, and that it then leaves the index as it was."""

from pathlib import Path

import pytest

from ingest.chunk import ChunkSettings
from ingest.schema import IndexRefused
from ingest.sync import SyncSettings, sync
from tests.corpora import documents, pages, run, write
from tests.fakes import FakeEmbedder


def test_deletes_keep_to_their_root(index: Path, corpus: Path, tmp_path: Path):
    other = write(tmp_path / "notes", pages("ant", "bee"))
    run(index, other)
    (other / "ant.md").unlink()
    run(index, other)
    assert documents(index) == ["ant.md", "bee.md", "bee.md", "cow.md"]


def test_an_emptied_root_is_refused_and_nothing_is_deleted(
    index: Path, corpus: Path, tmp_path: Path
):
    other = write(tmp_path / "notes", pages("dog"))
    run(index, other)
    (other / "dog.md").unlink()
    with pytest.raises(IndexRefused, match="no file in"):
        run(index, corpus, other)
    assert len(documents(index)) == 4


def test_a_missing_root_is_refused_before_another_is_read(
    index: Path, corpus: Path, tmp_path: Path
):
    write(corpus, pages("dog"))
    with pytest.raises(IndexRefused, match="does not exist"):
        run(index, corpus, tmp_path / "nowhere")
    assert "dog.md" not in documents(index)


def test_overlapping_roots_of_one_run_are_refused(tmp_path: Path, corpus: Path):
    sub = write(corpus / "sub", pages("dog"))
    with pytest.raises(IndexRefused, match="overlaps"):
        run(tmp_path / "index", corpus, sub)


def test_a_corpus_that_is_the_index_is_refused_and_left_clean(corpus: Path):
    with pytest.raises(IndexRefused, match="is the index folder itself"):
        run(corpus, corpus)
    assert sorted(path.name for path in corpus.iterdir()) == ["ant.md", "bee.md", "cow.md"]


def test_more_than_half_gone_deletes_nothing_unless_allowed(index: Path, corpus: Path):
    for name in ("ant.md", "bee.md"):
        (corpus / name).unlink()
    with pytest.raises(IndexRefused, match="--allow-mass-delete"):
        run(index, corpus)
    assert len(documents(index)) == 3
    run(index, corpus, allow_mass_delete=True)
    assert documents(index) == ["cow.md"]


def test_an_index_inside_the_corpus_is_not_read(corpus: Path):
    run(corpus / "index", corpus)
    report = run(corpus / "index", corpus)
    assert (report.totals.documents, report.skipped) == (3, 0)


def test_another_embedder_is_refused_with_both_names(index: Path, corpus: Path):
    with pytest.raises(IndexRefused, match="'fake-words'.*'other-words'"):
        run(index, corpus, embedder=FakeEmbedder("other-words"))


def test_other_chunk_settings_are_refused(index: Path, corpus: Path):
    settings = SyncSettings(ChunkSettings(48, 4))
    with pytest.raises(IndexRefused, match="64 tokens a chunk .* say 48 and 4"):
        sync([(corpus, "wiki")], index, FakeEmbedder(), settings)


def test_chunks_longer_than_the_embedder_reads_are_refused(tmp_path: Path, corpus: Path):
    settings = SyncSettings(ChunkSettings(65, 4))
    with pytest.raises(IndexRefused, match=r"65 tokens .* 'fake-words' reads \(64\)"):
        sync([(corpus, "wiki")], tmp_path / "index", FakeEmbedder(), settings)
