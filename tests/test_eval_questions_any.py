"""Question files of any content: read, or refused by file and line, never with another error."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.questions import Question, UnreadableQuestions, read_questions, write_questions

LEAVES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["id", "question", "answers", "answerable", "evidence", "source", "asked_at", "labels", "x"]
)
EVIDENCE = st.fixed_dictionaries(
    {}, optional={name: VALUES for name in ("document", "page", "section", "quote", "x")}
)
SOUND: dict[str, Any] = {"id": "q", "question": "Who?", "answers": ["Ida"]}
LINES = st.one_of(
    VALUES,
    st.dictionaries(NAMES, VALUES),
    st.dictionaries(NAMES, VALUES).map(lambda odd: SOUND | odd),
    st.lists(EVIDENCE, max_size=2).map(lambda evidence: SOUND | {"evidence": evidence}),
    st.dates().map(lambda day: SOUND | {"asked_at": f"{day}"}),
)


def read(content: bytes) -> list[Question]:
    """What is in a file; nothing where it is refused, which names it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "test.jsonl"
        file.write_bytes(content)
        try:
            return read_questions(file)
        except UnreadableQuestions as error:
            assert str(error).startswith(f"{file}: ")
            return []


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    read(content)
    read(json.dumps(SOUND).encode() + b"\n" + content)


@given(st.lists(LINES, min_size=1, max_size=3), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_values_are_read_or_refused(lines: list[Any], escaped: bool) -> None:
    text = "\n".join(json.dumps(line, ensure_ascii=escaped) for line in lines)
    for question in read(text.encode(errors="surrogatepass")):
        json.dumps(question.as_dict(), ensure_ascii=False).encode()


@given(st.lists(LINES, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_what_was_read_is_read_again_as_it_was_written(lines: list[Any]) -> None:
    questions = read("\n".join(map(json.dumps, lines)).encode())
    if not questions:
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "again.jsonl"
        assert write_questions(file, questions) == len(questions)
        assert read_questions(file) == questions


@pytest.mark.parametrize("depth", [*range(100, 1000, 25), 5_000, 100_000])
@pytest.mark.parametrize("field", ["answers", "labels", "x", "id", "asked_at"])
def test_values_nested_to_any_depth_are_refused(depth: int, field: str) -> None:
    for opened, closed in (("[", "]"), ('{"a":', "1}")):
        nested = opened * depth + closed[0] * (closed == "]") + closed * (depth - (closed == "]"))
        assert read(f'{{"id": "q", "question": "Who?", "{field}": {nested}}}'.encode()) == []
