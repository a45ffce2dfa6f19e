import json
from pathlib import Path
from typing import Any

import pytest

from eval.imports.flashrag import import_flashrag
from eval.imports.formats import import_questions
from eval.imports.records import Skipped
from eval.questions import Evidence, Question, read_questions, write_questions

RECORD: dict[str, Any] = {
    "id": "dev_0",
    "question": "Who built the pump of the ferry?",
    "golden_answers": ["Vance", "Teodora Vance", "Vance"],
}
HOTPOT = {
    "supporting_facts": {"title": ["Ferry", "Pump", "Pump"], "sent_id": [0, 1, 9]},
    "context": {"title": ["Ferry", "Pump"], "sentences": [["It has a pump."], ["A.", " B. "]]},
}
MUSIQUE = {
    "question_decomposition": [
        {"support_paragraph": {"title": "Ferry", "paragraph_text": "It has a pump."}},
        {"support_paragraph": None},
    ]
}


def flashrag(folder: Path, *records: Any) -> Path:
    file = folder / "dev.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return file


def question(folder: Path, **fields: Any) -> Question:
    (one,) = import_flashrag(flashrag(folder, {**RECORD, **fields}))
    assert isinstance(one, Question)
    return one


def test_a_record_becomes_a_question_with_all_its_answers(tmp_path: Path):
    assert question(tmp_path) == Question("dev_0", RECORD["question"], ("Vance", "Teodora Vance"))


def test_supporting_facts_are_evidence_with_their_sentences(tmp_path: Path):
    assert question(tmp_path, metadata=HOTPOT).evidence == (
        Evidence("Ferry", "It has a pump."),
        Evidence("Pump", "B."),
        Evidence("Pump"),
    )


def test_supporting_paragraphs_are_evidence(tmp_path: Path):
    assert question(tmp_path, metadata=MUSIQUE).evidence == (Evidence("Ferry", "It has a pump."),)


def test_an_answer_may_be_the_number_of_a_choice(tmp_path: Path):
    assert question(tmp_path, choices=["oil", "tar"], golden_answers=[1]).answers == ("tar",)


def test_an_answer_may_be_a_single_text_or_number(tmp_path: Path):
    assert question(tmp_path, golden_answers=430).answers == ("430",)
    assert question(tmp_path, golden_answers="tar").answers == ("tar",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"golden_answers": []}, "field 'golden_answers'"),
        ({"golden_answers": [" "]}, "field 'golden_answers[0]'"),
        ({"golden_answers": {"a": 1}}, "field 'golden_answers'"),
        ({"choices": ["oil"], "golden_answers": [1]}, "no choice 1 among 1"),
        ({"question": None}, "field 'question'"),
        ({"metadata": {"supporting_facts": [["Ferry", 0]]}}, "field 'metadata'"),
    ],
)
def test_a_bad_record_is_skipped(tmp_path: Path, change: dict[str, Any], reason: str):
    good, skipped = import_flashrag(flashrag(tmp_path, RECORD, {**RECORD, **change}))
    assert isinstance(good, Question)
    assert isinstance(skipped, Skipped)
    assert skipped.place.endswith("dev.jsonl: line 2")
    assert reason in skipped.reason


def test_what_is_imported_is_read_back_equal(tmp_path: Path):
    imported = import_questions("auto", flashrag(tmp_path, {**RECORD, "metadata": HOTPOT}))
    assert imported.format == "flashrag"
    write_questions(tmp_path / "q.jsonl", imported.questions)
    assert read_questions(tmp_path / "q.jsonl") == imported.questions
