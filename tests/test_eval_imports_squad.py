import json
from pathlib import Path
from typing import Any

import pytest

from eval.imports.formats import import_questions
from eval.imports.records import Note, Skipped
from eval.imports.squad import import_squad
from eval.questions import Evidence, Question, read_questions, write_questions
from eval.squad import write_wiki

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PARAGRAPH = "The pump moves 430 litres. Vance built it in 1931."


def asked(id: Any, *answers: tuple[str, int], **more: Any) -> dict[str, Any]:
    texts = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": id, "question": f" What of {id}? ", "answers": texts, **more}


def squad(folder: Path, *qas: Any, context: Any = PARAGRAPH, **article: Any) -> Path:
    one = {"title": "Orlo_pump", "paragraphs": [{"context": context, "qas": list(qas)}], **article}
    file = folder / "squad.json"
    file.write_text(json.dumps({"data": [one]}), encoding="utf-8")
    return file


def only_question(file: Path, **options: Any) -> Question:
    (question,) = (item for item in import_squad(file, **options) if isinstance(item, Question))
    return question


def test_a_question_has_its_page_and_the_sentence_of_its_answer(tmp_path: Path):
    file = squad(tmp_path, asked("q1", ("1931", 45), ("in 1931", 42), ("1931", 45)))
    assert list(import_squad(file)) == [
        Question(
            id="q1",
            question="What of q1?",
            answers=("1931", "in 1931"),
            evidence=(Evidence("Orlo_pump.md", "Vance built it in 1931."),),
            source="Orlo_pump",
        )
    ]


def test_the_paragraph_is_quoted_where_asked_for(tmp_path: Path):
    question = only_question(squad(tmp_path, asked("q1", ("1931", 45))), quote="paragraph")
    assert [one.quote for one in question.evidence] == [PARAGRAPH]


def test_an_answer_over_two_sentences_is_quoted_with_both(tmp_path: Path):
    question = only_question(squad(tmp_path, asked("q1", ("litres. Vance", 19))))
    assert [one.quote for one in question.evidence] == [PARAGRAPH]


def test_answers_in_different_sentences_have_a_quote_each(tmp_path: Path):
    question = only_question(squad(tmp_path, asked("q1", ("430 litres", 15), ("1931", 45))))
    assert [one.quote for one in question.evidence] == [
        "The pump moves 430 litres.",
        "Vance built it in 1931.",
    ]


def test_a_start_that_is_a_little_off_finds_the_nearest(tmp_path: Path):
    file = squad(tmp_path, asked("q1", ("it", 20)), context="It fits. It is it.")
    assert [one.quote for one in only_question(file).evidence] == ["It is it."]


def test_the_quotes_stand_in_the_page_that_is_written(tmp_path: Path):
    file = squad(tmp_path, asked("q1", ("1931", 45)), title="AC/DC")
    (evidence,) = only_question(file).evidence
    assert [page.name for page in write_wiki(file, tmp_path / "wiki")] == [evidence.document]
    assert evidence.quote in (tmp_path / "wiki" / evidence.document).read_text(encoding="utf-8")


def test_an_impossible_question_is_unanswerable_and_has_no_evidence(tmp_path: Path):
    question = only_question(squad(tmp_path, asked("q1", is_impossible=True)))
    assert (question.answerable, question.answers, question.evidence) == (False, (), ())


def test_an_article_without_a_title_is_called_by_its_document(tmp_path: Path):
    paragraph = {"context": PARAGRAPH, "document_id": 630, "qas": [asked(262, ("1931", 45))]}
    file = squad(tmp_path, title=None, paragraphs=[paragraph])
    question = only_question(file)
    assert (question.id, question.source) == ("262", "630")
    assert [page.name for page in write_wiki(file, tmp_path / "wiki")] == ["630.md"]


def test_an_answer_that_is_not_in_its_paragraph_is_noted(tmp_path: Path):
    note, question = import_squad(squad(tmp_path, asked("q1", ("Teodora", 3))))
    assert isinstance(note, Note)
    assert "'Teodora' does not stand in its paragraph" in note.text
    assert isinstance(question, Question)
    assert [one.quote for one in question.evidence] == [PARAGRAPH]


BAD: list[Any] = [
    (3, "an object is wanted"),
    (asked("", ("1931", 45)), "field 'id'"),
    ({**asked("q2", ("1931", 45)), "question": " "}, "field 'question'"),
    ({"id": "q2", "question": "Who?"}, "field 'answers'"),
    ({"id": "q2", "question": "Who?", "answers": [{}]}, "field 'text'"),
    (asked("q2"), "0 though 'is_impossible' is None"),
    (asked("q2", ("1931", 45), is_impossible=True), "1 though 'is_impossible' is True"),
]
BAD_ARTICLES: list[Any] = [{"paragraphs": 3}, {"paragraphs": [{"qas": []}]}, {"title": 3}]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_question_is_skipped_by_its_place(tmp_path: Path, bad: Any, reason: str):
    good, skipped = import_squad(squad(tmp_path, asked("q1", ("1931", 45)), bad))
    assert isinstance(good, Question)
    assert isinstance(skipped, Skipped)
    assert skipped.place.endswith("squad.json: article 1: paragraph 1: question 2")
    assert reason in skipped.reason


@pytest.mark.parametrize("article", BAD_ARTICLES)
def test_a_bad_article_or_paragraph_is_skipped(tmp_path: Path, article: dict[str, Any]):
    (skipped,) = import_squad(squad(tmp_path, **article))
    assert isinstance(skipped, Skipped)
    assert "article 1" in skipped.place


@pytest.mark.shared
def test_the_development_set_of_squad_is_imported_whole(tmp_path: Path):
    file = SHARED / "wiki" / "squad2-dev.json"
    if not file.is_file():
        pytest.skip("the SQuAD file is not beside the checkout")
    imported = import_questions("auto", file, document_prefix="wiki")
    assert (imported.format, imported.skipped, imported.notes) == ("squad", [], [])
    assert len(imported.questions) == 6078
    assert sum(not question.answerable for question in imported.questions) == 3168
    write_wiki(file, tmp_path / "wiki")
    pages = {page.name: page.read_text("utf-8") for page in (tmp_path / "wiki").iterdir()}
    for question in imported.questions:
        for one in question.evidence:
            assert one.quote in pages[one.document.removeprefix("wiki/")]
        for answer in question.answers:
            assert any(answer in one.quote for one in question.evidence)
    write_questions(tmp_path / "questions.jsonl", imported.questions)
    assert read_questions(tmp_path / "questions.jsonl") == imported.questions
