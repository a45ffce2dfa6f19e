import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eval.questions import Evidence, Question, UnreadableQuestions, read_questions, write_questions

LINE: dict[str, Any] = {
    "id": "q-1",
    "question": "How long is the tank?",
    "answers": ["62 metres", "62 m"],
    "answerable": True,
    "evidence": [
        {"document": "tank.md", "section": "Tank > Size", "quote": "It is 62 metres long."},
        {"document": "tank.pdf", "page": 1},
    ],
    "source": "tank.md",
    "asked_at": "2026-05-31",
    "labels": {"ann": "62 metres", "bo": "62"},
}
WHOLE = Question(
    id="q-1",
    question="How long is the tank?",
    answers=("62 metres", "62 m"),
    evidence=(
        Evidence("tank.md", "It is 62 metres long.", section="Tank > Size"),
        Evidence("tank.pdf", page=1),
    ),
    source="tank.md",
    asked_at=date(2026, 5, 31),
    labels={"ann": "62 metres", "bo": "62"},
)
SHORT: dict[str, Any] = {"id": "q-9", "question": "Who?", "answers": ["Ida"]}


def write(folder: Path, *lines: dict[str, Any] | str | bytes) -> Path:
    file = folder / "test.jsonl"
    raw = [
        line if isinstance(line, bytes) else _text(line).encode(errors="surrogatepass")
        for line in lines
    ]
    file.write_bytes(b"".join(one + b"\n" for one in raw))
    return file


def _text(line: dict[str, Any] | str) -> str:
    return line if isinstance(line, str) else json.dumps(line)


def refusal(folder: Path, *lines: dict[str, Any] | str | bytes) -> str:
    """What is said of a file, without the file's name, which stands before it."""
    file = write(folder, *lines)
    with pytest.raises(UnreadableQuestions) as caught:
        read_questions(file)
    said = str(caught.value)
    assert said.startswith(f"{file}: ")
    return said.removeprefix(f"{file}: ")


def test_every_field_of_a_line_is_read(tmp_path: Path):
    assert read_questions(write(tmp_path, LINE)) == [WHOLE]


def test_a_line_needs_only_id_question_and_answers(tmp_path: Path):
    assert read_questions(write(tmp_path, SHORT)) == [Question("q-9", "Who?", ("Ida",))]


def test_an_unanswerable_question_has_no_answers(tmp_path: Path):
    line: dict[str, Any] = {"id": "q-2", "question": "Why?", "answerable": False, "answers": []}
    assert read_questions(write(tmp_path, line)) == [Question("q-2", "Why?", answerable=False)]


def test_the_order_of_the_file_is_kept_and_empty_lines_are_skipped(tmp_path: Path):
    file = write(tmp_path, SHORT, "", "  ", SHORT | {"id": "a"})
    assert [question.id for question in read_questions(file)] == ["q-9", "a"]


@pytest.mark.parametrize(
    "question",
    [
        WHOLE,
        Question("q-2", "Why?", answerable=False),
        Question("ü", "Two\nlines\u2028and\x85more\x0c?", ("5 €",), source="rule:deny"),
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, question: Question):
    file = tmp_path / "new" / "test.jsonl"
    assert write_questions(file, [question, Question("z", "Who?", ("Ida",))]) == 2
    assert read_questions(file)[0] == question


def test_a_written_line_leaves_out_what_has_no_value(tmp_path: Path):
    write_questions(tmp_path / "test.jsonl", [Question("q", "Who?", ("Ida",))])
    line = json.loads((tmp_path / "test.jsonl").read_text())
    assert set(line) == {"id", "question", "answers", "answerable", "evidence", "source"}


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path):
    file = write(tmp_path, b"\xef\xbb\xbf" + json.dumps(SHORT).encode())
    assert read_questions(file)[0].id == "q-9"


def test_a_date_may_come_with_a_time(tmp_path: Path):
    file = write(tmp_path, SHORT | {"asked_at": "2026-05-31T23:30:00Z"})
    assert read_questions(file)[0].asked_at == date(2026, 5, 31)


def test_an_id_that_comes_twice_is_told_with_both_lines(tmp_path: Path):
    said = refusal(tmp_path, SHORT, "", LINE, SHORT)
    assert said.startswith("line 4: field 'id': 'q-9' stands in line 1 already")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"anwsers": ["x"]}, "unknown field 'anwsers'; known are id, question, answers,"),
        ({"id": None}, "field 'id' is missing or empty"),
        ({"id": "  "}, "field 'id' is missing or empty"),
        ({"id": 7}, "field 'id': a text is wanted, found 7"),
        ({"question": None}, "field 'question' is missing or empty"),
        ({"question": ["Who?"]}, "field 'question': a text is wanted, found ['Who?']"),
        ({"question": float("nan")}, "field 'question': a text is wanted, found nan"),
        ({"answers": "Ida"}, "field 'answers': a list is wanted, found 'Ida'"),
        ({"answers": ["Ida", 7]}, "field 'answers': texts that are not empty are wanted, found 7"),
        ({"answers": [" "]}, "field 'answers': texts that are not empty are wanted, found ' '"),
        ({"answers": []}, "field 'answers': [] though 'answerable' is true"),
        ({"answers": None}, "field 'answers': [] though 'answerable' is true"),
        ({"answerable": False}, "field 'answers': ['Ida'] though 'answerable' is false"),
        ({"answerable": 1}, "field 'answerable': true or false is wanted, found 1"),
        ({"answerable": "false"}, "field 'answerable': true or false is wanted, found 'false'"),
        ({"evidence": {}}, "field 'evidence': a list is wanted, found {}"),
        ({"source": 3}, "field 'source': a text is wanted, found 3"),
        ({"labels": ["Ida"]}, "field 'labels': an object is wanted, found ['Ida']"),
        ({"labels": {"ann": None}}, "field 'labels': a text for each annotator is wanted, found"),
        ({"asked_at": 2026}, "field 'asked_at': a text is wanted, found 2026"),
        ({"asked_at": "31 May"}, "field 'asked_at': a date like 2026-05-31 is wanted"),
        ({"asked_at": "2026-02-30"}, "field 'asked_at': a date like 2026-05-31 is wanted"),
        ({"asked_at": "2026-05-31 or so"}, "field 'asked_at': a date like 2026-05-31 is wanted"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, change: dict[str, Any], words: str):
    line = {name: value for name, value in (SHORT | change).items() if value is not None}
    for given in (line, SHORT | change):
        assert refusal(tmp_path, LINE, given).startswith(f"line 2: {words}")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("tank.md", ": an object is wanted, found 'tank.md'"),
        ({"quote": "It is."}, ": field 'document' is missing or empty"),
        ({"document": 3}, ": field 'document': a text is wanted, found 3"),
        ({"document": "a", "url": "b"}, ": unknown field 'url'; known are document, page,"),
        ({"document": "a", "quote": 1}, ": field 'quote': a text is wanted, found 1"),
        ({"document": "a", "section": 1}, ": field 'section': a text is wanted, found 1"),
        ({"document": "a", "page": 0}, ": field 'page': a number that counts from 1 is wanted"),
        ({"document": "a", "page": "3"}, ": field 'page': a number that counts from 1 is wanted"),
        ({"document": "a", "page": True}, ": field 'page': a number that counts from 1 is wanted"),
        ({"document": "a", "page": 2.0}, ": field 'page': a number that counts from 1 is wanted"),
        ({"document": "a", "page": float("nan")}, ": field 'page': a number that counts from 1"),
    ],
)
def test_a_wrong_piece_of_evidence_is_named_with_its_place(tmp_path: Path, item: Any, words: str):
    said = refusal(tmp_path, SHORT | {"evidence": [{"document": "a"}, item]})
    assert said.startswith(f"line 1: field 'evidence[1]'{words}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "q-1"', "not JSON ("),
        ("q-1, Who?", "not JSON ("),
        ("[" * 100_000, "not JSON ("),
        ('["q-1"]', 'an object is wanted, found ["q-1"]'),
        ("null", "an object is wanted, found null"),
        (r'{"id": "q-1", "question": "\ud83d?"}', r"half a surrogate pair ('\ud83d')"),
    ],
)
def test_a_line_that_is_no_object_in_json_is_refused(tmp_path: Path, line: str, words: str):
    assert refusal(tmp_path, SHORT, line).startswith(f"line 2: {words}")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path):
    assert refusal(tmp_path, "Größe".encode("latin-1")).startswith("cannot be read (")


def test_a_file_without_a_question_is_refused(tmp_path: Path):
    assert refusal(tmp_path, "", "") == "holds no question"


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str):
    with pytest.raises(UnreadableQuestions, match="cannot be read"):
        read_questions(tmp_path / name)
