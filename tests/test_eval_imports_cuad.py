import csv
from pathlib import Path
from typing import Any

import pytest

from eval.grade import contains
from eval.imports.cuad import import_cuad
from eval.imports.cuad_labels import asks, gold_forms
from eval.imports.formats import import_questions
from eval.imports.records import Note, Skipped, UnusableOption
from eval.questions import Evidence, Question, UnreadableQuestions, read_questions, write_questions

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "contracts"
PDF = "ORLO_01_02_2020-EX-1-PUMP AGREEMENT.PDF"
ROW = {
    "Filename": PDF,
    "Document Name": "['Pump Agreement']",
    "Document Name-Answer": "Pump Agreement",
    "Governing Law": "['Governed by the laws of Ontario.']",
    "Governing Law- Answer": "Ontario, Canada",
    "Insurance": "['It insures<omitted>the pump.', 'And the ferry.']",
    "Insurance-Answer": "Yes",
    "Non-Compete": "[]",
    "Non-Compete-Answer": "No",
}


def cuad(folder: Path, *rows: dict[str, str]) -> Path:
    file = folder / "master_clauses.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, ROW)
        writer.writeheader()
        writer.writerows(rows)
    return file


def by_label(file: Path, **options: Any) -> dict[str, Question]:
    found = [item for item in import_cuad(file, **options) if isinstance(item, Question)]
    return {question.id.partition("#")[2]: question for question in found}


def skipped(file: Path, **options: Any) -> list[Skipped]:
    return [item for item in import_cuad(file, **options) if isinstance(item, Skipped)]


def test_a_label_becomes_a_question_about_its_contract(tmp_path: Path):
    assert by_label(cuad(tmp_path, ROW))["Governing Law"] == Question(
        id=f"{PDF}#Governing Law",
        question="What is the governing law of the contract ORLO 01 02 2020-EX-1-PUMP AGREEMENT?",
        answers=("Ontario, Canada", "Ontario"),
        evidence=(Evidence(PDF, "Governed by the laws of Ontario."),),
        source=PDF,
    )


def test_gold_of_a_yes_is_its_clauses_and_quotes_are_split_at_omissions(tmp_path: Path):
    question = by_label(cuad(tmp_path, ROW))["Insurance"]
    assert question.answers == ("It insures ... the pump.", "And the ferry.")
    assert [one.quote for one in question.evidence] == [
        "It insures",
        "the pump.",
        "And the ferry.",
    ]


def test_the_document_name_is_asked_only_by_name(tmp_path: Path):
    file = cuad(tmp_path, ROW)
    assert set(by_label(file)) == {"Governing Law", "Insurance"}
    assert set(by_label(file, labels=["document name"])) == {"Document Name"}


def test_labels_without_a_clause_are_counted_and_asked_on_demand(tmp_path: Path):
    file = cuad(tmp_path, ROW)
    notes = [item for item in import_cuad(file) if isinstance(item, Note)]
    assert [note.text.partition(" left")[0] for note in notes] == ["1 labels without a clause"]
    question = by_label(file, unanswerable=True)["Non-Compete"]
    assert (question.answerable, question.answers, question.evidence) == (False, (), ())


def test_a_label_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UnusableOption, match="no label 'Law'; there are Document Name, Gov"):
        by_label(cuad(tmp_path, ROW), labels=["Law"])


def test_documents_are_found_below_their_folder(tmp_path: Path):
    file = cuad(tmp_path, ROW, {**ROW, "Filename": "other.pdf"})
    (tmp_path / "pdf" / "Part_I").mkdir(parents=True)
    (tmp_path / "pdf" / "Part_I" / PDF.replace(".PDF", ".pdf")).touch()
    documents = tmp_path / "pdf"
    (place, reason) = skipped(file, documents=documents)[0]
    assert place.endswith("master_clauses.csv: line 3")
    assert reason == f"no file below {documents} is 'other.pdf'"
    assert {question.source for question in by_label(file, documents=documents).values()} == {
        f"Part_I/{PDF.replace('.PDF', '.pdf')}"
    }


def test_a_contract_that_stands_in_two_places_is_skipped(tmp_path: Path):
    for folder in ("a", "b"):
        (tmp_path / "pdf" / folder).mkdir(parents=True)
        (tmp_path / "pdf" / folder / PDF).touch()
    (one,) = skipped(cuad(tmp_path, ROW), documents=tmp_path / "pdf")
    assert f"stands at 'a/{PDF}' and at 'b/{PDF}'" in one.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Insurance": "[3]"}, "column 'Insurance': a list of texts"),
        ({"Insurance": "['cut off"}, "column 'Insurance': a list of texts"),
        ({"Insurance": "[]"}, "column 'Insurance': the answer is 'Yes' with 0 clauses"),
        ({"Non-Compete": "['None.']"}, "column 'Non-Compete': the answer is 'No' with 1 clauses"),
    ],
)
def test_a_bad_label_is_skipped_alone(tmp_path: Path, change: dict[str, str], reason: str):
    file = cuad(tmp_path, {**ROW, **change})
    (one,) = skipped(file)
    assert one.place.endswith("line 2")
    assert reason in one.reason
    assert "Governing Law" in by_label(file)


@pytest.mark.parametrize("header", ["Name,Law,Law-Answer", "Filename,Law,Rent"])
def test_a_table_of_something_else_is_refused(tmp_path: Path, header: str):
    file = tmp_path / "odd.csv"
    file.write_text(f"{header}\n1,2,3\n", encoding="utf-8")
    with pytest.raises(UnreadableQuestions, match=r"odd\.csv: line 1"):
        list(import_cuad(file))


@pytest.mark.parametrize(
    ("label", "answer", "clauses", "said"),
    [
        ("Agreement Date", "5/8/14", ("8th day of May 2014",), "It is the 8th day of May 2014."),
        ("Agreement Date", "5/8/14", (), "May 8, 2014"),
        ("Effective Date", "12/31/98", (), "on 31 December 1998"),
        ("Expiration Date", "perpetual", (), "It is perpetual."),
        ("Parties", 'A Inc. ("A"); B, LLC ("B", "Us")', (), "They are A Inc. and B, LLC."),
        ("Governing Law", "England and Wales, UK", (), "the law of England and Wales"),
        ("Renewal Term", "1 year", (), "successive 1 year terms"),
    ],
)
def test_an_answer_is_right_in_every_usual_form(
    label: str, answer: str, clauses: tuple[str, ...], said: str
):
    assert contains(said, gold_forms(label, answer, clauses))


@pytest.mark.parametrize(
    ("label", "answer", "clauses", "said"),
    [
        ("Agreement Date", "08/[]/2019", ("August _, 2019",), "August 2019"),
        ("Agreement Date", "5/8/14", ("Effective Date",), "the effective date"),
        ("Effective Date", "13/31/98", (), "December 31, 1998"),
        ("Parties", 'A Inc. ("A"); B, LLC ("B")', (), "A Inc."),
    ],
)
def test_half_an_answer_is_not_right(label: str, answer: str, clauses: tuple[str, ...], said: str):
    assert not contains(said, gold_forms(label, answer, clauses))


def test_a_label_that_is_unknown_is_asked_for_by_its_name():
    assert (
        asks("Data Privacy", "the contract X") == "What does the contract X say about data privacy?"
    )


@pytest.mark.shared
def test_the_contracts_are_imported_with_their_pdfs(tmp_path: Path):
    if not (SHARED / "clauses.csv").is_file():
        pytest.skip("the contracts are not beside the checkout")
    imported = import_questions("auto", SHARED / "clauses.csv", documents=SHARED / "pdf")
    assert (imported.format, imported.skipped) == ("cuad", [])
    assert len({question.source for question in imported.questions}) == 178
    assert len(imported.questions) > 1900
    for question in imported.questions:
        assert all((SHARED / "pdf" / one.document).is_file() for one in question.evidence)
    write_questions(tmp_path / "q.jsonl", imported.questions)
    assert read_questions(tmp_path / "q.jsonl") == imported.questions
