"""A whole comparison over a small wiki with a stand-in for the model, stopped and gone on with."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from eval.compare import NoGenerator, generator_of, open_comparison, run_task, task_of
from eval.findings import GuardBroken, UnknownGuard
from eval.generate import Generator, Request
from eval.local import LocalGenerator
from eval.remote import RemoteGenerator
from eval.task import UnreadableTask, read_task
from service.llm import LLMError
from tests.bells import SERVED, Bells
from tests.comparisons import (
    TEST,
    TRAIN,
    ask,
    fake_embedder,
    make_settings,
    questions,
    quiet,
    reads,
    weight,
    write_task,
)
from tests.fakes import PowerCut
from tests.generators import FakeGenerator


@pytest.fixture
def bells(tmp_path: Path) -> Bells:
    return Bells(tmp_path, arms=["closed-book", "few-shot", "rag", "adapter"])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Bells:
    bells = Bells(
        tmp_path_factory.mktemp("undisturbed"), arms=["closed-book", "few-shot", "rag", "adapter"]
    )
    bells.run(FakeGenerator(reads, together=True))
    return bells


def never() -> Generator:
    raise AssertionError("a generator was made")


def test_what_is_finished_is_answered_at_once_without_a_model(bells: Bells):
    first = bells.run()
    task = read_task(bells.file)
    settings = make_settings(bells.folder)
    again = run_task(task, bells.runs / "bells", never, settings, SERVED, quiet)
    assert again == replace(first, again=True)
    assert not first.again


def test_what_was_finished_otherwise_is_carried_out_again(bells: Bells):
    bells.run()
    assert not bells.run(options=replace(SERVED, override=("dates",))).again
    assert not bells.run(options=replace(SERVED, server=("http://other", "base"))).again
    assert not bells.run(options=replace(SERVED, server=("http://other", "base")), top_k=2).again
    assert bells.run(options=replace(SERVED, server=("http://other", "base")), top_k=2).again
    bells.plant("test", lambda asked: asked[:-1])
    assert not bells.run().again


def test_a_secret_is_no_part_of_what_a_run_depends_on(bells: Bells):
    bells.run(openai_api_key="one")
    assert bells.run(openai_api_key="two").again


def test_a_report_that_is_gone_is_written_again(bells: Bells):
    bells.run()
    (bells.runs / "bells" / "report.json").unlink()
    assert not bells.run().again
    assert bells.run().again


def test_gone_on_with_it_asks_nothing_twice(bells: Bells):
    first = FakeGenerator(reads)
    bells.run(first)
    (bells.runs / "bells" / "done.json").unlink()
    second = FakeGenerator(reads)
    bells.run(second)
    assert first.count > 100
    assert second.count == 0


@pytest.mark.parametrize("batch", [1, 4, 7, 9, 16, 40, 106])
def test_killed_and_run_again_it_gives_the_same_as_undisturbed(
    bells: Bells, undisturbed: Bells, batch: int
):
    with pytest.raises(PowerCut):
        bells.run(FakeGenerator(reads, together=True, dies_at=batch))
    assert not (bells.runs / "bells" / "done.json").exists()
    bells.run(FakeGenerator(reads, together=True))
    for name in ("results.jsonl", "dev.jsonl", "selection.json", "passages.jsonl", "guards.json"):
        assert bells.text(name) == undisturbed.text(name), name


def test_killed_within_a_line_it_gives_the_same_too(bells: Bells, undisturbed: Bells):
    with pytest.raises(PowerCut):
        bells.run(FakeGenerator(reads, together=True, dies_at=15))
    file = bells.runs / "bells" / "results.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    bells.run(FakeGenerator(reads, together=True))
    assert bells.text("results.jsonl") == undisturbed.text("results.jsonl")


def test_another_run_gives_the_same(bells: Bells, undisturbed: Bells):
    bells.run(FakeGenerator(reads, together=True))
    assert bells.text("results.jsonl") == undisturbed.text("results.jsonl")


def test_what_a_dead_model_left_unscored_is_asked_again(bells: Bells, undisturbed: Bells):
    def fails(request: Request) -> str | LLMError:
        known = TEST[4] in request.messages[-1].content
        return LLMError("the server is down") if known else reads(request)

    bells.run(FakeGenerator(fails))
    rows = bells.rows()
    assert {row["id"] for row in rows if row["right"] is None} == {f"test-{TEST[4].lower()}"}
    (bells.runs / "bells" / "done.json").unlink()
    bells.run(FakeGenerator(reads))
    rows = bells.rows()
    assert all(row["right"] is not None for row in rows)


def missing_document(bells: Bells) -> None:
    (bells.file.parent / "wiki" / f"{TEST[3].lower()}.md").unlink()


def a_leak(bells: Bells) -> None:
    leaked = replace(ask(TRAIN[0], "train"), question=ask(TEST[3]).question)
    bells.plant("train", lambda asked: [leaked, *asked[1:]])


def a_shared_source(bells: Bells) -> None:
    bells.plant("train", lambda asked: [replace(asked[0], source=ask(TEST[3]).source), *asked[1:]])


def an_early_question(bells: Bells) -> None:
    bells.plant("train", lambda asked: [replace(one, asked_at=date(2026, 5, 2)) for one in asked])
    bells.plant("test", lambda asked: [replace(one, asked_at=date(2026, 5, 1)) for one in asked])


def a_told_answer(bells: Bells) -> None:
    told = f"Does the bell of {TEST[3]} weigh {weight(TEST[3])}, or how many?"
    bells.plant("test", lambda asked: [*asked[:3], replace(asked[3], question=told), *asked[4:]])


def a_question_file(bells: Bells) -> None:
    text = "\n\n".join(one.question for one in questions("test"))
    (bells.file.parent / "wiki" / "faq.md").write_text(text)


GUARDS = {
    "gold-in-corpus": missing_document,
    "leaks": a_leak,
    "source-documents": a_shared_source,
    "dates": an_early_question,
    "closed-book": a_told_answer,
    "question-files": a_question_file,
}


@pytest.mark.parametrize("guard", GUARDS)
def test_a_broken_guard_stops_a_run_before_anything_is_asked(bells: Bells, guard: str):
    GUARDS[guard](bells)
    generator = FakeGenerator(reads)
    with pytest.raises(GuardBroken, match=rf"(?s)guard '{guard}' is broken.*Remedy") as stop:
        bells.run(generator)
    assert str(stop.value).count("is broken") == 1
    assert generator.count == 0
    broken = [one for one in bells.json("guards.json") if not one["passed"]]
    assert [(one["name"], one["waived"]) for one in broken] == [(guard, False)]
    assert not (bells.runs / "bells" / "report.json").exists()


@pytest.mark.parametrize("guard", GUARDS)
def test_an_override_goes_on_and_is_marked_wherever_guards_are_told(bells: Bells, guard: str):
    GUARDS[guard](bells)
    done = bells.run(options=replace(SERVED, override=(guard,)))
    for found in (bells.json("guards.json"), done.report["guards"]):
        marked = {one["name"]: one for one in found if one["waived"]}
        assert list(marked) == [guard]
        assert marked[guard]["note"].startswith("OVERRIDDEN for this run")
        assert not marked[guard]["passed"]
    assert "overridden" in bells.text("report.html").lower()
    assert "overridden" in bells.text("report.md").lower()


def test_an_override_of_no_guard_is_refused(bells: Bells):
    with pytest.raises(UnknownGuard, match="override 'leak': no such guard"):
        bells.run(options=replace(SERVED, override=("leak",)))


def test_an_instruction_of_the_task_that_tells_an_answer_is_a_broken_guard(tmp_path: Path):
    told = f"The bell of {TEST[3]} weighs {weight(TEST[3])}."
    bells = Bells(tmp_path, instructions=["Be brief.", told])
    with pytest.raises(GuardBroken, match=rf"test-{TEST[3].lower()}: its prompt holds"):
        bells.run()


def test_an_audit_asks_nothing_and_leaves_a_run_as_it_is(bells: Bells):
    done = bells.run(options=replace(SERVED, override=("dates",)))
    before = bells.text("guards.json")
    with fake_embedder():
        comparison = open_comparison(bells.file, bells.runs, make_settings(bells.folder), quiet)
    comparison.close()
    assert comparison.work == bells.runs / "bells-audit"
    assert bells.text("guards.json") == before
    assert bells.run(options=replace(SERVED, override=("dates",))) == replace(done, again=True)


def test_where_no_model_is_loaded_nothing_is_answered():
    [error] = NoGenerator().complete([Request((), 8)])
    assert isinstance(error, LLMError)


def test_only_some_arms_of_a_task(tmp_path: Path):
    file = write_task(tmp_path)
    assert task_of(file, "rag, closed-book").arms == ("closed-book", "rag")
    assert task_of(file).arms == read_task(file).arms
    with pytest.raises(UnreadableTask, match=r"task.yaml: no arm 'rga'; the task has closed-book"):
        task_of(file, "rag,rga")


def test_the_model_is_the_task_s_in_this_process_or_at_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    task = read_task(write_task(tmp_path, base="some-base"))
    settings = make_settings(tmp_path, threads=1)
    loaded: list[object] = []

    def load(name: str, cache: Path, threads: int | None) -> object:
        loaded.append((name, cache, threads))
        return NoGenerator()

    monkeypatch.setattr(LocalGenerator, "load", load)
    generator_of(task, settings)()
    assert loaded == [("some-base", tmp_path / "cache", 1)]
    for model, name in ((None, "some-base"), ("its-name", "its-name")):
        remote = generator_of(task, settings, "http://127.0.0.1:9/v1", model)()
        assert isinstance(remote, RemoteGenerator)
        assert remote.name == name
        remote.close()
