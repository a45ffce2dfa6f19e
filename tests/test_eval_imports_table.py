from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eval.imports.formats import import_questions
from eval.imports.records import Skipped
from eval.imports.table import import_table
from eval.questions import Evidence, Question, UnreadableQuestions, read_questions, write_questions

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "sec10q" / "data" / "v1"


def table(folder: Path, *lines: str) -> Path:
    file = folder / "set.csv"
    file.write_bytes("".join(f"{line}\r\n" for line in lines).encode("utf-8-sig"))
    return file


def only(file: Path, **options: Any) -> Question:
    (item,) = import_table(file, **options)
    assert isinstance(item, Question), item
    return item


def test_a_row_becomes_a_question(tmp_path: Path):
    file = table(
        tmp_path,
        "Page;GOLD ANSWER;Source Document;Question;id;Section;Quote;Source;Asked at;Mood",
        'p. 12;"Vance | Teodora; Vance";orlo.pdf;"Who built\nit?";q1;Build;'
        "By Vance.;pumps;2026-05-31;ok",
    )
    assert only(file) == Question(
        id="q1",
        question="Who built\nit?",
        answers=("Vance", "Teodora; Vance"),
        evidence=(Evidence("orlo.pdf", "By Vance.", 12, "Build"),),
        source="pumps",
        asked_at=date(2026, 5, 31),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str):
    file = table(
        tmp_path, delimiter.join(("question", "answer")), delimiter.join(("Who?", "Vance"))
    )
    assert only(file).answers == ("Vance",)


@pytest.mark.parametrize(
    "header", ["Question,Answer", "query,ground_truth", "PROMPT,Expected Answer", "q,a"]
)
def test_columns_go_by_several_names(tmp_path: Path, header: str):
    assert only(table(tmp_path, header, "Who?,Vance")).question == "Who?"


def test_of_two_columns_of_one_name_the_first_counts(tmp_path: Path):
    assert only(table(tmp_path, "question,Answer,answer", "Who?,Vance,Orlo")).answers == ("Vance",)


def test_an_id_is_made_of_the_line(tmp_path: Path):
    file = table(tmp_path, "question,answer", "", '"Who\nbuilt?",A', "Why?,B")
    assert [item.id for item in import_table(file) if isinstance(item, Question)] == [
        "set-3",
        "set-5",
    ]


def test_a_cell_may_be_long(tmp_path: Path):
    quote = "long " * 40_000
    file = table(tmp_path, "question,answer,document,quote", f"Who?,Vance,a.pdf,{quote}")
    assert only(file).evidence[0].quote == quote.strip()


def test_pages_and_documents_are_paired(tmp_path: Path):
    header = "question,answer,document,page"
    assert [
        (e.document, e.page) for e in only(table(tmp_path, header, "W?,V,a|b,3|4")).evidence
    ] == [
        ("a", 3),
        ("b", 4),
    ]
    assert [
        (e.document, e.page) for e in only(table(tmp_path, header, "W?,V,a,3|4.0")).evidence
    ] == [
        ("a", 3),
        ("a", 4),
    ]


def test_a_question_that_nothing_answers_says_so(tmp_path: Path):
    question = only(table(tmp_path, "question,answer,answerable", "Who?,,No"))
    assert (question.answerable, question.answers) == (False, ())


def test_patterns_become_paths_below_the_folder(tmp_path: Path):
    (tmp_path / "docs" / "2023").mkdir(parents=True)
    for name in ("2023/Q1 ORLO.pdf", "2023/Q2 ORLO.pdf", "Q1 VANCE.pdf"):
        (tmp_path / "docs" / name).touch()
    file = table(tmp_path, "question,answer,source docs", "Who?,V,*orlo*|q1 vance")
    assert [one.document for one in only(file, documents=tmp_path / "docs").evidence] == [
        "2023/Q1 ORLO.pdf",
        "2023/Q2 ORLO.pdf",
        "Q1 VANCE.pdf",
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Vance", "column 'question' is empty"),
        ("Who?, | ", "column 'answer' is empty"),
        ("Who?,Vance,a.pdf,x", "column 'page': a page from 1 is wanted, found 'x'"),
        ("Who?,Vance,a.pdf,0", "column 'page': a page from 1 is wanted, found '0'"),
        ("Who?,Vance,,3", "a page or quote without a document"),
        ("Who?,Vance,a|b,3", "column 'page': one page for 2 documents"),
        ("Who?,Vance,a|b,1|2|3", "column 'page': 3 pages for 2 documents"),
        ("Who?,Vance,*a*,", "column 'document': '*a*' is a pattern"),
        ("Who?,Vance,a,1,maybe", "column 'answerable': yes or no is wanted"),
        ("Who?,Vance,a,1,no", "column 'answer': ['Vance'] though 'answerable' is 'no'"),
        ("Who?,Vance,a,1,yes,May", "column 'date': a date like 2026-05-31"),
        ("Who?,Vance,a,1,yes,,7", "7 cells under 6 columns"),
    ],
)
def test_a_bad_row_is_skipped_by_its_line(tmp_path: Path, row: str, reason: str):
    file = table(tmp_path, "question,answer,document,page,answerable,date", "Who?,Vance", row)
    good, skipped = import_table(file)
    assert isinstance(good, Question)
    assert isinstance(skipped, Skipped)
    assert skipped.place.endswith("set.csv: line 3")
    assert reason in skipped.reason


def test_a_table_without_answers_is_refused_with_its_columns(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match=r"set\.csv: line 1: .* found 'question', 'mood'"):
        list(import_table(table(tmp_path, "question,mood", "Who?,ok")))


@pytest.mark.parametrize("data", [b"", b"\n\n", "question,answer\nWer?,Müller".encode("latin-1")])
def test_an_empty_or_wrongly_encoded_file_is_refused(tmp_path: Path, data: bytes):
    file = tmp_path / "set.csv"
    file.write_bytes(data)
    with pytest.raises(UnreadableQuestions, match=r"set\.csv"):
        list(import_table(file))


@pytest.mark.shared
def test_questions_about_quarterly_reports_are_imported_with_their_reports(tmp_path: Path):
    if not (SHARED / "qna_data.csv").is_file():
        pytest.skip("the reports are not beside the checkout")
    imported = import_questions("auto", SHARED / "qna_data.csv", documents=SHARED / "docs")
    assert (imported.format, len(imported.questions), imported.skipped) == ("table", 195, [])
    assert all(
        (SHARED / "docs" / e.document).is_file() for q in imported.questions for e in q.evidence
    )
    write_questions(tmp_path / "q.jsonl", imported.questions)
    assert read_questions(tmp_path / "q.jsonl") == imported.questions
