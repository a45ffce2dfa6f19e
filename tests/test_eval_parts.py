"""What a comparison loads: questions, the index of its corpus, and a digest of all of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eval.parts import (
    NotAsked,
    Split,
    file_digests,
    inputs_digest,
    load_parts,
    open_index,
    read_split,
    task_json,
)
from eval.questions import UnreadableQuestions, write_questions
from eval.task import Costs, Task, read_task
from ingest.chunk import ChunkSettings
from ingest.schema import IndexRefused
from service.llm import LLMError
from service.retrieve import RetrievalSettings
from tests.comparisons import (
    PLACES,
    TEST,
    ask,
    fake_embedder,
    make_parts,
    make_settings,
    questions,
    quiet,
    write_task,
)
from tests.fakes import FakeEmbedder


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return read_task(write_task(tmp_path / "task"))


class Heard:
    """Progress, kept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, what: str, done: int, of: int) -> None:
        self.said.append(what)


def test_the_three_splits_are_read(task: Task):
    assert read_split(task) == Split(questions("train"), questions("dev"), questions("test"))


def test_a_quick_look_asks_every_fourth_question(task: Task):
    crowd = [
        replace(ask(place), id=f"{place}-{at}", question=f"{at}: {ask(place).question}")
        for at in range(7)
        for place in TEST[:2]
    ]
    write_questions(task.questions["test"], crowd)
    split = read_split(task, quick=True)
    assert split.test == crowd[::4]
    assert split.train == questions("train")
    assert split.dev == questions("dev")[::4]


def test_a_bad_question_is_named_with_file_and_line(task: Task):
    with task.questions["dev"].open("a") as file:
        file.write('{"id": "x"}\n')
    with pytest.raises(UnreadableQuestions, match=r"dev.jsonl: line 9: field 'answers'"):
        read_split(task)


def test_the_index_holds_the_corpus(task: Task, tmp_path: Path):
    heard = Heard()
    reader = open_index(task, tmp_path / "runs", FakeEmbedder(), heard)
    with reader.snapshot() as snapshot:
        assert len(snapshot.documents()) == len(PLACES)
    assert heard.said[-1] == f"index: {len(PLACES)} documents"


def test_tasks_over_one_corpus_share_its_index(task: Task, tmp_path: Path):
    first, again = FakeEmbedder(), FakeEmbedder()
    open_index(task, tmp_path / "runs", first, quiet)
    open_index(replace(task, name="other"), tmp_path / "runs", again, quiet)
    assert first.embedded
    assert again.embedded == []


def test_the_index_follows_the_corpus(task: Task, tmp_path: Path):
    open_index(task, tmp_path / "runs", FakeEmbedder(), quiet)
    for file in sorted(task.corpus[0].iterdir())[3:]:
        file.unlink()
    reader = open_index(task, tmp_path / "runs", FakeEmbedder(), quiet)
    with reader.snapshot() as snapshot:
        assert len(snapshot.documents()) == 3


def test_a_document_that_cannot_be_read_is_told(task: Task, tmp_path: Path):
    (task.corpus[0] / "torn.pdf").write_bytes(b"%PDF-1.4 torn")
    heard = Heard()
    open_index(task, tmp_path / "runs", FakeEmbedder(), heard)
    assert any(what.startswith("index: cannot read torn.pdf (") for what in heard.said)


def test_chunks_are_cut_as_the_settings_say(task: Task, tmp_path: Path):
    with fake_embedder():
        settings = make_settings(tmp_path, chunk_tokens=40, chunk_overlap=8)
        parts = load_parts(task, read_split(task), tmp_path / "runs", settings, quiet)
    manifest = parts.retrieval.answerer.reader.manifest()
    assert (manifest.chunk_tokens, manifest.chunk_overlap) == (40, 8)


def test_chunks_that_are_longer_than_the_embedder_reads_are_refused(task: Task, tmp_path: Path):
    with pytest.raises(IndexRefused, match="chunks of 99 tokens"):
        open_index(task, tmp_path / "runs", FakeEmbedder(), quiet, ChunkSettings(99))


def test_the_answerer_is_the_service_s_with_its_settings(task: Task, tmp_path: Path):
    settings = make_settings(tmp_path, top_k=2, candidates=7, abstain_below=0.1, max_tokens=33)
    with fake_embedder():
        parts = load_parts(task, read_split(task), tmp_path / "runs", settings, quiet)
    answerer = parts.retrieval.answerer
    assert answerer.retrieval == RetrievalSettings(2, 7)
    assert (answerer.abstain_below, answerer.max_tokens, answerer.examples) == (0.1, 33, True)
    assert answerer.llm.name == task.base


def test_the_answerer_never_asks_a_model_itself():
    with pytest.raises(LLMError, match="in batches"):
        NotAsked("base").complete([], 8)


def test_examples_are_of_training_but_for_the_documents_of_test(tmp_path: Path):
    file = write_task(tmp_path / "task", training={"documents": True})
    exposed = replace(ask(TEST[0]), id="exposed", question="Is the bell of Bracwick heavy?")
    nameless = replace(ask(TEST[1]), id="nameless", question="Is a bell heavy?", source="")
    write_questions(tmp_path / "task" / "train.jsonl", [*questions("train"), exposed, nameless])
    unplaced = replace(ask(TEST[2]), source="")
    write_questions(tmp_path / "task" / "test.jsonl", [*questions("test")[:2], unplaced])
    _, _, parts = make_parts(file, tmp_path / "runs")
    found = {one.id for one in parts.examples.nearest(ask(TEST[0]).question, 99)}
    assert found == {one.id for one in questions("train")} | {"nameless"}


def test_the_task_as_json_tells_no_path_of_the_machine(task: Task, tmp_path: Path):
    text = json.dumps(task_json(task))
    assert str(tmp_path) not in text
    shown = json.loads(text)
    assert shown["corpus"] == ["wiki"]
    assert shown["questions"] == {split: f"{split}.jsonl" for split in ("train", "dev", "test")}
    assert (shown["file"], shown["seeds"]) == ("task.yaml", [1, 2, 3])


def test_question_files_are_known_by_their_content(task: Task):
    before = file_digests(task)
    assert set(before) == {"train", "dev", "test"}
    write_questions(task.questions["dev"], questions("dev")[:-1])
    after = file_digests(task)
    assert {name for name in after if after[name] != before[name]} == {"dev"}


def test_equal_inputs_have_one_digest(task: Task):
    assert inputs_digest(task, ["quick"]) == inputs_digest(read_task(task.file), ["quick"])


def changed_question(task: Task) -> Task:
    write_questions(task.questions["test"], questions("test")[1:])
    return task


def changed_page(task: Task) -> Task:
    next(task.corpus[0].iterdir()).write_text("# New\n\nWords.\n")
    return task


def new_page(task: Task) -> Task:
    (task.corpus[0] / "new.md").write_text("# New\n\nWords.\n")
    return task


def moved_page(task: Task) -> Task:
    page = next(task.corpus[0].iterdir())
    (task.corpus[0] / "below").mkdir()
    page.rename(task.corpus[0] / "below" / page.name)
    return task


def other_price(task: Task) -> Task:
    return replace(task, costs=Costs(machine_hour=9.0))


def fewer_arms(task: Task) -> Task:
    return replace(task, arms=task.arms[1:])


@pytest.mark.parametrize(
    "change", [changed_question, changed_page, new_page, moved_page, other_price, fewer_arms]
)
def test_whatever_changes_the_outcome_changes_the_digest(
    task: Task, change: Callable[[Task], Task]
):
    before = inputs_digest(task)
    assert inputs_digest(change(task)) != before


def test_options_change_the_digest(task: Task):
    digests = [inputs_digest(task, options) for options in ([], ["quick"], ["served"])]
    assert len(set(digests)) == 3
