"""The guards over an index, and over the tasks of the demo company."""

from pathlib import Path

import pytest

from eval.findings import refuse
from eval.guards import audit, corpus_files, corpus_texts
from eval.questions import read_questions
from eval.task import read_task
from tests.corpora import reader, run, write

TASKS = Path(__file__).parents[1] / "corpus" / "tasks"
FILES = sorted(TASKS.glob("*/task.yaml"))


def test_texts_and_files_are_those_of_the_index(tmp_path: Path):
    one = write(tmp_path / "one", {"a.md": "# A\n\nFour stones.", "b.md": "# B\n\nFive stones."})
    two = write(tmp_path / "two", {"a.md": "# A\n\nSix stones."})
    run(tmp_path / "index", one, two)
    with reader(tmp_path / "index").snapshot() as snapshot:
        texts, files = corpus_texts(snapshot), corpus_files(snapshot)
    assert "Five stones." in texts["b.md"] and "Six" not in texts["b.md"]
    assert "Four stones." in texts["a.md"] and "Six stones." in texts["a.md"]
    assert sorted(files["a.md"]) == [one / "a.md", two / "a.md"]


@pytest.mark.parametrize("file", FILES, ids=[file.parent.name for file in FILES])
def test_the_tasks_of_the_demo_company_pass(file: Path, tmp_path: Path):
    task = read_task(file)
    train, dev, test = (read_questions(task.questions[one]) for one in ("train", "dev", "test"))
    run(tmp_path / "index", *task.corpus)
    with reader(tmp_path / "index").snapshot() as snapshot:
        documents, files = corpus_texts(snapshot), corpus_files(snapshot)
    prompts = [(question.id, question.question) for question in test]
    findings = refuse(audit(task, train, dev, test, documents, prompts, files=files))
    assert [one.name for one in findings if not one.passed] == list(task.waive)


def test_there_are_tasks_to_check():
    assert "facts" in [file.parent.name for file in FILES]
