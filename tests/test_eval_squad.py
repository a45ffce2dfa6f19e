import json
from pathlib import Path
from typing import Any

import pytest

from eval.squad import SquadQuestion, UnreadableQuestions, read_questions, write_wiki

PARAGRAPH = "The pump moves 430 litres. Vance built it."
ARTICLES: list[Any] = [
    {
        "title": "Orlo_pump",
        "paragraphs": [
            {
                "context": PARAGRAPH,
                "qas": [
                    {
                        "id": "q1",
                        "question": " Who built it? ",
                        "is_impossible": False,
                        "answers": [
                            {"text": "Vance", "answer_start": 27},
                            {"text": "Vance", "answer_start": 27},
                            {"text": "Teodora Vance", "answer_start": 27},
                        ],
                    },
                    {
                        "id": "q2",
                        "question": "Who sold it?",
                        "is_impossible": True,
                        "answers": [],
                        "plausible_answers": [{"text": "Vance", "answer_start": 27}],
                    },
                ],
            },
            {"context": "  It hums ♪.\n", "qas": []},
        ],
    },
    {"title": "AC/DC", "paragraphs": [{"context": "It is wet.", "qas": []}]},
]


def squad(folder: Path, articles: Any = ARTICLES) -> Path:
    file = folder / "squad.json"
    file.write_text(json.dumps({"version": "v2.0", "data": articles}), encoding="utf-8")
    return file


def test_a_question_has_its_article_paragraph_and_different_answers(tmp_path: Path):
    first = next(read_questions(squad(tmp_path)))
    assert first == SquadQuestion(
        "q1", "Orlo_pump", "Who built it?", ("Vance", "Teodora Vance"), PARAGRAPH
    )


def test_an_unanswerable_question_has_no_answers(tmp_path: Path):
    assert [one.answers for one in read_questions(squad(tmp_path)) if one.id == "q2"] == [()]


def test_questions_come_in_the_order_of_the_file(tmp_path: Path):
    assert [one.id for one in read_questions(squad(tmp_path))] == ["q1", "q2"]


def test_an_article_is_a_page_of_its_paragraphs(tmp_path: Path):
    page = write_wiki(squad(tmp_path), tmp_path / "wiki" / "new")[0]
    assert page == tmp_path / "wiki" / "new" / "Orlo_pump.md"
    assert page.read_text(encoding="utf-8") == f"# Orlo pump\n\n{PARAGRAPH}\n\nIt hums ♪.\n"


def test_a_slash_in_a_title_makes_no_folder(tmp_path: Path):
    written = write_wiki(squad(tmp_path), tmp_path / "wiki")
    assert sorted((tmp_path / "wiki").iterdir()) == sorted(written)
    assert [page.name for page in written] == ["Orlo_pump.md", "AC_DC.md"]


def test_questions_are_not_in_the_wiki(tmp_path: Path):
    pages = write_wiki(squad(tmp_path), tmp_path / "wiki")
    assert not any("Who" in page.read_text(encoding="utf-8") for page in pages)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"data": 3}', "null", '"data"', "\ud800", "id,question"]
)
def test_a_file_that_is_not_squad_is_refused_by_name(tmp_path: Path, text: str):
    file = tmp_path / "odd.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UnreadableQuestions, match=r"odd\.json"):
        list(read_questions(file))
    with pytest.raises(UnreadableQuestions, match=r"odd\.json"):
        write_wiki(file, tmp_path / "wiki")


def test_a_missing_file_is_refused_by_name(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match=r"none\.json"):
        list(read_questions(tmp_path / "none.json"))


BROKEN_ARTICLES: list[Any] = [
    3,
    {"paragraphs": []},
    {"title": "A"},
    {"title": "A", "paragraphs": 3},
    {"title": None, "paragraphs": []},
    {"title": "A", "paragraphs": [{"qas": []}]},
]
BROKEN_QUESTIONS: list[Any] = [
    {"question": "Who?", "answers": []},
    {"id": "q3", "answers": []},
    {"id": "q3", "question": "Who?"},
    {"id": "q3", "question": 3, "answers": []},
    {"id": "q3", "question": "Who?", "answers": [{}]},
]


@pytest.mark.parametrize("broken", BROKEN_ARTICLES)
def test_an_article_that_is_broken_is_named(tmp_path: Path, broken: Any):
    file = squad(tmp_path, [ARTICLES[1], broken])
    with pytest.raises(UnreadableQuestions, match=r"squad\.json: article 2"):
        write_wiki(file, tmp_path / "wiki")


@pytest.mark.parametrize("asked", BROKEN_QUESTIONS)
def test_a_question_that_is_broken_is_named_by_its_article(tmp_path: Path, asked: Any):
    broken = {"title": "A", "paragraphs": [{"context": "It is wet.", "qas": [asked]}]}
    file = squad(tmp_path, [ARTICLES[1], broken])
    with pytest.raises(UnreadableQuestions, match=r"squad\.json: article 2"):
        list(read_questions(file))


def test_an_error_of_the_reader_of_questions_is_not_the_files(tmp_path: Path):
    with pytest.raises(ValueError, match="mine") as raised:
        for _ in read_questions(squad(tmp_path)):
            raise ValueError("mine")
    assert not isinstance(raised.value, UnreadableQuestions)
