import json
from pathlib import Path
from typing import Any

import pytest

from eval.imports.beir import import_beir, write_pages
from eval.imports.formats import import_questions
from eval.imports.records import Note, Skipped, UnusableOption
from eval.questions import Evidence, Question, UnreadableQuestions, read_questions, write_questions

CORPUS: list[dict[str, Any]] = [
    {"_id": "d1", "title": "Orlo pump", "text": "It moves 430 litres."},
    {"_id": "d/2", "title": "", "text": "Vance built it."},
    {"_id": "d3", "title": "Ferry", "text": "It floats."},
]
QUERIES = [{"_id": "q1", "text": "Who built it?"}, {"_id": "q2", "text": "What floats?"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td/2\t2\nq1\td3\t0\nq2\td3\t1\n"


def beir(folder: Path, **splits: str) -> Path:
    lines(folder / "corpus.jsonl", CORPUS)
    lines(folder / "queries.jsonl", QUERIES)
    (folder / "qrels").mkdir()
    for split, text in (splits or {"test": QRELS}).items():
        (folder / "qrels" / f"{split}.tsv").write_text(text, encoding="utf-8")
    return folder


def lines(file: Path, records: list[Any]) -> None:
    file.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")


def questions(folder: Path, **options: Any) -> list[Question]:
    return [item for item in import_beir(folder, **options) if isinstance(item, Question)]


def test_relevant_documents_are_evidence_and_answers_best_first(tmp_path: Path):
    assert questions(beir(tmp_path))[0] == Question(
        id="q1",
        question="Who built it?",
        answers=("Vance built it.", "Orlo pump"),
        evidence=(Evidence("d_2.md", "Vance built it."), Evidence("d1.md", "It moves 430 litres.")),
        source="d_2.md",
    )


def test_that_answers_are_stand_ins_is_noted(tmp_path: Path):
    (note,) = (item for item in import_beir(beir(tmp_path)) if isinstance(item, Note))
    assert "no gold answers in BEIR" in note.text


def test_evidence_is_the_pages_that_are_written(tmp_path: Path):
    written = write_pages(beir(tmp_path), tmp_path / "pages")
    assert [page.name for page in written] == ["d1.md", "d_2.md", "d3.md"]
    assert written[0].read_text("utf-8") == "# Orlo pump\n\nIt moves 430 litres.\n"
    assert written[1].read_text("utf-8") == "Vance built it.\n"


def test_two_documents_never_become_one_page(tmp_path: Path):
    lines(tmp_path / "corpus.jsonl", [CORPUS[1], {**CORPUS[1], "_id": "d_2"}])
    with pytest.raises(UnreadableQuestions, match=r"line 2: its page 'd_2\.md'"):
        write_pages(tmp_path, tmp_path / "pages")


def test_the_test_split_is_taken_unless_another_is_named(tmp_path: Path):
    beir(tmp_path, train="q1\td1\t1\n", test="q2\td3\t1\n")
    assert [one.id for one in questions(tmp_path)] == ["q2"]
    assert [one.id for one in questions(tmp_path, split="train")] == ["q1"]


def test_the_only_split_is_taken(tmp_path: Path):
    assert [one.id for one in questions(beir(tmp_path, dev="q2\td3\t1\n"))] == ["q2"]


def test_a_split_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path):
    with pytest.raises(UnusableOption, match=r"holds dev, train, not 'test'"):
        questions(beir(tmp_path, train=QRELS, dev=QRELS))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("q1\td1", "query, document and a whole score"),
        ("q1\td1\thigh", "query, document and a whole score"),
        ("q1\td9\t1", "no document 'd9'"),
        ("q9\td1\t1", "no query 'q9'"),
    ],
)
def test_a_bad_judgement_is_skipped_by_its_line(tmp_path: Path, line: str, reason: str):
    beir(tmp_path, test=f"q2\td3\t1\n{line}\n")
    (skipped,) = (item for item in import_beir(tmp_path) if isinstance(item, Skipped))
    assert skipped.place.endswith("test.tsv: line 2")
    assert reason in skipped.reason
    assert [one.id for one in questions(tmp_path)] == ["q2"]


def test_a_bad_document_is_skipped_by_its_line(tmp_path: Path):
    lines(beir(tmp_path) / "corpus.jsonl", [*CORPUS, {"_id": "d4", "title": "Empty"}])
    (skipped,) = (item for item in import_beir(tmp_path) if isinstance(item, Skipped))
    assert skipped == Skipped(
        f"{tmp_path / 'corpus.jsonl'}: line 4",
        "field 'text': a text is wanted, it is missing or empty",
    )


def test_a_folder_without_judgements_is_refused(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match="holds no qrels"):
        questions(tmp_path)


def test_what_is_imported_is_read_back_equal(tmp_path: Path):
    imported = import_questions("auto", beir(tmp_path))
    assert imported.format == "beir"
    write_questions(tmp_path / "q.jsonl", imported.questions)
    assert read_questions(tmp_path / "q.jsonl") == imported.questions
