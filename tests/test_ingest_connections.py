import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingest.connections import KEPT, Connections
from ingest.schema import DATABASE, IndexRefused, connect
from tests.corpora import pages, run, write


@pytest.fixture
def index(tmp_path: Path) -> Path:
    run(tmp_path / "index", write(tmp_path / "wiki", pages("bee")))
    return tmp_path / "index"


def test_a_connection_is_used_again(index: Path):
    connections = Connections(index)
    with connections.use() as first:
        pass
    with connections.use() as second:
        pass
    assert first is second


def test_two_at_once_have_one_each(index: Path):
    connections = Connections(index)
    with connections.use() as first, connections.use() as second:
        assert first is not second


def test_no_transaction_is_handed_on(index: Path):
    connections = Connections(index)
    with connections.use() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM generations").fetchall()
    with connections.use() as connection:
        assert not connection.in_transaction


def test_one_that_was_broken_off_is_not_used_again(index: Path):
    connections = Connections(index)
    with pytest.raises(KeyboardInterrupt), connections.use() as first:
        raise KeyboardInterrupt
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        first.execute("SELECT 1")
    with connections.use() as second:
        assert second is not first


def test_another_database_in_its_place_is_opened(index: Path):
    connections = Connections(index)
    with connections.use():
        pass
    shutil.copytree(index, index.with_name("other"))
    with closing(connect(index.with_name("other"))) as other:
        other.execute("UPDATE generations SET published_at = 'elsewhere'")
    shutil.rmtree(index)
    index.with_name("other").rename(index)
    with connections.use() as connection:
        row = connection.execute("SELECT published_at FROM generations").fetchone()
    assert row["published_at"] == "elsewhere"


def test_an_index_that_is_gone_is_refused(index: Path):
    connections = Connections(index)
    with connections.use():
        pass
    (index / DATABASE).unlink()
    with pytest.raises(IndexRefused, match="no index in"), connections.use():
        pass


def test_nothing_can_be_written(index: Path):
    with pytest.raises(IndexRefused, match="readonly"), Connections(index).use() as connection:
        connection.execute("DELETE FROM chunks")


def test_only_so_many_are_kept(index: Path):
    connections = Connections(index)
    uses = [connections.use() for _ in range(KEPT + 2)]
    opened = [one.__enter__() for one in uses]
    for one in uses:
        one.__exit__(None, None, None)
    closed = 0
    for one in opened:
        try:
            one.execute("SELECT 1")
        except sqlite3.ProgrammingError:
            closed += 1
    assert closed == 2
