"""A run folder in the forms of other tools."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.export_run import export_run
from eval.imports.formats import import_questions
from eval.rows import Row, read_rows, write_sorted
from tests.reports import write_run

SKILL = {"closed-book": 0.2, "rag": 0.7, "adapter": 0.3}
PASSAGE = "Basin one is one metre deep."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_run(tmp_path / "run", skill=SKILL, unscored=3)
    line = json.dumps({"id": "basin-1.md@0", "text": PASSAGE})
    (folder / "passages.jsonl").write_text(line + "\n")
    return folder


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_arm_and_seed_has_its_files(folder: Path):
    systems = ["closed-book-seed-0", "rag-seed-0", *(f"adapter-seed-{seed}" for seed in (1, 2, 3))]
    wanted = {folder / "exports" / "evaltrust.jsonl"}
    for name in systems:
        wanted |= {
            folder / "exports" / f"{name}.{form}" for form in ("ragas.jsonl", "ragchecker.json")
        }
    assert set(export_run(folder)) == wanted
    assert all(file.is_file() for file in wanted)


def test_every_row_is_there_with_its_score(folder: Path):
    export_run(folder)
    rows = read_rows(folder / "results.jsonl")
    exported = lines(folder / "exports" / "evaltrust.jsonl")
    found = {(one["model"], one["seed"], one["id"]): one["score"] for one in exported}
    assert found == {row.key: row.right for row in rows}
    assert list(found.values()).count(None) == 3


def test_passages_stand_with_their_document_s_path(folder: Path):
    export_run(folder)
    exported = {one["id"]: one for one in lines(folder / "exports" / "rag-seed-0.ragas.jsonl")}
    assert exported["q-001"]["retrieved_context_ids"] == ["basin-1.md"]
    assert exported["q-001"]["retrieved_contexts"] == [PASSAGE]
    assert exported["q-002"]["retrieved_contexts"] == []


def test_a_row_without_a_score_is_no_answer_to_judge(folder: Path):
    export_run(folder)
    dead = [row.id for row in read_rows(folder / "results.jsonl") if row.right is None]
    judged = lines(folder / "exports" / "closed-book-seed-0.ragas.jsonl")
    assert len(judged) == 40 - 3
    assert not {one["id"] for one in judged} & set(dead)
    checked = json.loads((folder / "exports" / "closed-book-seed-0.ragchecker.json").read_text())
    assert len(checked["results"]) == 40 - 3


def test_an_arm_without_a_single_score_has_no_such_file(folder: Path):
    rows = [
        Row(row.arm, row.seed, row.id, "", False, None, error="down") if row.arm == "rag" else row
        for row in read_rows(folder / "results.jsonl")
    ]
    write_sorted(folder / "results.jsonl", rows)
    assert not [file for file in export_run(folder) if file.name.startswith("rag-")]


def test_files_of_arms_that_are_gone_are_removed_and_others_stay(folder: Path):
    export_run(folder)
    (folder / "exports" / "notes.txt").write_text("mine")
    rows = [row for row in read_rows(folder / "results.jsonl") if row.arm == "rag"]
    write_sorted(folder / "results.jsonl", rows)
    export_run(folder)
    assert sorted(file.name for file in (folder / "exports").iterdir()) == [
        "evaltrust.jsonl",
        "notes.txt",
        "rag-seed-0.ragas.jsonl",
        "rag-seed-0.ragchecker.json",
    ]


def test_what_is_exported_can_be_imported(folder: Path):
    export_run(folder)
    imported = import_questions("ragas", folder / "exports" / "rag-seed-0.ragas.jsonl")
    assert len(imported.questions) == sum(
        1 for one in lines(folder / "exports" / "rag-seed-0.ragas.jsonl") if one["reference"]
    )
    assert imported.questions[0].question.startswith("How deep is basin")
