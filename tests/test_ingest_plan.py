import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.plan import Known, Plan, make_plan, refuse_together
from ingest.schema import IndexRefused
from tests.corpora import dump, pages, write


def plan(corpus: Path, known: Known | None = None, **flags: bool) -> Plan:
    index = corpus.parent / "index"
    return make_plan(corpus, "wiki", index, known or Known({}), **flags)


def after(corpus: Path, *failed: str) -> Known:
    """What an index knows once it has read the corpus."""
    return Known(plan(corpus).read, frozenset(failed))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "wiki", pages("ant", "bee", "cow", "dog"))


def test_a_new_corpus_is_read_wholly(corpus: Path):
    assert [change.action for change in plan(corpus).changes()] == ["added"] * 4


def test_what_is_unchanged_is_counted_and_not_read(corpus: Path):
    found = plan(corpus, after(corpus))
    assert (found.changes(), found.unchanged) == ([], 4)


def test_changed_added_and_deleted_are_told_apart(corpus: Path):
    known = after(corpus)
    write(corpus, {"bee.md": "Another text.", "elk.md": "New."})
    (corpus / "cow.md").unlink()
    assert plan(corpus, known).changes() == [
        ("bee.md", "changed"),
        ("cow.md", "deleted"),
        ("elk.md", "added"),
    ]


def test_a_touched_file_is_unchanged(corpus: Path):
    known = after(corpus)
    os.utime(corpus / "ant.md", (0, 0))
    assert plan(corpus, known).changes() == []


def test_another_collection_is_a_change(corpus: Path):
    known = after(corpus)
    found = make_plan(corpus, "handbook", corpus.parent / "index", known)
    assert len(found.read) == 4


def test_failed_files_are_left_alone(corpus: Path):
    known = after(corpus, "ant.md")
    assert plan(corpus, known).changes() == []


def test_failed_files_are_retried_when_asked(corpus: Path):
    known = after(corpus, "ant.md")
    assert plan(corpus, known, retry_failed=True).changes() == [("ant.md", "retried")]


def test_unknown_kinds_are_skipped(corpus: Path):
    write(corpus, {"logo.svg": "<svg/>", "data.xml": "<data/>"})
    assert plan(corpus).skipped == ["data.xml", "logo.svg"]


def test_a_dump_is_known_by_what_it_holds(corpus: Path):
    write(corpus, {"export-2025.xml": dump(("Ant", "An ant."))})
    assert "export-2025.xml" in plan(corpus).read


def test_hidden_files_and_folders_are_ignored(corpus: Path):
    write(corpus, {".draft.md": "No.", ".git/notes.md": "No."})
    found = plan(corpus)
    assert (len(found.read), found.skipped) == (4, [])


def test_the_index_inside_the_corpus_is_ignored(corpus: Path):
    write(corpus, {"index/ragfirst.db": "", "index/derived/1/readme.md": "No."})
    found = make_plan(corpus, "wiki", corpus / "index", Known({}))
    assert (len(found.read), found.skipped) == (4, [])


def test_a_loop_of_links_is_not_followed(corpus: Path):
    (corpus / "again").symlink_to(corpus, target_is_directory=True)
    (corpus / "self.md").symlink_to(corpus / "self.md")
    assert len(plan(corpus).read) == 4


def test_a_link_to_a_file_is_read(corpus: Path, tmp_path: Path):
    write(tmp_path, {"elsewhere.md": "Elk."})
    (corpus / "elk.md").symlink_to(tmp_path / "elsewhere.md")
    assert "elk.md" in plan(corpus).read


def test_a_pipe_is_not_opened(corpus: Path):
    os.mkfifo(corpus / "pipe.md")
    assert len(plan(corpus).read) == 4


def test_a_name_that_is_not_utf8_is_named_as_unreadable(corpus: Path):
    Path(os.fsdecode(os.fsencode(corpus) + b"/caf\xe9.md")).write_text("Coffee.")
    found = plan(corpus)
    assert "its name is not UTF-8" in found.read["caf\\xe9.md"]


def test_a_file_without_permission_is_named(unprivileged: Path):
    corpus = write(unprivileged / "wiki", pages("ant", "bee"))
    (corpus / "bee.md").chmod(0)
    assert "Permission denied" in plan(corpus).read["bee.md"]


def test_a_folder_that_cannot_be_listed_keeps_its_files(unprivileged: Path):
    corpus = write(unprivileged / "wiki", {"a.md": "A.", "sub/b.md": "B.", "sub/c.md": "C."})
    known = after(corpus)
    (corpus / "sub").chmod(0)
    try:
        found = plan(corpus, known)
    finally:
        (corpus / "sub").chmod(0o700)
    assert found.gone == []
    assert found.read == {"sub": "unreadable: the folder cannot be listed: Permission denied"}


def test_a_folder_whose_files_cannot_be_looked_up_keeps_them(unprivileged: Path):
    corpus = write(unprivileged / "wiki", {"a.md": "A.", "sub/b.md": "B."})
    (corpus / "sub").chmod(0o400)
    try:
        found = plan(corpus)
    finally:
        (corpus / "sub").chmod(0o700)
    assert "Permission denied" in found.read["sub/b.md"]


def test_a_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(IndexRefused, match="'.*nowhere' does not exist: nothing was changed"):
        plan(tmp_path / "nowhere")


def test_a_file_as_folder_is_refused(tmp_path: Path):
    write(tmp_path, {"wiki.md": "A."})
    with pytest.raises(IndexRefused, match="wiki.md' is a file, not a folder"):
        plan(tmp_path / "wiki.md")


@pytest.mark.parametrize("files", [{}, {"logo.svg": "<svg/>"}, {".hidden.md": "A."}])
def test_a_folder_with_nothing_to_read_is_refused(tmp_path: Path, files: dict[str, str]):
    (tmp_path / "wiki").mkdir()
    with pytest.raises(IndexRefused, match="no file in .* can be read"):
        plan(write(tmp_path / "wiki", files))


@pytest.mark.parametrize("other", [lambda p: p.parent, lambda p: p / "sub"])  # pyright: ignore
def test_a_folder_above_or_below_a_known_root_is_refused(
    corpus: Path, other: Callable[[Path], Path]
):
    known = Known({}, roots=[other(corpus)])
    with pytest.raises(IndexRefused, match="overlaps .* which this index already follows"):
        plan(corpus, known)


def test_a_root_in_the_index_folder_does_not_overlap_a_folder_around_that(corpus: Path):
    inner = write(corpus / "index" / "uploads" / "a", pages("cow"))
    outer = make_plan(corpus, "wiki", corpus / "index", Known({}, roots=[inner]))
    assert len(outer.read) == 4
    known = Known({}, roots=[corpus])
    assert len(make_plan(inner, "a", corpus / "index", known).read) == 1
    with pytest.raises(IndexRefused, match="overlaps"):
        make_plan(inner, "a", corpus / "elsewhere", known)


def test_a_root_overlaps_itself_not(corpus: Path):
    assert len(plan(corpus, Known({}, roots=[corpus])).read) == 4


def test_a_folder_beside_a_root_of_a_longer_name_does_not_overlap(corpus: Path):
    assert len(plan(corpus, Known({}, roots=[corpus.with_name("wiki-2")])).read) == 4


def test_half_gone_is_a_sync(corpus: Path):
    known = after(corpus)
    for name in ("ant.md", "bee.md"):
        (corpus / name).unlink()
    assert plan(corpus, known).gone == ["ant.md", "bee.md"]


def test_more_than_half_gone_is_refused(corpus: Path):
    known = after(corpus)
    for name in ("ant.md", "bee.md", "cow.md"):
        (corpus / name).unlink()
    with pytest.raises(IndexRefused, match="3 of the 4 files .* say --allow-mass-delete"):
        plan(corpus, known)


def test_more_than_half_gone_is_a_sync_when_allowed(corpus: Path):
    known = after(corpus)
    for name in ("ant.md", "bee.md", "cow.md"):
        (corpus / name).unlink()
    assert len(plan(corpus, known, allow_mass_delete=True).gone) == 3


def test_an_emptied_folder_is_refused_even_when_mass_deletes_are_allowed(corpus: Path):
    known = after(corpus)
    for name in known.fingerprints:
        (corpus / name).unlink()
    with pytest.raises(IndexRefused, match="no file in"):
        plan(corpus, known, allow_mass_delete=True)


def test_an_emptied_folder_is_a_sync_when_allowed(corpus: Path):
    known = after(corpus)
    for name in known.fingerprints:
        (corpus / name).unlink()
    found = plan(corpus, known, allow_mass_delete=True, allow_empty=True)
    assert len(found.gone) == 4


def test_a_corpus_given_twice_is_refused(corpus: Path):
    with pytest.raises(IndexRefused, match="given twice"):
        refuse_together([corpus, corpus / ".." / corpus.name], corpus.parent / "index")


def test_the_index_folder_is_no_corpus(corpus: Path):
    with pytest.raises(IndexRefused, match="is the index folder itself"):
        refuse_together([corpus], corpus)
