"""An index of format 1, which had no checksums, is read, and becomes one of today's."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ingest import upgrade
from ingest.schema import DATABASE, FORMAT_VERSION, IndexRefused, read_manifest, read_only
from ingest.verify import verify
from tests.corpora import contents, documents, pages, reader, run, write
from tests.fakes import PowerCut

DUMP = Path(__file__).parent / "data" / "index-format-1.sql"


def set_version(connection: sqlite3.Connection, version: int) -> None:
    connection.execute(
        "UPDATE manifest SET value = json_set(value, '$.format_version', ?) WHERE key = 'manifest'",
        (version,),
    )


@pytest.fixture
def old(tmp_path: Path, corpus: Path) -> Path:
    """An index as the first version of ragfirst left it; its database was dumped by that one."""
    index = tmp_path / "index"
    run(index, corpus)
    for path in index.glob(f"{DATABASE}*"):
        path.unlink()
    with closing(sqlite3.connect(index / DATABASE)) as connection:
        connection.executescript(DUMP.read_text().replace("/corpus", str(corpus)))
        connection.execute("PRAGMA journal_mode = WAL")
    return index


def version(index: Path) -> int:
    with read_only(index) as connection:
        manifest = read_manifest(connection)
    assert manifest is not None
    return manifest.format_version


def without_checksum(index: Path) -> int:
    with read_only(index) as connection:
        return connection.execute(
            "SELECT count(*) FROM documents JOIN chunks ON document_id = documents.id "
            "WHERE documents.checksum IS NULL OR chunks.checksum IS NULL"
        ).fetchone()[0]


def indexes(index: Path) -> set[str]:
    with read_only(index) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        return {row[0] for row in rows}


def test_an_old_index_is_read_as_it_is(old: Path):
    assert documents(old) == ["ant.md", "bee.md", "cow.md"]
    with reader(old).snapshot() as snapshot:
        assert len(snapshot.chunks(list(snapshot.lexical("ant", 3)))) == 1
    assert (version(old), verify(old)) == (1, [])


def test_the_next_sync_makes_it_one_of_today_s(old: Path, corpus: Path):
    before = contents(old)
    write(corpus, pages("dog"))
    report = run(old, corpus)
    assert (report.added, report.changed, report.unchanged) == (1, 0, 3)
    assert (version(old), without_checksum(old), verify(old)) == (FORMAT_VERSION, 0, [])
    assert before.keys() < contents(old).keys()


def test_it_is_searched_by_the_same_indexes_as_a_new_one(old: Path, corpus: Path, tmp_path: Path):
    run(old, corpus)
    run(tmp_path / "new", write(tmp_path / "other", pages("ant")))
    assert indexes(old) == indexes(tmp_path / "new")


def test_its_derived_indexes_are_built_anew(old: Path, corpus: Path):
    described = old / "derived" / "1" / "derived.json"
    described.write_text('{"generation": 1, "chunks": 3, "vector_bytes": 894}')
    with pytest.raises(IndexRefused, match="`ragfirst ingest` again"):
        documents(old)
    run(old, corpus)
    assert documents(old) == ["ant.md", "bee.md", "cow.md"]
    assert verify(old) == []


def test_an_upgrade_that_is_stopped_has_not_begun(
    old: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    def power_cut(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(upgrade, "of_row", power_cut)
        with pytest.raises(PowerCut):
            run(old, corpus)
    assert (version(old), len(documents(old))) == (1, 3)
    run(old, corpus)
    assert (version(old), without_checksum(old)) == (FORMAT_VERSION, 0)


def test_an_index_of_a_newer_version_is_refused_with_both_formats(old: Path, corpus: Path):
    with closing(sqlite3.connect(old / DATABASE)) as connection, connection:
        set_version(connection, FORMAT_VERSION + 1)
    before = (old / DATABASE).read_bytes()
    words = f"format {FORMAT_VERSION + 1}, this ragfirst reads format {FORMAT_VERSION}"
    uses: list[Callable[[Path], object]] = [documents, verify, lambda index: run(index, corpus)]
    for use in uses:
        with pytest.raises(IndexRefused, match=words):
            use(old)
    assert (old / DATABASE).read_bytes() == before
