from dataclasses import replace
from pathlib import Path

import pytest

from eval.passages import Passages, read_passages
from eval.rows import UnreadableRows
from ingest.stored import StoredChunk
from tests.hits import hit


def chunk(text: str, start: int = 0, path: str = "notes.md") -> StoredChunk:
    made = hit(text).chunk
    return replace(made, start=start, document=replace(made.document, path=path))


def test_a_passage_is_kept_under_its_document_and_offset(tmp_path: Path):
    file = tmp_path / "new" / "passages.jsonl"
    Passages(file).keep([chunk("One.", 3), chunk("Two.", 3, "wiki/Other page.md")])
    assert read_passages(file) == {"notes.md@3": "One.", "wiki/Other page.md@3": "Two."}


def test_a_passage_is_written_once_also_over_several_runs(tmp_path: Path):
    file = tmp_path / "passages.jsonl"
    passages = Passages(file)
    passages.keep([chunk("One."), chunk("One.")])
    passages.keep([chunk("One."), chunk("Two.", 9)])
    Passages(file).keep([chunk("Two.", 9)])
    assert file.read_bytes().count(b"\n") == 2
    assert passages.texts == read_passages(file)


def test_a_text_may_hold_any_separator_of_lines(tmp_path: Path):
    text = "One\u2028two\u2029three\x85four\x0cfive\nsix\rseven."
    Passages(tmp_path / "passages.jsonl").keep([chunk(text)])
    assert read_passages(tmp_path / "passages.jsonl") == {"notes.md@0": text}


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path):
    file = tmp_path / "passages.jsonl"
    Passages(file).keep([chunk("One."), chunk("Zwölf.", 9)])
    file.write_bytes(file.read_bytes().split("ö".encode())[0] + b"\xc3")
    assert read_passages(file) == {"notes.md@0": "One."}


def test_what_comes_after_a_cut_line_is_not_lost_with_it(tmp_path: Path):
    file = tmp_path / "passages.jsonl"
    Passages(file).keep([chunk("One."), chunk("Two.", 9)])
    file.write_bytes(file.read_bytes()[:-8])
    Passages(file).keep([chunk("Three.", 20), chunk("Two.", 9)])
    assert read_passages(file) == {
        "notes.md@0": "One.",
        "notes.md@20": "Three.",
        "notes.md@9": "Two.",
    }


def test_a_file_that_is_missing_holds_no_passage(tmp_path: Path):
    assert read_passages(tmp_path / "passages.jsonl") == {}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "a@0"', "not an object in JSON"),
        ('{"id": "a@0"}', "not a passage"),
        ('{"id": 3, "text": "x"}', "not a passage"),
        ('{"id": "a@0", "text": null}', "not a passage"),
        ('["a@0", "x"]', "not an object in JSON"),
    ],
)
def test_any_other_wrong_line_is_named(tmp_path: Path, line: str, words: str):
    file = tmp_path / "passages.jsonl"
    file.write_text('{"id": "b@0", "text": "x"}\n' + line + "\n")
    with pytest.raises(UnreadableRows) as caught:
        read_passages(file)
    assert str(caught.value).startswith(f"{file}: line 2: {words}")
