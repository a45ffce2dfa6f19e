import json
from pathlib import Path
from typing import Any

import pytest

from eval.imports.detect import detect
from eval.imports.formats import FORMATS, import_questions
from eval.imports.records import Skipped, UnusableOption
from eval.questions import UnreadableQuestions

SQUAD = '{"data": [{"title": "A", "paragraphs": []}]}'


def flashrag(folder: Path, *answers: str | None, **fields: Any) -> Path:
    """A file with a question an answer, about documents A and B in turn."""
    file = folder / "set.jsonl"
    records = [
        {
            "id": f"q{number}",
            "question": "Who?",
            "golden_answers": answer,
            "metadata": {"supporting_facts": {"title": ["AB"[number % 2]]}},
            **fields,
        }
        for number, answer in enumerate(answers)
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return file


def ids(file: Path, **options: Any) -> list[str]:
    return [question.id for question in import_questions("flashrag", file, **options).questions]


def test_good_and_bad_records_are_told_apart(tmp_path: Path):
    imported = import_questions("flashrag", flashrag(tmp_path, "x", None, "y"))
    assert [question.id for question in imported.questions] == ["q0", "q2"]
    assert imported.skipped == [
        Skipped(f"{tmp_path / 'set.jsonl'}: line 2", "field 'golden_answers': missing or empty")
    ]


def test_a_line_that_is_not_json_is_skipped(tmp_path: Path):
    file = flashrag(tmp_path, "x")
    file.write_text(file.read_text() + '{"id": \n[]\n')
    skipped = import_questions("flashrag", file).skipped
    assert [one.place.rpartition(": ")[2] for one in skipped] == ["line 2", "line 3"]
    assert "not JSON" in skipped[0].reason


def test_a_line_separator_within_a_text_tears_no_record(tmp_path: Path):
    file = flashrag(tmp_path, "x")
    file.write_text(file.read_text().replace("Who?", "Who\u2028or\u0085what?"), encoding="utf-8")
    assert [one.question for one in import_questions("flashrag", file).questions] == [
        "Who\u2028or\u0085what?"
    ]


def test_a_file_without_a_good_record_is_refused_with_the_first_reason(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match=r"2 skipped.*set\.jsonl: line 1: field 'golden"):
        import_questions("flashrag", flashrag(tmp_path, None, None))


def test_a_file_without_records_is_refused(tmp_path: Path):
    with pytest.raises(UnreadableQuestions, match="holds no flashrag question"):
        import_questions("flashrag", flashrag(tmp_path))


def test_an_id_that_comes_twice_is_skipped(tmp_path: Path):
    imported = import_questions("flashrag", flashrag(tmp_path, "x", "y", id="q"))
    assert len(imported.questions) == 1
    assert "the id 'q' came before" in imported.skipped[0].reason


def test_a_sample_is_drawn_by_its_seed_in_the_order_of_the_file(tmp_path: Path):
    file = flashrag(tmp_path, *"abcdefghij")
    drawn = ids(file, limit=4, seed=1)
    assert len(drawn) == 4
    assert drawn == sorted(drawn) == ids(file, limit=4, seed=1)
    assert drawn != ids(file, limit=4, seed=2)
    assert len(ids(file, limit=99)) == 10


def test_questions_of_some_sources_are_kept(tmp_path: Path):
    file = flashrag(tmp_path, *"abcd")
    assert ids(file, sources=["B"]) == ["q1", "q3"]
    assert ids(file, sources=["B"], limit=1, seed=0)[0] in ("q1", "q3")


def test_a_source_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path):
    with pytest.raises(UnusableOption, match="no question has the source 'C'; there are A, B"):
        ids(flashrag(tmp_path, *"ab"), sources=["A", "C"])


@pytest.mark.parametrize("prefix", ["wiki", "wiki/"])
def test_a_prefix_stands_before_documents_but_not_sources(tmp_path: Path, prefix: str):
    (question,) = import_questions(
        "flashrag", flashrag(tmp_path, "x"), document_prefix=prefix
    ).questions
    assert ([one.document for one in question.evidence], question.source) == (["wiki/A"], "A")


def test_a_question_without_a_document_is_its_own_source(tmp_path: Path):
    (question,) = import_questions("flashrag", flashrag(tmp_path, "x", metadata=None)).questions
    assert question.source == "q0"


def test_an_option_of_another_format_is_refused(tmp_path: Path):
    with pytest.raises(UnusableOption, match="'flashrag' has no option 'split'; it takes none"):
        ids(flashrag(tmp_path, "x"), split="dev")
    with pytest.raises(UnusableOption, match="'beir' has no option 'quote'; it takes split"):
        import_questions("beir", tmp_path, quote="sentence")


def test_an_unknown_format_is_refused_with_those_that_are(tmp_path: Path):
    with pytest.raises(UnusableOption, match=f"'trec'; there are auto, {', '.join(FORMATS)}"):
        import_questions("trec", tmp_path)


def test_a_limit_below_one_is_refused(tmp_path: Path):
    with pytest.raises(UnusableOption, match="found 0"):
        ids(flashrag(tmp_path, "x"), limit=0)


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_path_is_refused_by_name(tmp_path: Path, name: str):
    with pytest.raises(UnreadableQuestions, match="nowhere"):
        import_questions(name, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (SQUAD, "squad"),
        (json.dumps({"A": [{"data": [{"text": "Hi"}]}]}), "snips"),
        (json.dumps({"golden_answers": ["x"]}), "flashrag"),
        ('{"user_input": "Who?"}\n{"user_input": "Why?"}\n', "ragas"),
        (json.dumps([{"user_input": "Who?"}], indent=1), "ragas"),
        ("user_input,reference\nWho?,Vance\n", "ragas"),
        ("Filename,Law,Law-Answer\na.pdf,[],No\n", "cuad"),
        ("\ufeffQuestion;Answer\nWho?;Vance\n", "table"),
    ],
)
def test_a_format_is_known_by_what_a_file_holds(tmp_path: Path, text: str, format: str):
    (tmp_path / "file").write_text(text, encoding="utf-8")
    assert detect(tmp_path / "file") == format


def test_folders_are_known_by_what_they_hold(tmp_path: Path):
    (tmp_path / "beir").mkdir()
    (tmp_path / "beir" / "queries.jsonl").touch()
    (tmp_path / "snips" / "A").mkdir(parents=True)
    (tmp_path / "snips" / "A" / "train_A.json").touch()
    assert [detect(tmp_path / name) for name in ("beir", "snips")] == ["beir", "snips"]
    with pytest.raises(UnreadableQuestions, match="neither a BEIR folder"):
        detect(tmp_path)


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"data": []}', "a,b\n1,2\n", '{"x": 1}\n', "{", "\x00"]
)
def test_a_file_of_no_known_format_is_refused_by_name(tmp_path: Path, text: str):
    (tmp_path / "odd").write_text(text)
    with pytest.raises(UnreadableQuestions, match=r"odd: holds no format that is known"):
        detect(tmp_path / "odd")


def test_a_question_file_is_known_for_what_it_is(tmp_path: Path):
    (tmp_path / "q.jsonl").write_text('{"id": "a", "answers": [], "answerable": false}\n')
    with pytest.raises(UnreadableQuestions, match="is a question file already"):
        detect(tmp_path / "q.jsonl")
