import errno
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eval.cli_data import mount
from eval.imports.formats import import_questions
from eval.questions import read_questions
from service import feedback
from service.app import create_app
from service.feedback import FeedbackUnkept, append
from service.loading import Loading
from service.settings import ServiceSettings

QUESTION = "How many litres does the Orlo pump move in a minute?"
CITED = {
    "n": 1,
    "document": "manual.pdf",
    "document_id": 1,
    "title": "Orlo pump manual",
    "page": 2,
    "section": "",
    "chunk_id": 2,
    "quote": "The Orlo pump moves 430 litres in a minute.",
    "start": 71,
    "end": 114,
    "score": 0.9,
}
OTHER = {**CITED, "n": 2, "document": "other.md", "page": None, "quote": "It needs no priming."}
RIGHT = {
    "question": QUESTION,
    "answer": "The Orlo pump moves 430 litres. [1]",
    "right": True,
    "citations": [CITED, OTHER],
}
UNKNOWN = "I don't know: the documents do not seem to answer this."


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def client(index: Path) -> Generator[TestClient]:
    with TestClient(create_app(Loading(ServiceSettings(index=index)))) as client:
        yield client


def sent(client: TestClient, **changes: Any) -> dict[str, Any]:
    response = client.post("/v1/feedback", json={**RIGHT, **changes})
    assert response.status_code == 201, response.text
    return response.json()


def imported(index: Path) -> Any:
    return import_questions("auto", index / "feedback.jsonl")


def test_an_answer_marked_right_becomes_a_question_with_it_as_gold(client: TestClient, index: Path):
    kept = sent(client)
    (question,) = imported(index).questions
    assert (question.id, kept["usable"]) == (kept["id"], True)
    assert question.question == QUESTION
    assert question.answers == ("The Orlo pump moves 430 litres.",)
    assert [(one.document, one.quote) for one in question.evidence] == [
        ("manual.pdf", CITED["quote"])
    ]
    assert question.source == "manual.pdf"


def test_a_wrong_answer_with_the_right_one_becomes_a_question_with_that(
    client: TestClient, index: Path
):
    kept = sent(client, answer="It moves 12 litres. [2]", right=False, right_answer=" 430  LITRES ")
    (question,) = imported(index).questions
    assert kept["usable"]
    assert question.answers == ("430  LITRES",)
    assert [one.document for one in question.evidence] == ["manual.pdf"]


@pytest.mark.parametrize(
    ("changes", "answerable"),
    [
        ({"right": False}, None),
        ({"right": False, "right_answer": "  "}, None),
        ({"answer": UNKNOWN}, False),
        ({"right": False, "right_answer": "I don't know."}, False),
        ({"answer": "[1]"}, None),
    ],
)
def test_where_nobody_said_what_is_right_it_is_kept_and_becomes_no_question(
    client: TestClient, index: Path, changes: dict[str, Any], answerable: bool | None
):
    left_out = sent(client, **changes)
    sent(client)
    found = imported(index)
    assert not left_out["usable"]
    assert [one.answers[0] for one in found.questions] == ["The Orlo pump moves 430 litres."]
    assert [one.place for one in found.skipped] == [f"{index / 'feedback.jsonl'}: line 1"]
    first = json.loads((index / "feedback.jsonl").read_text().split("\n")[0])
    assert first["answerable"] is answerable
    assert first["answer"] == {**RIGHT, **changes}["answer"]


def test_the_command_reads_the_file_and_the_evaluation_its_output(
    client: TestClient, index: Path, tmp_path: Path
):
    sent(client)
    sent(client, question="Wie heißt die\u2028Pumpe 🚰?", right=False, right_answer="Orlo 🚰\n2")
    app, out = typer.Typer(), tmp_path / "questions.jsonl"
    mount(app)
    done = CliRunner().invoke(app, ["import", str(index / "feedback.jsonl"), str(out)])
    assert done.exit_code == 0, done.output
    assert [one.answers for one in read_questions(out)] == [
        ("The Orlo pump moves 430 litres.",),
        ("Orlo 🚰\n2",),
    ]


def test_a_line_says_who_sent_it_and_what_was_cited(client: TestClient, index: Path):
    sent(client)
    line = json.loads((index / "feedback.jsonl").read_text())
    assert line["by"] == "anonymous"
    assert line["at"].endswith("+00:00")
    assert line["citations"][0] == {
        name: CITED[name] for name in ("n", "document", "page", "section", "quote")
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"question": " "}, "question"),
        ({"answer": ""}, "answer"),
        ({"answer": "x" * 20_001}, "answer"),
        ({"right": "maybe"}, "right"),
        ({"right_answer": "x" * 2001}, "right_answer"),
        ({"citations": [CITED] * 21}, "citations"),
        ({"citations": [{"n": 1}]}, "citations.0.document"),
        ({"rating": 5}, "rating"),
    ],
)
def test_what_is_not_feedback_is_refused_by_field_and_not_kept(
    client: TestClient, index: Path, changes: dict[str, Any], field: str
):
    response = client.post("/v1/feedback", json={**RIGHT, **changes})
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["errors"]] == [field]
    assert not (index / "feedback.jsonl").exists()


def test_half_a_character_is_refused(client: TestClient, index: Path):
    body = json.dumps({**RIGHT, "question": "\ud83d?"})
    assert client.post("/v1/feedback", content=body).status_code == 422
    assert not (index / "feedback.jsonl").exists()


def test_a_full_file_takes_no_more_and_says_so(
    client: TestClient, index: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feedback, "MAX_BYTES", 3000)
    statuses = {client.post("/v1/feedback", json=RIGHT).status_code for _ in range(6)}
    assert statuses == {201, 507}
    assert (index / "feedback.jsonl").stat().st_size <= 3000
    assert not imported(index).skipped


def test_a_folder_that_cannot_be_written_is_named(client: TestClient, index: Path):
    (index / "feedback.jsonl").mkdir()
    response = client.post("/v1/feedback", json=RIGHT)
    assert response.status_code == 503
    assert "feedback.jsonl" in response.json()["detail"]


def test_a_line_that_a_power_cut_tore_spoils_only_itself(index: Path):
    file = index / "feedback.jsonl"
    file.write_text('{"id": "torn", "question": "Wh')
    append(file, {"id": "a", "question": "Q?", "golden_answers": ["A"]})
    found = imported(index)
    assert [one.id for one in found.questions] == ["a"]
    assert len(found.skipped) == 1


def test_a_disk_that_fills_up_leaves_no_part_of_a_line(
    index: Path, monkeypatch: pytest.MonkeyPatch
):
    file = index / "feedback.jsonl"
    append(file, {"id": "a"})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(feedback.os, "fsync", full)
    with pytest.raises(FeedbackUnkept, match="No space left"):
        append(file, {"id": "b"})
    assert file.read_text() == '{"id": "a"}\n'


WRITER = """
import sys
from pathlib import Path
from service.feedback import append
for number in range(40):
    append(Path(sys.argv[1]), {"id": f"{sys.argv[2]}-{number}", "text": "x" * 70_000})
"""


def test_two_processes_lose_nothing_to_each_other(index: Path):
    file = index / "feedback.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(file), name]) for name in ("a", "b")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    ids = [json.loads(line)["id"] for line in file.read_text().splitlines()]
    assert sorted(ids) == sorted(f"{name}-{number}" for name in ("a", "b") for number in range(40))
