"""Ingest killed a dozen times, as `python -m bench.faults_kill` does it hundreds of times."""

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bench.faults_check import Held, check
from bench.faults_corpus import Corpus
from bench.faults_ingest import embedder
from bench.faults_kill import Tally, finish, words
from ingest.chunk import ChunkSettings
from ingest.schema import DATABASE
from ingest.sync import SyncSettings, sync

ROOT = Path(__file__).parents[1]
EMBEDDER = embedder(pause=0)


def ingest(corpus: Corpus, index: Path) -> None:
    settings = SyncSettings(ChunkSettings(64, 8))
    sync([(one, one.name) for one in corpus.folders], index, EMBEDDER, settings)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path / "corpus", 1)


@pytest.fixture
def index(corpus: Corpus, tmp_path: Path) -> Path:
    ingest(corpus, tmp_path / "index")
    return tmp_path / "index"


def found(index: Path, before: Held, corpus: Corpus) -> list[str]:
    return check(index, EMBEDDER, before, corpus.documents(), random.Random(1))[0]


def test_a_dozen_kills_are_clean():
    command = [sys.executable, "-m", "bench.faults_kill", "--rounds", "12", "--every", "6"]
    done = subprocess.run([*command, "--seed", "7"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 of 12 kills clean, with hashed words" in done.stdout


def test_a_run_that_ends_with_an_error_is_a_failure(corpus: Corpus, tmp_path: Path):
    tally, broken = Tally(), replace(words(), module="bench.no_such_module")
    finish(broken, corpus, tmp_path / "index", tally)
    assert "No module named bench.no_such_module" in "".join(tally.failures)


def test_a_generation_that_holds_what_it_should_is_clean(corpus: Corpus, index: Path):
    assert found(index, Held(), corpus) == []
    corpus.change()
    ingest(corpus, index)
    assert found(index, Held(1), corpus) == []


def test_before_anything_was_published_no_index_is_clean(corpus: Corpus, tmp_path: Path):
    assert found(tmp_path / "none", Held(), corpus) == []
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / DATABASE).touch()
    assert found(tmp_path / "index", Held(), corpus) == []


def test_a_generation_that_is_neither_the_old_nor_the_new_one_is_a_failure(
    corpus: Corpus, index: Path
):
    corpus.change()
    assert "generation 1 has" in "".join(found(index, Held(), corpus))


def lose_documents(index: Path) -> None:
    with closing(sqlite3.connect(index / DATABASE)) as connection, connection:
        connection.execute("UPDATE documents SET hidden = 1 WHERE id % 7 = 0")


def lose_vectors(index: Path) -> None:
    (index / "derived" / "1" / "vectors.faiss").unlink()


def lose_all(index: Path) -> None:
    shutil.rmtree(index)


def lose_generations(index: Path) -> None:
    with closing(sqlite3.connect(index / DATABASE)) as connection, connection:
        connection.execute("DELETE FROM generations")


@pytest.mark.parametrize("harm", [lose_documents, lose_vectors, lose_all, lose_generations])
def test_what_is_lost_is_a_failure(corpus: Corpus, index: Path, harm: Callable[[Path], None]):
    harm(index)
    assert found(index, Held(1, corpus.documents()), corpus)


def test_a_corpus_is_the_same_for_a_seed_and_changes(tmp_path: Path):
    one, other = Corpus(tmp_path / "one", 3), Corpus(tmp_path / "other", 3)
    assert one.documents() == other.documents()
    before = one.documents()
    one.change()
    assert before.keys() - one.documents().keys()
    assert one.documents().keys() - before.keys()
    assert any(word != before.get(key, word) for key, word in one.documents().items())
