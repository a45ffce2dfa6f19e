from pathlib import Path

import pytest

from ingest.documents import Failure
from ingest.progress import Progress
from ingest.sync import Report, SyncSettings, sync, up_to_date
from tests.corpora import (
    CHUNKING,
    contents,
    documents,
    dump,
    hide,
    page,
    pages,
    privileged,
    run,
    write,
)
from tests.fakes import FakeEmbedder


def counts(report: Report) -> dict[str, int]:
    """The counts that are not zero, but for those of the whole index."""
    names = ("added", "changed", "deleted", "unchanged", "skipped")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def embedded_by(index: Path, corpus: Path) -> tuple[dict[str, int], list[str]]:
    """What a sync did, and the first line of each chunk that it embedded."""
    embedder = FakeEmbedder()
    report = run(index, corpus, embedder=embedder)
    return counts(report), [text.splitlines()[0] for text in embedder.chunks]


def test_the_first_sync_adds_everything(tmp_path: Path, corpus: Path):
    report = run(tmp_path / "index", corpus)
    assert counts(report) == {"added": 3}
    assert report.totals == (3, 0, 3)


def test_what_is_unchanged_is_not_embedded_again(index: Path, corpus: Path):
    assert embedded_by(index, corpus) == ({"unchanged": 3}, [])


def test_only_an_added_file_is_embedded(index: Path, corpus: Path):
    write(corpus, pages("dog"))
    assert embedded_by(index, corpus) == ({"added": 1, "unchanged": 3}, ["About dog"])


def test_only_a_changed_file_is_embedded(index: Path, corpus: Path):
    write(corpus, {"bee.md": page("wasp")})
    assert embedded_by(index, corpus) == ({"changed": 1, "unchanged": 2}, ["About wasp"])


def test_a_deleted_file_leaves_the_index(index: Path, corpus: Path):
    (corpus / "bee.md").unlink()
    assert embedded_by(index, corpus) == ({"deleted": 1, "unchanged": 2}, [])
    assert documents(index) == ["ant.md", "cow.md"]


def test_a_renamed_file_is_one_deleted_and_one_added(index: Path, corpus: Path):
    (corpus / "bee.md").rename(corpus / "dee.md")
    assert counts(run(index, corpus)) == {"added": 1, "deleted": 1, "unchanged": 2}
    assert documents(index) == ["ant.md", "cow.md", "dee.md"]


def test_unknown_kinds_are_counted_as_skipped(index: Path, corpus: Path):
    write(corpus, {"logo.svg": "<svg/>"})
    assert counts(run(index, corpus)) == {"unchanged": 3, "skipped": 1}


def test_chunks_are_stored_as_slices_with_offsets(tmp_path: Path):
    run(tmp_path / "index", write(tmp_path / "wiki", {"ant.md": page("ant", 40)}))
    pieces = sorted(contents(tmp_path / "index"), key=lambda piece: piece.start)
    assert len(pieces) > 2
    assert all(len(piece.text) == piece.end - piece.start for piece in pieces)


def test_a_broken_file_is_named_and_the_rest_is_read(tmp_path: Path, corpus: Path):
    write(corpus, {"broken.pdf": "no PDF"})
    report = run(tmp_path / "index", corpus)
    assert counts(report) == {"added": 3}
    assert [failure.path for failure in report.failures] == ["broken.pdf"]


def test_a_file_that_becomes_unreadable_keeps_its_document_and_is_named(index: Path, corpus: Path):
    (corpus / "bee.md").write_bytes(b"\0\0\0")
    report = run(index, corpus)
    assert counts(report) == {"unchanged": 3}
    assert [failure.path for failure in report.failures] == ["bee.md"]
    assert "bee.md" in documents(index)


def test_a_file_without_permission_keeps_its_document_and_is_named(unprivileged: Path):
    corpus, index = write(unprivileged / "wiki", pages("ant", "bee")), unprivileged / "index"
    with privileged(unprivileged):
        run(index, corpus)
    (corpus / "bee.md").chmod(0)
    report = run(index, corpus)
    reason = "it cannot be read from disk: Permission denied"
    assert report.failures == [Failure("bee.md", reason)]
    assert documents(index) == ["ant.md", "bee.md"]


def test_a_file_that_may_be_read_again_is_read_without_being_asked(unprivileged: Path):
    corpus, index = write(unprivileged / "wiki", pages("bee")), unprivileged / "index"
    (corpus / "bee.md").chmod(0)
    assert len(run(index, corpus).failures) == 1
    (corpus / "bee.md").chmod(0o600)
    with privileged(unprivileged):
        report = run(index, corpus)
    assert (report.failures, report.added) == ([], 1)


class ReadFiles(Progress):
    """Keeps which files were read."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def file(self, path: str) -> None:
        self.paths.append(path)


@pytest.mark.parametrize(("retry", "read"), [(False, []), (True, ["broken.pdf"])])
def test_a_failed_file_is_retried_only_when_asked(
    index: Path, corpus: Path, retry: bool, read: list[str]
):
    write(corpus, {"broken.pdf": "no PDF"})
    run(index, corpus)
    progress = ReadFiles()
    settings = SyncSettings(CHUNKING, retry_failed=retry)
    report = sync([(corpus, "wiki")], index, FakeEmbedder(), settings, progress)
    assert progress.paths == read
    assert [failure.path for failure in report.failures] == ["broken.pdf"]


def test_a_failure_is_off_the_record_when_its_file_is_gone(index: Path, corpus: Path):
    write(corpus, {"broken.pdf": "no PDF"})
    run(index, corpus)
    (corpus / "broken.pdf").unlink()
    assert run(index, corpus).failures == []


def test_a_dump_with_one_changed_page_embeds_that_page_only(index: Path, corpus: Path):
    write(corpus, {"d.xml": dump(("Elk", "An elk."), ("Fox", "A fox."), ("Gnu", "A gnu."))})
    run(index, corpus)
    write(corpus, {"d.xml": dump(("Elk", "An elk."), ("Fox", "A red fox."), ("Gnu", "A gnu."))})
    done, embedded = embedded_by(index, corpus)
    assert done == {"changed": 1, "unchanged": 5}
    assert [line.split(" > ")[0] for line in embedded] == ["Fox"]


def test_a_page_that_left_a_dump_leaves_the_index(index: Path, corpus: Path):
    write(corpus, {"d.xml": dump(("Elk", "An elk."), ("Fox", "A fox."))})
    run(index, corpus)
    write(corpus, {"d.xml": dump(("Fox", "A fox."))})
    assert counts(run(index, corpus)) == {"deleted": 1, "unchanged": 4}


def test_one_broken_page_keeps_its_old_text_and_holds_up_no_other(index: Path, corpus: Path):
    write(corpus, {"d.xml": dump(("Elk", "An elk."), ("Fox", "A fox."), ("Gnu", "A gnu."))})
    run(index, corpus)
    write(corpus, {"d.xml": dump(("Elk", "An elk."), ("Fox", ""), broken=["Elk"])})
    run(index, corpus)
    kept = [path for path in documents(index) if path.startswith("d.xml")]
    assert kept == ["d.xml#Elk", "d.xml#Fox"]


def test_a_dump_cut_off_keeps_the_pages_that_it_lost(index: Path, corpus: Path):
    whole = dump(("Elk", "An elk."), ("Fox", "A fox."))
    write(corpus, {"d.xml": whole})
    run(index, corpus)
    write(corpus, {"d.xml": whole[: whole.index("<title>Fox")]})
    assert [failure.path for failure in run(index, corpus).failures] == ["d.xml"]
    assert "d.xml#Fox" in documents(index)


def test_two_documents_of_one_path_in_a_file_are_two(tmp_path: Path, corpus: Path):
    write(corpus, {"d.xml": dump(("Elk", "One."), ("Elk", "Two."), ("Elk", "Three."))})
    run(tmp_path / "index", corpus)
    twins = [path for path in documents(tmp_path / "index") if path.startswith("d.xml")]
    assert twins == ["d.xml#Elk", "d.xml#Elk (2)", "d.xml#Elk (3)"]
    assert embedded_by(tmp_path / "index", corpus)[1] == []


def test_documents_over_several_batches_get_their_own_vectors(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    write(corpus, {"long.md": page("ant", 60)})
    run(tmp_path / "together", corpus)
    monkeypatch.setattr("ingest.sync.EMBED_TOGETHER", 2)
    run(tmp_path / "apart", corpus)
    together, apart = contents(tmp_path / "together"), contents(tmp_path / "apart")
    assert together.keys() == apart.keys()
    assert all(together[piece] @ apart[piece] >= 0.999 for piece in together)


def test_two_corpora_are_one_index_with_two_collections(tmp_path: Path, corpus: Path):
    other = write(tmp_path / "notes", pages("elk"))
    report = run(tmp_path / "index", corpus, (other, "memos"))
    assert report.totals.documents == 4


def test_a_hidden_document_stays_away_from_the_next_sync(index: Path, corpus: Path):
    hide(index, "bee.md")
    run(index, corpus)
    assert documents(index) == ["ant.md", "cow.md"]


def found_without_embedder(index: Path, corpus: Path) -> Report | None:
    return up_to_date([(corpus, "wiki")], index, "fake-words", lambda _: SyncSettings(CHUNKING))


def test_nothing_to_do_is_found_without_the_embedder(index: Path, corpus: Path):
    assert found_without_embedder(index, corpus) == run(index, corpus)


def test_a_missing_derived_folder_is_something_to_do(index: Path, corpus: Path):
    (index / "derived" / "1" / "derived.json").unlink()
    assert found_without_embedder(index, corpus) is None


def test_a_changed_file_is_something_to_do(index: Path, corpus: Path):
    write(corpus, {"bee.md": page("wasp")})
    assert found_without_embedder(index, corpus) is None


def test_no_index_is_something_to_do(tmp_path: Path, corpus: Path):
    assert found_without_embedder(tmp_path / "none", corpus) is None
