import json
from pathlib import Path
from typing import Any

import pytest

from eval.imports.formats import import_questions
from eval.imports.records import Skipped
from eval.imports.snips import as_answer, import_snips
from eval.imports.split import split_by_source
from eval.questions import Question, UnreadableQuestions, read_questions, write_questions

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "structured" / "snips"
BOOKING = [
    {"text": "Book for "},
    {"text": "two ", "entity": "party"},
    {"text": "in "},
    {"text": "Łódź", "entity": "city"},
    {"text": " or "},
    {"text": "Adana", "entity": "city"},
]


def write(file: Path, intent: str, *utterances: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({intent: list(utterances)}), encoding="utf-8")
    return file


def texts(path: Path, **options: Any) -> list[str]:
    return [item.question for item in import_snips(path, **options) if isinstance(item, Question)]


def test_an_utterance_becomes_json_of_its_intent_and_slots(tmp_path: Path):
    file = write(tmp_path / "train_Book.json", "Book", {"data": BOOKING})
    assert list(import_snips(file)) == [
        Question(
            id="train_Book-1",
            question="Book for two in Łódź or Adana",
            answers=('{"intent": "Book", "slots": {"city": ["Łódź", "Adana"], "party": ["two"]}}',),
            source="Book(city, party)",
        )
    ]


def test_answers_are_equal_as_parsed_whatever_the_order_of_names():
    one = json.loads(as_answer("Book", [("party", "two"), ("city", "Adana")]))
    assert one == {"slots": {"city": ["Adana"], "party": ["two"]}, "intent": "Book"}
    assert one != json.loads(as_answer("Book", [("city", "Adana")]))


def test_an_utterance_without_slots_has_an_empty_object(tmp_path: Path):
    file = write(tmp_path / "train_Hi.json", "Hi", {"data": [{"text": "Hi"}]})
    (question,) = import_snips(file)
    assert isinstance(question, Question)
    assert (question.answers, question.source) == (('{"intent": "Hi", "slots": {}}',), "Hi()")


def test_the_full_file_of_an_intent_is_read_or_the_small_one(tmp_path: Path):
    write(tmp_path / "A" / "train_A.json", "A", {"data": [{"text": "small"}]})
    write(tmp_path / "A" / "train_A_full.json", "A", {"data": [{"text": "full"}]})
    write(tmp_path / "B" / "train_B.json", "B", {"data": [{"text": "only"}]})
    assert texts(tmp_path) == ["full", "only"]
    assert texts(tmp_path, small=True) == ["small", "only"]


def test_a_repeated_utterance_is_skipped_with_where_it_stands(tmp_path: Path):
    file = write(
        tmp_path / "train_A.json",
        "A",
        {"data": [{"text": "Go on"}]},
        {"data": [{"text": "go  on "}]},
    )
    _, skipped = import_snips(file)
    assert skipped == Skipped(
        f"{file}: record 2", f"the utterance stands in {file}: record 1 already"
    )


@pytest.mark.parametrize(
    "bad",
    [
        3,
        {"data": 3},
        {"data": [3]},
        {"data": [{"entity": "city"}]},
        {"data": [{"text": "in "}, {"text": " ", "entity": "city"}]},
        {"data": []},
    ],
)
def test_a_bad_utterance_is_skipped(tmp_path: Path, bad: Any):
    skipped, good = import_snips(write(tmp_path / "t.json", "A", bad, {"data": BOOKING}))
    assert isinstance(skipped, Skipped)
    assert skipped.place.endswith("t.json: record 1")
    assert isinstance(good, Question)


@pytest.mark.parametrize("text", ["[]", "{}", '{"A": 3}', "{"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str):
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(UnreadableQuestions, match=r"odd\.json"):
        list(import_snips(tmp_path / "odd.json"))


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match="holds no <intent>/train_"):
        list(import_snips(tmp_path))


@pytest.mark.shared
def test_the_benchmark_is_imported_and_split_by_family(tmp_path: Path):
    if not SHARED.is_dir():
        pytest.skip("Snips is not beside the checkout")
    imported = import_questions("auto", SHARED)
    questions = imported.questions
    assert (imported.format, len(questions), len(imported.skipped)) == ("snips", 13577, 207)
    assert "p Punk Perfection 🍕" in next(
        q.question for q in questions if "Punk Perf" in q.question
    )
    split = split_by_source(questions, (0.8, 0.1, 0.1), seed=3)
    assert abs(len(split.test) / len(questions) - 0.1) < 0.03
    write_questions(tmp_path / "q.jsonl", questions)
    assert read_questions(tmp_path / "q.jsonl") == questions
