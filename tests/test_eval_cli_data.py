"""`ragfirst eval import`: a question file of each format, and what is left out."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas
from typer.testing import CliRunner, Result

from eval.cli import app
from eval.questions import Question, read_questions


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", "import", *map(str, words)])


def squad(folder: Path) -> Path:
    file = folder / "squad.json"
    articles: list[Any] = []
    for name in "abc":
        asked = [
            {"id": f"{name}{at}", "question": f"Who was {at}?", "answers": [{"text": "Vance"}]}
            for at in range(3)
        ]
        text = "Vance built the pump. It is red."
        articles.append({"title": f"Pump_{name}", "paragraphs": [{"context": text, "qas": asked}]})
    file.write_text(json.dumps({"version": "1.1", "data": articles}))
    return file


def beir(folder: Path) -> Path:
    (folder / "qrels").mkdir()
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "title": "Pump", "text": "It is red."}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "What is red?"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    return folder


def ragas(folder: Path) -> Path:
    file = folder / "ragas.json"
    record = {"user_input": "Who?", "reference": "Vance", "reference_contexts": ["By Vance."]}
    file.write_text(json.dumps([record]))
    return file


def flashrag(folder: Path) -> Path:
    file = folder / "flashrag.jsonl"
    records = [
        {"id": "q1", "question": "Who?", "golden_answers": ["Vance"]},
        {"id": "q2", "question": "What?", "golden_answers": None},
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    return file


def cuad(folder: Path) -> Path:
    file = folder / "clauses.csv"
    row = {"Filename": "ORLO.PDF", "Governing Law": "['By Ontario.']", "Governing Law-Answer": "ON"}
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, row)
        writer.writeheader()
        writer.writerow(row)
    return file


def table(folder: Path) -> Path:
    file = folder / "table.csv"
    file.write_text("question,answer\nWho?,Vance\n")
    return file


def snips(folder: Path) -> Path:
    file = folder / "Book" / "train_Book_full.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"Book": [{"data": [{"text": "Book a table"}]}]}))
    return folder


FORMATS: dict[str, Callable[[Path], Path]] = {
    "squad": squad,
    "beir": beir,
    "ragas": ragas,
    "flashrag": flashrag,
    "cuad": cuad,
    "table": table,
    "snips": snips,
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("is_named", [True, False])
def test_every_format_becomes_a_question_file(tmp_path: Path, name: str, is_named: bool):
    (tmp_path / "from").mkdir()
    path, out = FORMATS[name](tmp_path / "from"), tmp_path / "made" / "questions.jsonl"
    result = call(path, out, *(["--format", name] if is_named else []))
    assert result.exit_code == (1 if name == "flashrag" else 0), result.stderr
    asked = read_questions(out)
    assert f"{len(asked)} questions ({name}) → {out}" in result.stdout
    assert all(isinstance(one, Question) and one.source for one in asked)


def test_records_that_are_left_out_are_exit_status_1_and_named(tmp_path: Path):
    file = flashrag(tmp_path)
    result = call(file, tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert f"left out: {file}: line 2: field 'golden_answers'" in result.stdout
    assert [one.id for one in read_questions(tmp_path / "out.jsonl")] == ["q1"]


def test_many_that_are_left_out_are_counted(tmp_path: Path):
    file = flashrag(tmp_path)
    file.write_text(file.read_text() + "{}\n" * 20)
    result = call(file, tmp_path / "out.jsonl")
    assert result.stdout.count("left out:") == 10
    assert "… and 11 more; --json lists them all" in result.stdout


def test_json_tells_what_was_written_left_out_and_noted(tmp_path: Path):
    file = flashrag(tmp_path)
    told = json.loads(call(file, tmp_path / "out.jsonl", "--json").stdout)
    assert told["format"] == "flashrag"
    assert told["written"] == {str(tmp_path / "out.jsonl"): 1}
    assert [one["place"] for one in told["skipped"]] == [f"{file}: line 2"]
    (tmp_path / "beir").mkdir()
    told = json.loads(call(beir(tmp_path / "beir"), tmp_path / "out.jsonl", "--json").stdout)
    assert "no gold answers in BEIR" in told["notes"][0]["text"]


def test_some_questions_of_some_sources(tmp_path: Path):
    result = call(
        squad(tmp_path), tmp_path / "out.jsonl", "--source", "Pump_a", "--limit", "2", "--seed", "1"
    )
    assert result.exit_code == 0
    found = read_questions(tmp_path / "out.jsonl")
    assert len(found) == 2
    assert {one.source for one in found} == {"Pump_a"}


def test_documents_can_be_put_below_a_folder(tmp_path: Path):
    call(squad(tmp_path), tmp_path / "out.jsonl", "--document-prefix", "wiki")
    documents = {
        item.document for one in read_questions(tmp_path / "out.jsonl") for item in one.evidence
    }
    assert all(document.startswith("wiki/") for document in documents)
    assert documents


def test_a_split_crosses_no_source(tmp_path: Path):
    result = call(squad(tmp_path), tmp_path / "out", "--split", "0.4,0.3,0.3")
    assert result.exit_code == 0, result.stderr
    sources = [
        {one.source for one in read_questions(tmp_path / "out" / f"{name}.jsonl")}
        for name in ("train", "dev", "test")
    ]
    assert [len(some) for some in sources] == [1, 1, 1]
    assert len({source for some in sources for source in some}) == 3
    assert result.stdout.count("3 questions (squad) →") == 3


def test_the_articles_of_squad_become_a_wiki(tmp_path: Path):
    result = call(squad(tmp_path), tmp_path / "out.jsonl", "--wiki", tmp_path / "wiki")
    assert result.exit_code == 0
    pages = sorted(page.name for page in (tmp_path / "wiki").iterdir())
    evidence = {
        item.document for one in read_questions(tmp_path / "out.jsonl") for item in one.evidence
    }
    assert set(pages) == evidence


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--format", "sqad"], "no format 'sqad'; there are auto, squad, beir"),
        (["--split", "0.7,0.3"], "three shares as 0.7,0.1,0.2, found '0.7,0.3'"),
        (["--split", "0.7,0.7,0.7"], "add up to 1"),
        (["--option", "quote"], "name=value is wanted, found 'quote'"),
        (["--option", "mood=good"], "format 'squad' has no option 'mood'"),
        (["--option", "limit=3"], "'limit' is given by --limit"),
        (["--option", "path=x"], "'path' is given by the first argument"),
        (["--source", "Ferry"], "no question has the source 'Ferry'; there are Pump_a"),
    ],
)
def test_a_wrong_option_is_exit_status_2_with_value_and_remedy(
    tmp_path: Path, given: list[str], told: str
):
    result = call(squad(tmp_path), tmp_path / "out.jsonl", *given)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_limit_below_one_is_a_usage_error(tmp_path: Path):
    assert call(squad(tmp_path), tmp_path / "out.jsonl", "--limit", "0").exit_code == 2


def test_what_is_no_questions_is_named(tmp_path: Path):
    (tmp_path / "x.txt").write_text("words")
    for path in (tmp_path / "x.txt", tmp_path / "gone.json", tmp_path):
        result = call(path, tmp_path / "out.jsonl")
        assert result.exit_code == 2
        assert str(path) in result.stderr


def test_options_of_a_format_reach_it(tmp_path: Path):
    short = squad(tmp_path)
    call(short, tmp_path / "sentence.jsonl")
    call(short, tmp_path / "paragraph.jsonl", "--option", "quote=paragraph")
    quotes = [
        read_questions(tmp_path / f"{name}.jsonl")[0].evidence[0].quote
        for name in ("sentence", "paragraph")
    ]
    assert quotes == ["Vance built the pump.", "Vance built the pump. It is red."]


def contract(folder: Path) -> Path:
    canvas = Canvas(str(folder / "ORLO.PDF"))
    for line in ("Made in May.", "Governed by the laws of Ontario: by Ontario."):
        canvas.drawString(72, 700, line)
        canvas.showPage()
    canvas.save()
    return folder


def test_pages_of_quotes_are_found_and_told(tmp_path: Path):
    (tmp_path / "pdf").mkdir()
    out, folder = tmp_path / "out.jsonl", contract(tmp_path / "pdf")
    result = call(cuad(tmp_path), out, "--pages", folder, "--document-prefix", "contracts")
    assert result.exit_code == 0, result.stderr
    assert "1 of 1 located (100 %)" in result.stdout
    (found,) = read_questions(out)
    assert [(one.document, one.page) for one in found.evidence] == [("contracts/ORLO.PDF", 2)]


def test_quotes_without_a_page_are_named(tmp_path: Path):
    (tmp_path / "pdf").mkdir()
    file, folder = cuad(tmp_path), contract(tmp_path / "pdf")
    file.write_text(file.read_text().replace("By Ontario.", "By Quebec."))
    result = call(file, tmp_path / "out.jsonl", "--pages", folder)
    assert result.exit_code == 0
    assert "0 of 1 located (0 %)" in result.stdout
    assert "no page: ORLO.PDF#Governing Law: not found in ORLO.PDF: 'By Quebec.'" in result.stdout
    told = json.loads(call(file, tmp_path / "out.jsonl", "--pages", folder, "--json").stdout)
    assert (told["pages"]["asked"], told["pages"]["located"]) == (1, 0)
    assert [one["place"] for one in told["pages"]["missing"]] == ["ORLO.PDF#Governing Law"]


def test_a_folder_of_pages_without_files_is_exit_status_2(tmp_path: Path):
    result = call(cuad(tmp_path), tmp_path / "out.jsonl", "--pages", tmp_path / "gone")
    assert result.exit_code == 2
    assert "no file below" in result.stderr
