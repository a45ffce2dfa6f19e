import csv
import json
from pathlib import Path
from typing import Any

import pytest

from eval.imports.formats import import_questions
from eval.imports.ragas import import_ragas
from eval.imports.records import Note, Skipped
from eval.questions import Evidence, Question, read_questions, write_questions

SAMPLE: dict[str, Any] = {
    "user_input": "Who built it?",
    "reference": "Vance",
    "reference_contexts": ["Vance built it.", "He was 31."],
    "reference_context_ids": ["orlo.md", 7],
    "response": "It was Vance.",
}
EVIDENCE = (Evidence("orlo.md", "Vance built it."), Evidence("7", "He was 31."))
QUESTION = Question("set-1", "Who built it?", ("Vance",), evidence=EVIDENCE)


def ragas(folder: Path, *samples: Any) -> Path:
    file = folder / "set.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in samples), encoding="utf-8")
    return file


def test_a_sample_becomes_a_question(tmp_path: Path):
    assert list(import_ragas(ragas(tmp_path, SAMPLE))) == [QUESTION]


def test_a_list_in_json_is_read_too(tmp_path: Path):
    file = tmp_path / "set.json"
    file.write_text(json.dumps([SAMPLE]), encoding="utf-8")
    assert list(import_ragas(file)) == [QUESTION]


def test_csv_with_lists_as_python_writes_them_is_read_too(tmp_path: Path):
    file = tmp_path / "set.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, SAMPLE)
        writer.writeheader()
        writer.writerow(SAMPLE)
    imported = import_questions("auto", file)
    assert imported.format == "ragas"
    assert [one.evidence for one in imported.questions] == [EVIDENCE]


def test_an_id_of_the_sample_is_kept(tmp_path: Path):
    (question,) = import_ragas(ragas(tmp_path, {**SAMPLE, "id": "q7"}))
    assert isinstance(question, Question)
    assert question.id == "q7"


def test_contexts_without_ids_are_no_evidence_and_that_is_noted(tmp_path: Path):
    note, question = import_ragas(ragas(tmp_path, {**SAMPLE, "reference_context_ids": None}))
    assert isinstance(note, Note)
    assert "no 'reference_context_ids'" in note.text
    assert isinstance(question, Question)
    assert question.evidence == ()


def test_ids_without_contexts_are_evidence_without_quotes(tmp_path: Path):
    (question,) = import_ragas(ragas(tmp_path, {**SAMPLE, "reference_contexts": None}))
    assert isinstance(question, Question)
    assert question.evidence == (Evidence("orlo.md"), Evidence("7"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user_input": [{"content": "Hello", "type": "human"}]}, "a conversation"),
        ({"user_input": ""}, "field 'user_input'"),
        ({"reference": None}, "field 'reference'"),
        ({"reference": float("nan")}, "field 'reference'"),
        ({"reference_contexts": "Vance built it."}, "field 'reference_contexts'"),
        ({"reference_context_ids": ["orlo.md"]}, "1 ids for 2 contexts"),
        ({"reference_contexts": ["", "He was 31."]}, "field 'reference_contexts[0]'"),
    ],
)
def test_a_bad_sample_is_skipped(tmp_path: Path, change: dict[str, Any], reason: str):
    skipped, good = import_ragas(ragas(tmp_path, {**SAMPLE, **change}, SAMPLE))
    assert isinstance(skipped, Skipped)
    assert skipped.place.endswith("set.jsonl: line 1")
    assert reason in skipped.reason
    assert isinstance(good, Question)


def test_what_is_imported_is_read_back_equal(tmp_path: Path):
    imported = import_questions("auto", ragas(tmp_path, SAMPLE, {**SAMPLE, "user_input": "Why?"}))
    assert (imported.format, len(imported.questions)) == ("ragas", 2)
    write_questions(tmp_path / "q.jsonl", imported.questions)
    assert read_questions(tmp_path / "q.jsonl") == imported.questions
