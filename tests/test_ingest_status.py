from pathlib import Path

import pytest

from ingest.documents import Failure
from ingest.schema import IndexRefused, connect, read_only
from ingest.status import Status, read_status
from tests.corpora import hide, pages, run, write


def status(index: Path) -> Status:
    with read_only(index) as connection:
        return read_status(connection)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    wiki = write(tmp_path / "wiki", {**pages("ant", "bee"), "broken.pdf": "no PDF"})
    run(tmp_path / "index", wiki, (write(tmp_path / "notes", pages("cow")), "memos"))
    return tmp_path / "index"


def test_it_counts_what_the_published_generation_shows(index: Path):
    found = status(index)
    assert (found.generation, found.documents, found.chunks, found.pages) == (1, 3, 3, 0)


def test_collections_have_their_number_of_documents(index: Path):
    assert status(index).collections == {"memos": 1, "wiki": 2}


def test_failures_are_named_with_their_reason(index: Path):
    (failure,) = status(index).failures
    assert failure.path == "broken.pdf"
    assert failure.reason


def test_the_embedder_is_named_with_its_revision(index: Path):
    assert status(index).embedder == "fake-words (1)"


def test_hidden_documents_are_not_counted(index: Path):
    hide(index, "ant.md")
    assert status(index).collections == {"memos": 1, "wiki": 1}


def test_the_fields_for_programs_are_these(index: Path):
    values = status(index).as_dict()
    assert list(values) == [
        "generation",
        "documents",
        "chunks",
        "embedder",
        "collections",
        "failures",
    ]
    assert [list(one) for one in values["failures"]] == [["path", "reason"]]


def test_an_index_that_no_sync_has_finished_is_generation_0(tmp_path: Path):
    connect(tmp_path, create=True).close()
    assert status(tmp_path) == Status(0, 0, 0, 0, 0, None, {}, list[Failure]())


def test_no_index_is_refused(tmp_path: Path):
    with pytest.raises(IndexRefused, match="no index in"):
        status(tmp_path / "none")
