import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.exports import (
    ExportRow,
    UnusableRows,
    by_system,
    write_evaltrust,
    write_ragas,
    write_ragchecker,
)
from eval.imports.formats import import_questions
from eval.questions import Evidence, Question

BUILT = Question(
    "q1",
    "Who built it?",
    ("Vance", "Teodora Vance"),
    evidence=(Evidence("orlo.md", "Vance built it. ♪"), Evidence("ferry.md", "By T. Vance.")),
    source="orlo.md",
)
SOLD = Question("q2", "Who sold it?", answerable=False, source="orlo.md")
ROW = ExportRow(BUILT, "rag", 0, "It was Vance [1].", True, (("orlo.md", "Vance built it. ♪"),))
UNSURE = ExportRow(SOLD, "rag", 0, "", None)

Write = Callable[[Path, Sequence[ExportRow]], int]


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_ragas_row_has_what_was_retrieved_and_what_is_gold(tmp_path: Path):
    assert write_ragas(tmp_path / "new" / "r.jsonl", [ROW]) == 1
    assert lines(tmp_path / "new" / "r.jsonl") == [
        {
            "id": "q1",
            "user_input": "Who built it?",
            "retrieved_contexts": ["Vance built it. ♪"],
            "reference_contexts": ["Vance built it. ♪", "By T. Vance."],
            "retrieved_context_ids": ["orlo.md"],
            "reference_context_ids": ["orlo.md", "ferry.md"],
            "response": "It was Vance [1].",
            "reference": "Vance",
        }
    ]


def test_a_ragas_row_of_an_unanswerable_question_has_no_reference(tmp_path: Path):
    write_ragas(tmp_path / "r.jsonl", [UNSURE])
    (row,) = lines(tmp_path / "r.jsonl")
    assert (row["reference"], row["retrieved_contexts"], row["response"]) == (None, [], "")


def test_evidence_without_a_quote_is_an_id_but_no_context(tmp_path: Path):
    bare = replace(BUILT, evidence=(Evidence("orlo.md", page=3),))
    write_ragas(tmp_path / "r.jsonl", [replace(ROW, question=bare)])
    (row,) = lines(tmp_path / "r.jsonl")
    assert (row["reference_contexts"], row["reference_context_ids"]) == ([], ["orlo.md"])


def test_the_questions_of_a_ragas_file_are_imported_again(tmp_path: Path):
    write_ragas(tmp_path / "r.jsonl", [ROW])
    assert import_questions("auto", tmp_path / "r.jsonl").questions == [
        replace(BUILT, answers=("Vance",))
    ]


def test_a_ragchecker_file_has_its_results(tmp_path: Path):
    assert write_ragchecker(tmp_path / "new" / "r.json", [ROW, UNSURE]) == 2
    assert json.loads((tmp_path / "new" / "r.json").read_text(encoding="utf-8")) == {
        "results": [
            {
                "query_id": "q1",
                "query": "Who built it?",
                "gt_answer": "Vance",
                "response": "It was Vance [1].",
                "retrieved_context": [{"doc_id": "orlo.md", "text": "Vance built it. ♪"}],
            },
            {
                "query_id": "q2",
                "query": "Who sold it?",
                "gt_answer": "",
                "response": "",
                "retrieved_context": [],
            },
        ]
    }


def test_evaltrust_rows_hold_every_arm_and_seed(tmp_path: Path):
    wrong = replace(ROW, arm="adapter", seed=2, right=False)
    assert write_evaltrust(tmp_path / "r.jsonl", [ROW, wrong, UNSURE]) == 3
    assert lines(tmp_path / "r.jsonl") == [
        {"id": "q1", "model": "rag", "score": 1, "seed": 0, "source": "orlo.md"},
        {"id": "q1", "model": "adapter", "score": 0, "seed": 2, "source": "orlo.md"},
        {"id": "q2", "model": "rag", "score": None, "seed": 0, "source": "orlo.md"},
    ]


def test_evaltrust_rows_need_the_name_of_json_lines(tmp_path: Path):
    with pytest.raises(UnusableRows, match=r"r\.json: .* ends in \.jsonl"):
        write_evaltrust(tmp_path / "r.json", [ROW])


@pytest.mark.parametrize("write", [write_ragas, write_ragchecker])
def test_two_systems_in_a_file_are_refused_by_name(tmp_path: Path, write: Write):
    rows = [ROW, replace(ROW, arm="adapter", seed=1)]
    with pytest.raises(UnusableRows, match=r"found rag \(seed 0\), adapter \(seed 1\)"):
        write(tmp_path / "r.json", rows)
    assert not (tmp_path / "r.json").exists()


def test_systems_are_told_apart():
    other = replace(ROW, seed=1)
    assert by_system([ROW, other, UNSURE]) == {("rag", 0): [ROW, UNSURE], ("rag", 1): [other]}


@pytest.mark.parametrize("write", [write_ragas, write_ragchecker, write_evaltrust])
def test_a_question_twice_and_no_rows_at_all_are_refused(tmp_path: Path, write: Write):
    with pytest.raises(UnusableRows, match="arm 'rag', seed 0: two rows of the question 'q1'"):
        write(tmp_path / "r.jsonl", [ROW, ROW])
    with pytest.raises(UnusableRows, match="no rows"):
        write(tmp_path / "r.jsonl", [])
