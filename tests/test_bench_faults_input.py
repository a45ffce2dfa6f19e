from pathlib import Path
from typing import Any

import pytest

from bench.faults_input import CLASSES, batch, classify, report
from ingest.parsing_messages import ParseLimits
from tests.corpora import pages, write

MADE = {"sound-a.md": "sound", "b.pdf": "pdf bomb", "d.xml": "xml deep", "e.gz": "gz packed"}


def outcome(**others: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "crash": None,
        "read": ["sound-a.md", "d.xml"],
        "failures": [["b.pdf", "it crashes its parser (SIGSEGV): it is damaged; save it anew"]],
        "unknown": ["e.gz"],
        "chunks": 3,
        "seconds": 1.0,
        "peaks": [1 << 20, 2 << 20],
    }
    return whole | others


def test_where_every_file_is_read_named_or_of_no_kind_all_is_well() -> None:
    assert report(MADE, outcome(), [], every=True) == 0


@pytest.mark.parametrize(
    ("others", "left", "said"),
    [
        ({"failures": []}, [], "neither read nor named: 1 ['b.pdf']"),
        ({"read": ["d.xml"], "failures": [["b.pdf", "x"], ["sound-a.md", "y"]]}, [], "lost: 1"),
        ({}, ["python -c …"], "left behind: 1"),
        ({"crash": "KeyError"}, [], "the batch died: KeyError"),
    ],
)
def test_what_is_not_well_is_told_and_is_the_exit_status(
    others: dict[str, Any], left: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(MADE, outcome(**others), left, every=False) == 1
    assert said in capsys.readouterr().out


def test_a_batch_tells_what_was_read_and_what_was_not(tmp_path: Path) -> None:
    write(tmp_path / "corpus", {**pages("ant"), "b.pdf": "no PDF", "c.gz": "none"})
    found = batch(tmp_path, ParseLimits())
    assert (found["crash"], found["read"], found["unknown"]) == (None, ["ant.md"], ["c.gz"])
    assert [path for path, _ in found["failures"]] == ["b.pdf"]


def test_a_batch_that_dies_says_so(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    found = batch(tmp_path, ParseLimits())
    assert "nothing was changed" in found["crash"]


def test_reasons_fall_into_classes() -> None:
    said = {
        "took too long": "reading it took more than 300 s of processor time: set …",
        "took too much memory": "reading it took more than 2048 MB of memory: set …",
        "is cut off": "the compressed file is cut off or damaged",
        "is damaged": "the PDF is damaged (KeyError)",
        "holds no text": "its only page holds no text; a scan needs OCR first",
    }
    assert said.keys() <= {name for name, _ in CLASSES}
    assert {classify(reason) for reason in said.values()} == said.keys()
    assert classify("the moon") == "other: the moon"
