"""A sync that is stopped midway, at any point and in any way."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest import derive
from ingest.schema import IndexRefused
from ingest.store import Store
from tests.corpora import contents, documents, page, pages, run, write
from tests.fakes import FakeEmbedder, PowerCut

TOPICS = ("dog", "elk", "fox", "gnu", "hen")

SLOW = """
import sys
from pathlib import Path

import ingest.sync
from tests.corpora import run
from tests.fakes import FakeEmbedder


class Slow(FakeEmbedder):
    def embed(self, texts):
        if len(self.chunks) >= 2:
            print("waiting", flush=True)
            sys.stdin.read()
        return super().embed(texts)


ingest.sync.EMBED_TOGETHER = 1
run(Path(sys.argv[1]), Path(sys.argv[2]), embedder=Slow())
"""


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every document is written as soon as it is embedded."""
    monkeypatch.setattr("ingest.sync.EMBED_TOGETHER", 1)


@pytest.fixture
def index(tmp_path: Path, corpus: Path) -> Path:
    """An index, and since then: five files added, one changed, one deleted."""
    run(tmp_path / "index", corpus)
    write(corpus, {**pages(*TOPICS), "ant.md": page("antelope")})
    (corpus / "bee.md").unlink()
    return tmp_path / "index"


def equal_to_undisturbed(index: Path, corpus: Path) -> bool:
    """Whether an index holds what a new one of the same corpus holds."""
    undisturbed = index.with_name("undisturbed")
    run(undisturbed, corpus)
    expected, found = contents(undisturbed), contents(index)
    assert found.keys() == expected.keys()
    return all(float(np.dot(found[one], expected[one])) >= 0.999 for one in expected)


@pytest.mark.parametrize("calls", range(6))
def test_after_any_number_of_documents_the_old_generation_answers_and_the_next_run_goes_on(
    index: Path, corpus: Path, calls: int
):
    with pytest.raises(PowerCut):
        run(index, corpus, embedder=FakeEmbedder(dies_after=calls))
    assert documents(index) == ["ant.md", "bee.md", "cow.md"]
    embedder = FakeEmbedder()
    run(index, corpus, embedder=embedder)
    assert len(embedder.chunks) == 6 - calls
    assert equal_to_undisturbed(index, corpus)


def test_a_first_sync_goes_on_too(tmp_path: Path, corpus: Path):
    with pytest.raises(PowerCut):
        run(tmp_path / "index", corpus, embedder=FakeEmbedder(dies_after=2))
    embedder = FakeEmbedder()
    run(tmp_path / "index", corpus, embedder=embedder)
    assert len(embedder.chunks) == 1
    assert equal_to_undisturbed(tmp_path / "index", corpus)


def test_what_changes_between_two_attempts_is_read_as_it_is_now(index: Path, corpus: Path):
    with pytest.raises(PowerCut):
        run(index, corpus, embedder=FakeEmbedder(dies_after=4))
    write(corpus, {"ant.md": page("anteater"), "dog.md": page("dogfish")})
    (corpus / "elk.md").unlink()
    run(index, corpus)
    assert equal_to_undisturbed(index, corpus)


@pytest.mark.parametrize("topic", ["ant", "dog"])
def test_what_was_written_of_a_file_that_is_gone_by_the_next_run_goes(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch, topic: str
):
    finish = Store.finish

    def die_before(store: Store, root: int, file: str, *rest: Any) -> int:
        if file == f"{topic}.md":
            raise PowerCut
        return finish(store, root, file, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "finish", die_before)
        with pytest.raises(PowerCut):
            run(index, corpus)
    (corpus / f"{topic}.md").unlink()
    run(index, corpus)
    assert f"{topic}.md" not in documents(index)
    assert equal_to_undisturbed(index, corpus)


def test_a_keyboard_interrupt_gives_the_lock_back(index: Path, corpus: Path):
    with pytest.raises(KeyboardInterrupt):
        run(index, corpus, embedder=FakeEmbedder(dies_after=2, dies_of=KeyboardInterrupt))
    assert not (index / "ingest.pid").exists()
    run(index, corpus)
    assert equal_to_undisturbed(index, corpus)


def raise_power_cut(*_: object) -> None:
    raise PowerCut


@pytest.mark.parametrize(
    "step", [(derive, "build"), (Store, "publish"), (derive, "prune"), (Store, "finish")]
)
def test_stopped_at_any_step_it_answers_and_goes_on(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[object, str]
):
    with monkeypatch.context() as patched:
        patched.setattr(*step, raise_power_cut)
        with pytest.raises(PowerCut):
            run(index, corpus)
    assert len(documents(index)) in (3, 7)
    run(index, corpus)
    assert equal_to_undisturbed(index, corpus)


@pytest.mark.parametrize("calls", range(1, 7))
def test_stopped_between_a_document_and_its_file_it_goes_on(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch, calls: int
):
    put, left = Store.put, iter(range(calls))

    def put_then_die(*args: object) -> None:
        put(*args)  # pyright: ignore
        if next(left) == calls - 1:
            raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", put_then_die)
        with pytest.raises(PowerCut):
            run(index, corpus)
    embedder = FakeEmbedder()
    run(index, corpus, embedder=embedder)
    assert len(embedder.chunks) == 6 - calls
    assert equal_to_undisturbed(index, corpus)


def raiser(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_a_full_disk_is_refused_in_words_and_the_next_run_goes_on(
    index: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr(derive, "build", raiser(OSError(28, "No space left on device")))
        with pytest.raises(IndexRefused, match="No space left on device.*what was done is kept"):
            run(index, corpus)
    run(index, corpus)
    assert equal_to_undisturbed(index, corpus)


def test_an_error_of_the_embedder_is_not_taken_for_an_unreadable_file(index: Path, corpus: Path):
    with pytest.raises(IndexRefused, match="failed"):
        run(index, corpus, embedder=FakeEmbedder(dies_after=2, dies_of=OSError))
    assert run(index, corpus).failures == []


def test_killed_it_answers_and_the_next_run_goes_on(index: Path, corpus: Path):
    command = [sys.executable, "-c", SLOW, str(index), str(corpus)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        with pytest.raises(IndexRefused, match=rf"process {process.pid}\) is writing"):
            run(index, corpus)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert (index / "ingest.pid").read_text() == str(process.pid)
    assert documents(index) == ["ant.md", "bee.md", "cow.md"]
    embedder = FakeEmbedder()
    run(index, corpus, embedder=embedder)
    assert len(embedder.chunks) == 4
    assert equal_to_undisturbed(index, corpus)
