"""Hostile files through the real ingest: a sample; `python -m bench.faults_input` reads all 700."""

from collections import defaultdict
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from ingest.parsing_messages import ParseLimits
from ingest.readers import kind_of
from ingest.schema import connect
from ingest.sync import Report, SyncSettings, sync
from tests.corpora import CHUNKING, pages, write
from tests.fakes import FakeEmbedder
from tests.mutate import mutated_pages, mutated_pdfs

SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen PDFs, twenty-four dumps and pages, and two sound files, one to be read last."""
    folder = write(tmp_path_factory.mktemp("hostile") / "corpus", pages("ant", "zebra"))
    for one in [*mutated_pdfs(range(16), SEED), *mutated_pages(range(24), SEED)]:
        (folder / one.name).write_bytes(one.content)
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    settings = SyncSettings(CHUNKING, limits=ParseLimits(1.0, 256))
    return sync([(folder, "hostile")], folder.with_name("index"), FakeEmbedder(), settings)


def test_every_file_is_read_or_named_with_a_reason(folder: Path, report: Report) -> None:
    with closing(connect(folder.with_name("index"))) as connection:
        read = {row[0] for row in connection.execute("SELECT file FROM documents")}
    reasons: dict[str, list[str]] = defaultdict(list)
    for failure in report.failures:
        reasons[failure.path.partition("#")[0]].append(failure.reason)
    assert {"ant.md", "zebra.md"} <= read
    known = {file.name for file in folder.iterdir() if kind_of(file)}
    assert known - read - reasons.keys() == set()
    assert all(reason.strip() for every in reasons.values() for reason in every)


def test_some_of_them_were_too_much_for_a_parser(report: Report) -> None:
    assert any("reading it took more than" in failure.reason for failure in report.failures)


def test_no_process_is_left_behind(report: Report) -> None:
    assert report.failures
    assert psutil.Process().children() == []


def test_a_mutant_is_the_same_whenever_it_is_made() -> None:
    alone = [*mutated_pdfs([11], SEED), *mutated_pages([11], SEED)]
    among = [list(mutated_pdfs(range(12), SEED))[-1], list(mutated_pages(range(12), SEED))[-1]]
    assert alone == among
    assert list(mutated_pdfs([11], SEED + 1)) != alone[:1]
