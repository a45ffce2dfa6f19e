"""How the reader in the benchmark of quality is asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.quality_reader import Reading
from eval.local import LocalGenerator
from service.answer import Answerer, Asked
from service.settings import ServiceSettings
from tests.comparisons import TEST, ask, make_parts, reads, write_task
from tests.generators import FakeGenerator

KNOWN, UNKNOWN = ask(TEST[0]), ask(TEST[0], answerable=False)


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Answerer:
    folder = tmp_path_factory.mktemp("reading")
    _, _, parts = make_parts(write_task(folder / "task"), folder / "runs")
    return replace(parts.retrieval.answerer, abstain_below=0.0)


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> FakeGenerator:
    found = FakeGenerator(reads)

    def load(*_: object) -> FakeGenerator:
        return found

    monkeypatch.setattr(LocalGenerator, "load", load)
    return found


def compose(answerer: Answerer, question: str) -> Asked:
    return answerer.compose(question, answerer.look(question))


def test_it_reads_from_the_hits_and_from_the_gold_passage(
    answerer: Answerer, generator: FakeGenerator, tmp_path: Path
):
    reading = Reading(ServiceSettings(), tmp_path)
    asked = compose(answerer, KNOWN.question)
    _, scores = reading.read(answerer, asked, KNOWN, gold=True)
    assert scores.keys() == {"reader F1", "gold F1"}
    assert 0 < scores["gold F1"] < 1
    [[whole], [alone]] = generator.asked
    assert whole.messages == asked.messages
    assert whole.messages[-1].content.count("</passage>") == 3
    assert alone.messages[-1].content.count("</passage>") == 1


def test_an_adapter_is_shown_no_worked_examples(
    answerer: Answerer, generator: FakeGenerator, tmp_path: Path
):
    reading = Reading(ServiceSettings(), tmp_path, tmp_path / "adapter")
    reading.read(answerer, compose(answerer, UNKNOWN.question), UNKNOWN, gold=True)
    [[request]] = generator.asked
    assert request.adapter == str(tmp_path / "adapter")
    assert [message.role for message in request.messages] == ["system", "user"]


def test_an_adapter_that_does_not_know_has_quotes_in_its_place(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def load(*_: object) -> FakeGenerator:
        return FakeGenerator(lambda _: "I don't know.")

    monkeypatch.setattr(LocalGenerator, "load", load)
    asked = compose(answerer, KNOWN.question)
    for adapter, grounding in ((tmp_path / "adapter", "quoted"), (None, "none")):
        reading = Reading(ServiceSettings(), tmp_path / grounding, adapter)
        answer, _ = reading.read(answerer, asked, KNOWN, gold=False)
        assert answer.grounding == grounding


def test_where_the_service_abstains_the_model_is_asked_and_not_heard(
    answerer: Answerer, generator: FakeGenerator, tmp_path: Path
):
    strict = replace(answerer, abstain_below=1.0)
    answer, scores = Reading(ServiceSettings(), tmp_path).read(
        strict, compose(strict, KNOWN.question), KNOWN, gold=True
    )
    assert answer.abstained
    assert scores["reader F1"] > 0
    assert generator.count == 2


def test_without_gold_texts_there_are_no_scores(
    answerer: Answerer, generator: FakeGenerator, tmp_path: Path
):
    asked = compose(answerer, KNOWN.question)
    _, scores = Reading(ServiceSettings(), tmp_path).read(answerer, asked, KNOWN, gold=False)
    assert scores == {}
    assert generator.count == 1
