"""Each guard, with its fault planted: `refuse` stops the run and names the record."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from eval.findings import Finding, GuardBroken, UnknownGuard, refuse
from eval.guards import audit, closed_book, dates, leaks
from eval.questions import Evidence, Question
from eval.task import GUARDS, Task, Training

DOCUMENTS = {
    f"{name}.md": f"# About {name}\n\nThe {name} weighs\n{weight} stones in all its years."
    for name, weight in (("heron", 41), ("tarn", 52), ("eddy", 63), ("boom", 74))
}
TASK = Task(
    file=Path("/proof/facts/task.yaml"),
    name="facts",
    kind="knowledge",
    corpus=(Path("/proof/wiki"),),
    questions={split: Path(f"/proof/facts/{split}.jsonl") for split in ("train", "dev", "test")},
    grader="contains",
    target=0.8,
    margin=0.05,
    arms=("closed-book", "rag", "adapter"),
    seeds=(1, 2, 3),
)


def ask(name: str, bird: str, weight: int | None, day: int, wording: str = "") -> Question:
    quote = f"The {bird}  weighs {weight} stones"
    return Question(
        id=name,
        question=wording or f"How heavy is one {bird}, put on the scales of {name}?",
        answers=(f"{weight} stones",) if weight else (),
        answerable=bool(weight),
        evidence=(Evidence(f"{bird}.md", quote),) if weight else (),
        source=f"{bird}.md",
        asked_at=date(2026, 5, day),
    )


TRAIN = (ask("train-1", "heron", 41, 1), ask("train-2", "heron", 41, 2))
DEV = (ask("dev-1", "tarn", 52, 3),)
TEST = (
    ask("test-1", "eddy", 63, 4),
    ask("test-2", "eddy", None, 5, "Which colour did somebody paint the eddy?"),
    ask("test-3", "boom", 74, 6, "What would a crane have to lift when a boom goes aboard?"),
    ask("test-4", "boom", None, 7, "Who was the first to own any boom?"),
)


class Given:
    """What `audit` is given; a test changes a part of it."""

    def __init__(self) -> None:
        self.task = TASK
        self.train, self.dev, self.test = list(TRAIN), list(DEV), list(TEST)
        self.documents = dict(DOCUMENTS)
        self.prompts = [(one.id, f"Answer shortly.\n{one.question}") for one in TEST]
        self.texts: dict[str, str] = {}
        self.files: dict[str, list[Path]] = {}

    def change(self, at: int, **fields: object) -> None:
        """Change a test question."""
        self.test[at] = replace(self.test[at], **fields)

    def audit(self) -> list[Finding]:
        return audit(
            self.task,
            self.train,
            self.dev,
            self.test,
            self.documents,
            self.prompts,
            self.texts,
            self.files,
        )


def test_where_nothing_is_wrong_all_guards_pass():
    findings = refuse(Given().audit())
    assert [one.name for one in findings] == list(GUARDS)
    assert [one.records for one in findings] == [()] * len(GUARDS)
    assert all(one.passed and not one.waived for one in findings)


def missing_document(given: Given) -> None:
    del given.documents["boom.md"]


def missing_quote(given: Given) -> None:
    given.change(2, evidence=(Evidence("boom.md", "The boom weighs 70 stones"),))


def missing_gold(given: Given) -> None:
    given.change(2, answers=("eighty stones",))


def missing_everywhere(given: Given) -> None:
    given.change(2, answers=("74 barrels",), evidence=())


def in_train(given: Given) -> None:
    given.train.append(replace(TRAIN[0], id="train-9", question=TEST[1].question.upper()))


def almost_in_train(given: Given) -> None:
    wording = "Say, which colour did somebody paint the eddy?"
    given.train.append(replace(TRAIN[0], id="train-9", question=wording))


def in_dev(given: Given) -> None:
    given.dev.append(replace(DEV[0], id="dev-9", question=TEST[1].question))


def in_a_training_text(given: Given) -> None:
    given.texts["heron.md"] = f"# Asked\n\n{TEST[1].question} In grey. And so on, for long."


def a_training_text(given: Given) -> None:
    given.texts["made-7"] = f"please: {TEST[1].question}"


def in_a_document_trained_on(given: Given) -> None:
    given.task = replace(TASK, training=Training(documents=True), waive=("source-documents",))
    given.documents["heron.md"] += f" {TEST[1].question} In grey."


def source_in_train(given: Given) -> None:
    given.train.append(replace(TRAIN[0], id="train-9", source="eddy.md"))


def source_in_dev(given: Given) -> None:
    given.dev.append(replace(DEV[0], id="dev-9", source="eddy.md"))


def evidence_in_train(given: Given) -> None:
    given.train.append(replace(TRAIN[0], id="train-9", evidence=TEST[0].evidence))


def source_as_a_training_text(given: Given) -> None:
    given.texts["eddy.md"] = DOCUMENTS["eddy.md"]


def no_source(given: Given) -> None:
    given.change(1, source="")


def too_early(given: Given) -> None:
    given.change(1, asked_at=date(2026, 5, 1))


def gold_in_prompt(given: Given) -> None:
    given.prompts[0] = ("test-1", f"Some weigh 63 stones. {TEST[0].question}")


def gold_in_question(given: Given) -> None:
    given.change(0, question="Does one eddy weigh 63 stones on our scales?")


def no_prompt(given: Given) -> None:
    del given.prompts[0]


def prompt_of_another(given: Given) -> None:
    given.prompts.append(("test-99", "How heavy is it?"))


def a_document_of_questions(given: Given) -> None:
    given.documents["old.txt"] = "\n".join(f'{{"q": "{one.question}"}}' for one in TEST[1:])


def a_question_file(given: Given) -> None:
    given.documents["facts/dev.jsonl"] = "{}"
    given.files["facts/dev.jsonl"] = [TASK.questions["dev"]]


def beside_the_task(given: Given) -> None:
    given.documents["facts/notes.md"] = "Notes."
    given.files["facts/notes.md"] = [TASK.file.parent / "notes.md"]


def below_tasks(given: Given) -> None:
    given.task = replace(TASK, file=Path("/proof/tasks/facts/task.yaml"), corpus=(Path("/proof"),))
    given.documents["tasks/ledger/all.md"] = "All facts."


def tasks_as_the_corpus(given: Given) -> None:
    tasks = Path("/proof/tasks")
    given.task = replace(TASK, file=tasks / "facts" / "task.yaml", corpus=(tasks,))
    given.documents = {"boom.md": DOCUMENTS["boom.md"], "eddy.md": DOCUMENTS["eddy.md"]}


FAULTS: dict[Callable[[Given], None], tuple[str, str]] = {
    missing_document: ("gold-in-corpus", "test-3: document 'boom.md' is not in the index"),
    missing_quote: ("gold-in-corpus", "test-3: quote 'The boom weighs 70 stones' does not stand"),
    missing_gold: ("gold-in-corpus", "test-3: none of ['eighty stones'] stands in 'boom.md'"),
    missing_everywhere: ("gold-in-corpus", "test-3: no evidence is given, and none of"),
    in_train: ("leaks", "test-2: the same as train question train-9"),
    almost_in_train: ("leaks", "test-2: alike by 0.8"),
    in_dev: ("leaks", "test-2: the same as dev question dev-9"),
    in_a_training_text: ("leaks", "test-2: stands in training text heron.md"),
    a_training_text: ("leaks", "test-2: alike by 0.8"),
    in_a_document_trained_on: ("leaks", "test-2: stands in training text heron.md"),
    source_in_train: ("source-documents", "eddy.md: of test-1, test-2 in test and of train-9"),
    source_in_dev: ("source-documents", "eddy.md: of test-1, test-2 in test and of dev-9 in dev"),
    evidence_in_train: ("source-documents", "eddy.md: of test-1, test-2 in test and of train-9"),
    source_as_a_training_text: ("source-documents", "eddy.md: of test-1, test-2 in test, and a tr"),
    no_source: ("source-documents", "test-2: no 'source' in test"),
    too_early: ("dates", "test-2: asked on 2026-05-01, training goes on until 2026-05-02"),
    gold_in_prompt: ("closed-book", "test-1: its prompt holds '63 stones'"),
    gold_in_question: ("closed-book", "test-1: the question itself holds '63 stones'"),
    no_prompt: ("closed-book", "test-1: no closed-book prompt to check"),
    prompt_of_another: ("closed-book", "test-99: a prompt was given for it"),
    a_document_of_questions: ("question-files", "old.txt: holds the test questions test-2"),
    a_question_file: ("question-files", "facts/dev.jsonl: /proof/facts/dev.jsonl belongs to"),
    beside_the_task: ("question-files", "facts/notes.md: /proof/facts/notes.md belongs to"),
    tasks_as_the_corpus: ("question-files", "boom.md: /proof/tasks/boom.md belongs to the task"),
    below_tasks: ("question-files", "tasks/ledger/all.md: /proof/tasks/ledger/all.md belongs to"),
}


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_stops_the_run(plant: Callable[[Given], None]):
    guard, record = FAULTS[plant]
    given = Given()
    plant(given)
    with pytest.raises(GuardBroken) as refused:
        refuse(given.audit())
    assert str(refused.value).count("is broken") == 1
    assert f"guard '{guard}' is broken" in str(refused.value)
    assert f"- {record}" in str(refused.value)


def test_where_no_dates_are_given_they_are_not_checked():
    undated = [replace(one, asked_at=None) for one in TRAIN]
    assert dates(undated, TEST) == Finding("dates", True, False, "not checked: no dates", ())


def test_a_question_of_the_day_training_ended_is_late_enough():
    assert dates([ask("train-1", "heron", 41, 4)], TEST).passed


def test_without_an_arm_that_answers_from_memory_no_prompt_is_needed():
    assert closed_book(TEST, [], needed=False).passed
    assert not closed_book(TEST, []).passed


def test_questions_too_short_to_be_found_in_texts_are_counted():
    asked = [ask("test-1", "eddy", 63, 4, "eddy weight")]
    assert "1 are too short" in leaks(TRAIN, DEV, asked, {"t": "eddy weight and more"}).note


def test_a_task_may_waive_its_source_documents_and_no_other_guard():
    given = Given()
    source_in_train(given)
    given.task = replace(TASK, waive=("source-documents",))
    sources = refuse(given.audit())[2]
    assert (sources.passed, sources.waived) == (False, True)
    assert sources.note.startswith("WAIVED by the task: ")
    given.task = replace(TASK, waive=("leaks",))
    with pytest.raises(UnknownGuard, match=r"task.yaml: field 'waive': 'leaks' may not be waived"):
        given.audit()


def test_a_document_may_say_much_of_what_is_asked():
    given = Given()
    for at, one in enumerate(TEST):
        given.change(at, question=f"{one.question} Tell me soon, since the crane leaves us at noon")
    given.documents["asked.md"] = " ".join(one.question[:-5] for one in given.test)
    refuse(given.audit())


def test_corpus_folders_among_the_tasks_hold_documents():
    given = Given()
    home = Path("/proof/tasks/squad")
    given.task = replace(TASK, file=home / "task.yaml", corpus=(home / "wiki",))
    given.files = {path: [home / "wiki" / path] for path in DOCUMENTS}
    refuse(given.audit())
