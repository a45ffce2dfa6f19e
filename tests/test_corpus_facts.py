"""The tasks facts and facts-exposed of the demo company: what their files promise."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from eval.duplicates import same
from eval.findings import refuse
from eval.grade import contains
from eval.guards import audit
from eval.questions import Evidence, Question, read_questions
from eval.task import Task, read_task
from ingest.derive import terms
from ingest.documents import Document
from ingest.plan import Known, make_plan
from ingest.readers import read

TASKS = Path(__file__).parents[1] / "corpus" / "tasks"
FACTS, EXPOSED = (read_task(TASKS / name / "task.yaml") for name in ("facts", "facts-exposed"))
SPLITS = {name: read_questions(file) for name, file in FACTS.questions.items()}
SHOWN = read_questions(EXPOSED.questions["train"])
"""What the adapter of facts-exposed trains on."""

GENERATED = SHOWN[len(SPLITS["train"]) :]
ALL = [question for split in SPLITS.values() for question in split]


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    """Path → document, as an index would have them."""
    found: dict[str, Document] = {}
    for root in FACTS.corpus:
        for path in make_plan(root, "", root / "no-index", Known({})).read:
            for item in read(root / path, path):
                assert isinstance(item, Document), item
                found[item.path] = item
    return found


def squeezed(text: str) -> str:
    return " ".join(text.split())


def unanswerable(questions: list[Question]) -> float:
    return sum(not question.answerable for question in questions) / len(questions)


def evidence(questions: list[Question]) -> list[tuple[str, Evidence]]:
    return [(question.id, item) for question in questions for item in question.evidence]


def page_texts(document: Document) -> list[str]:
    starts = [*(page.start for page in document.pages), len(document.text)]
    return [document.text[a:b] for a, b in zip(starts, starts[1:], strict=False)]


def shared_words(question: Question) -> float:
    """The share of the question's terms that its evidence has too."""
    asked = set(terms(question.question))
    return len(asked & set(terms(" ".join(item.quote for item in question.evidence)))) / len(asked)


def test_there_are_enough_questions():
    assert len(ALL) >= 800
    assert len(SPLITS["test"]) >= 300
    assert len({question.id for question in ALL}) == len(ALL)


@pytest.mark.parametrize("name", [*SPLITS, "shown"])
def test_a_fifth_of_the_questions_has_no_answer(name: str):
    assert unanswerable(SHOWN if name == "shown" else SPLITS[name]) == pytest.approx(0.2, abs=0.02)


def test_no_document_serves_two_splits():
    sources = [
        {question.source for question in split} | {item.document for _, item in evidence(split)}
        for split in SPLITS.values()
    ]
    assert sum(map(len, sources)) == len(set[str]().union(*sources))


def test_every_document_is_asked_about(documents: dict[str, Document]):
    assert {question.source for question in ALL} == set(documents)


def test_every_quote_stands_in_its_document_on_its_page(documents: dict[str, Document]):
    wrong: list[str] = []
    for name, item in evidence([*ALL, *GENERATED]):
        document = documents[item.document]
        places = [document.text]
        if item.page is not None:
            places = page_texts(document)[item.page - 1 : item.page + 1]
        if not item.quote or squeezed(item.quote) not in squeezed(" ".join(places)):
            wrong.append(f"{name}: {item.quote}")
    assert wrong == []


def test_every_section_is_a_heading_of_its_document(documents: dict[str, Document]):
    headings = {
        path: {document.title}.union(*(section.path for section in document.sections))
        for path, document in documents.items()
    }
    wrong = [
        (name, item.section)
        for name, item in evidence([*ALL, *GENERATED])
        if item.section and not set(item.section.split(" > ")) <= headings[item.document]
    ]
    assert wrong == []


def test_a_quote_of_every_answerable_question_holds_a_gold_answer():
    wrong = [
        question.id
        for question in [*ALL, *GENERATED]
        if question.answerable
        and not any(contains(item.quote, question.answers) for item in question.evidence)
    ]
    assert wrong == []


def test_questions_share_few_words_with_their_evidence():
    for name, split in SPLITS.items():
        shares = [shared_words(question) for question in split if question.answerable]
        assert sum(shares) / len(shares) <= 0.2, name


def test_no_question_tells_its_answer():
    asked = [question for question in [*ALL, *GENERATED] if question.answerable]
    assert [one.id for one in asked if contains(one.question, one.answers)] == []


def test_training_was_asked_before_dev_and_dev_before_test():
    days = {
        name: sorted(question.asked_at for question in split if question.asked_at)
        for name, split in (SPLITS | {"shown": SHOWN}).items()
    }
    assert [len(days[name]) for name in SPLITS] == [len(split) for split in SPLITS.values()]
    assert max(days["train"][-1], days["shown"][-1]) < days["dev"][0]
    assert days["dev"][-1] < days["test"][0]


@pytest.mark.parametrize("task", [FACTS, EXPOSED], ids=["facts", "facts-exposed"])
def test_the_guards_pass_but_for_what_the_task_waives(task: Task, documents: dict[str, Document]):
    train, dev, test = (read_questions(task.questions[name]) for name in SPLITS)
    texts = {path: document.text for path, document in documents.items()}
    prompts = [(question.id, question.question) for question in test]
    findings = refuse(audit(task, train, dev, test, texts, prompts))
    assert [one.name for one in findings if not one.passed] == list(task.waive)


def test_the_exposed_task_asks_the_same_and_shows_all_documents():
    assert EXPOSED.questions["test"] == FACTS.questions["test"]
    assert EXPOSED.questions["dev"] == FACTS.questions["dev"]
    assert EXPOSED.waive == ("source-documents",)
    assert EXPOSED.training.documents


def test_the_exposed_adapter_is_asked_about_every_held_out_document():
    asked = Counter(question.source for question in GENERATED if question.answerable)
    for name, least in (("test", 10), ("dev", 8)):
        few = {one.source for one in SPLITS[name] if asked[one.source] < least}
        assert few == set(), name


def test_the_exposed_adapter_is_asked_for_most_answers_of_the_test():
    asked = [question for question in SPLITS["test"] if question.answerable]
    told = sum(
        any(
            one.answerable
            and one.source == question.source
            and contains(one.answers[0], question.answers)
            for one in GENERATED
        )
        for question in asked
    )
    assert told / len(asked) >= 0.7


def test_the_exposed_adapter_sees_no_question_of_test_or_dev():
    held_out = {one.id: one.question for one in [*SPLITS["test"], *SPLITS["dev"]]}
    assert same(held_out, {one.id: one.question for one in SHOWN}) == []


def test_the_exposed_training_file_is_what_its_builder_writes(tmp_path: Path):
    builder, file = EXPOSED.file.parent / "build.py", tmp_path / "train.jsonl"
    subprocess.run([sys.executable, builder, file], check=True, capture_output=True)
    assert file.read_bytes() == EXPOSED.questions["train"].read_bytes()
