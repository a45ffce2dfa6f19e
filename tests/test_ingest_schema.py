import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

import pytest

from ingest.schema import (
    DATABASE,
    IndexRefused,
    Manifest,
    check_embedder,
    claim_manifest,
    connect,
    in_memory,
    published,
    read_manifest,
    read_only,
)

MANIFEST = Manifest("words", "1", 64, 64, 64, 8)


@pytest.fixture
def empty() -> Generator[Connection]:
    with closing(in_memory()) as connection:
        yield connection


@pytest.fixture
def claimed(empty: Connection) -> Connection:
    """An index with a published generation."""
    claim_manifest(empty, MANIFEST)
    empty.execute("INSERT INTO generations VALUES (1, 'today')")
    return empty


def test_a_missing_index_is_refused_with_the_command_that_makes_one(tmp_path: Path):
    with pytest.raises(IndexRefused, match="no index in .* `ragfirst ingest CORPUS --index"):
        connect(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_new_index_is_made_with_its_folders(tmp_path: Path):
    with closing(connect(tmp_path / "a" / "b", create=True)) as connection:
        assert published(connection) == 0
        assert read_manifest(connection) is None


def test_the_database_is_in_wal_mode(tmp_path: Path):
    with closing(connect(tmp_path, create=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_file_as_index_folder_is_refused(tmp_path: Path):
    (tmp_path / "index").write_text("")
    with pytest.raises(IndexRefused, match="cannot make the index folder"):
        connect(tmp_path / "index", create=True)


def test_a_file_that_is_no_database_is_refused_with_the_remedy(tmp_path: Path):
    (tmp_path / DATABASE).write_bytes(b"not a database" * 1000)
    with pytest.raises(IndexRefused, match="remove a damaged index and ingest again"):
        connect(tmp_path)


def test_damage_found_while_reading_is_refused_with_the_remedy(tmp_path: Path):
    with closing(connect(tmp_path, create=True)) as connection:
        connection.executemany(
            "INSERT INTO generations VALUES (?, ?)", [(at, "x" * 500) for at in range(100)]
        )
    content = bytearray((tmp_path / DATABASE).read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    (tmp_path / DATABASE).write_bytes(content)
    with (
        pytest.raises(IndexRefused, match="remove a damaged index and ingest again"),
        read_only(tmp_path) as connection,
    ):
        connection.execute("SELECT * FROM generations").fetchall()


def test_a_reader_cannot_write(tmp_path: Path):
    connect(tmp_path, create=True).close()
    with pytest.raises(IndexRefused, match="readonly"), read_only(tmp_path) as connection:
        connection.execute("DELETE FROM documents")


def test_a_manifest_is_read_as_it_was_claimed(claimed: Connection):
    assert read_manifest(claimed) == MANIFEST


def test_the_same_manifest_may_be_claimed_again(claimed: Connection):
    claim_manifest(claimed, replace(MANIFEST))


def test_another_embedder_is_refused_with_both_names(claimed: Connection):
    with pytest.raises(IndexRefused, match="'words' .*'letters'"):
        claim_manifest(claimed, replace(MANIFEST, embedder="letters"))


def test_another_revision_of_the_embedder_is_refused(claimed: Connection):
    with pytest.raises(IndexRefused, match=r"revision 1\).*revision 2"):
        claim_manifest(claimed, replace(MANIFEST, revision="2"))


def test_other_chunk_settings_are_refused_with_both(claimed: Connection):
    with pytest.raises(IndexRefused, match="64 tokens a chunk and 8 overlap.* say 48 and 4"):
        claim_manifest(claimed, replace(MANIFEST, chunk_tokens=48, chunk_overlap=4))


def test_an_index_that_holds_nothing_may_be_claimed_anew(empty: Connection):
    claim_manifest(empty, MANIFEST)
    claim_manifest(empty, replace(MANIFEST, embedder="letters"))
    found = read_manifest(empty)
    assert found is not None
    assert found.embedder == "letters"


def test_another_format_is_refused_with_both_versions(claimed: Connection):
    values = json.dumps({"format_version": 99, "unheard": "of"})
    claimed.execute("UPDATE manifest SET value = ?", (values,))
    with pytest.raises(IndexRefused, match="format 99, this ragfirst reads format 2 and older"):
        read_manifest(claimed)


def test_the_very_embedder_passes():
    check_embedder(MANIFEST, "words", "1")


def test_the_newest_generation_is_the_published_one(empty: Connection):
    empty.executemany("INSERT INTO generations VALUES (?, '')", [(1,), (2,)])
    assert published(empty) == 2
