import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eval.arm import Arm, Given, Prepared
from eval.evidence import GoldPassages
from eval.generate import Request
from eval.latency import measure
from eval.parts import NotAsked
from eval.plain_arms import ChainOfThought, PlainArm
from eval.questions import Question
from eval.retrieval_arms import Oracle, Rag, Retrieval
from eval.rows import Timing, read_timings
from ingest.embed import Vectors
from ingest.snapshot import Reader
from service.answer import Answerer
from service.llm import LLMError, Reply
from tests.corpora import pages, run, write
from tests.fakes import FakeEmbedder
from tests.generators import FakeGenerator

ARM = PlainArm("prompt", "Be brief.", 48, True)
QUESTIONS = [Question(f"q-{number:02}", f"How deep is {number}?", ("5 m",)) for number in range(50)]


class Slow(FakeGenerator):
    """Takes 20 ms for each call."""

    def complete(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        time.sleep(0.02)
        return super().complete(requests)


class Finishing(ChainOfThought):
    """Takes 20 ms to make an answer of a reply."""

    def finish(self, question: Question, prepared: Prepared, reply: Reply | None) -> Given:
        time.sleep(0.02)
        return super().finish(question, prepared, reply)


def timed(
    file: Path,
    generator: FakeGenerator,
    calls: int = 30,
    arms: Sequence[Arm] = (ARM,),
    questions: Sequence[Question] = QUESTIONS,
) -> list[Timing]:
    named = [(arm.name, 3, arm) for arm in arms]
    measure(file, named, questions, generator, lambda what, done, of: None, calls)
    return read_timings(file)


def asked(generator: FakeGenerator) -> list[str]:
    return [batch[0].messages[-1].content for batch in generator.asked]


def test_every_call_is_single_and_kept_with_its_question(tmp_path: Path):
    generator = FakeGenerator()
    timings = timed(tmp_path / "timings.jsonl", generator, 5)
    assert {len(batch) for batch in generator.asked} == {1}
    assert {(timing.arm, timing.seed) for timing in timings} == {("prompt", 3)}
    assert all(timing.ms > 0 for timing in timings)


@pytest.mark.parametrize(
    ("count", "calls", "ids"),
    [
        (50, 5, ["q-00", "q-10", "q-20", "q-30", "q-40"]),
        (9, 5, ["q-00", "q-01", "q-03", "q-05", "q-07"]),
        (3, 5, ["q-00", "q-01", "q-02"]),
        (0, 5, []),
    ],
)
def test_calls_are_spread_over_all_questions(
    tmp_path: Path, count: int, calls: int, ids: list[str]
):
    file = tmp_path / "timings.jsonl"
    timings = timed(file, FakeGenerator(), calls, questions=QUESTIONS[:count])
    assert [timing.id for timing in timings] == ids


def test_one_call_that_is_not_timed_goes_before_and_is_none_of_the_next(tmp_path: Path):
    generator = FakeGenerator()
    timed(tmp_path / "timings.jsonl", generator, 3, questions=QUESTIONS[:3])
    assert asked(generator) == [f"How deep is {number}?" for number in (2, 0, 1, 2)]


def test_what_is_timed_already_is_not_asked_again(tmp_path: Path):
    file = tmp_path / "timings.jsonl"
    first = timed(file, FakeGenerator(), 5)
    again = FakeGenerator()
    assert timed(file, again, 5) == first
    assert again.asked == []


def test_a_measurement_that_was_stopped_goes_on(tmp_path: Path):
    file = tmp_path / "timings.jsonl"
    first = timed(file, FakeGenerator(), 5)
    file.write_bytes(file.read_bytes()[:-30])
    again = FakeGenerator()
    timings = timed(file, again, 5)
    assert (timings[:4], timings[4].id) == (first[:4], "q-40")
    assert asked(again) == ["How deep is 40?"] * 2


@pytest.mark.parametrize(
    ("weights", "arm"),
    [("others", ARM), ("w0", replace(ARM, tokens=9)), ("w0", replace(ARM, instruction="?"))],
)
def test_timings_of_another_model_or_configuration_are_dropped(
    tmp_path: Path, weights: str, arm: PlainArm
):
    file, other = tmp_path / "timings.jsonl", replace(ARM, name="few-shot")
    first = timed(file, FakeGenerator(weights={None: "w0"}), 3, [ARM, other])
    timings = timed(file, FakeGenerator(weights={None: weights}), 3, [arm])
    assert timings[:3] == first[3:]
    assert [(timing.arm, timing.id) for timing in timings[3:]] == [
        ("prompt", timing.id) for timing in first[:3]
    ]


def test_an_error_ends_the_measurement_and_keeps_what_was_timed(tmp_path: Path):
    file = tmp_path / "timings.jsonl"

    def rule(request: Request) -> str | LLMError:
        return LLMError("gone") if "10?" in request.messages[-1].content else "5 m"

    with pytest.raises(LLMError, match="gone"):
        timed(file, FakeGenerator(rule), 5)
    assert [timing.id for timing in read_timings(file)] == ["q-00"]


class Counting(FakeEmbedder):
    """Counts the questions that it embeds."""

    queries = 0

    def embed_query(self, text: str) -> Vectors:
        self.queries += 1
        return super().embed_query(text)


@pytest.mark.parametrize("oracle", [False, True])
def test_retrieval_is_part_of_the_time_and_never_remembered(tmp_path: Path, oracle: bool):
    """The oracle retrieves too for a question whose evidence is not known."""
    embedder = Counting()
    index = tmp_path / "index"
    run(index, write(tmp_path / "wiki", pages("anchor", "basin")), embedder=embedder)
    answerer = Answerer(Reader(index, embedder), embedder, NotAsked("m"), abstain_below=0.0)
    rag = Rag(Retrieval(answerer))
    question = Question("q", "What weighs the anchor number 1?", ("4 stones",))
    rag.prepare(question)
    rag.prepare(question)
    before = embedder.queries
    arms: list[Arm] = [Oracle(rag, GoldPassages(answerer)) if oracle else rag]
    (timing,) = timed(tmp_path / "t.jsonl", Slow("4 stones"), arms=arms, questions=[question])
    assert (before, embedder.queries) == (1, 3)  # one to warm up, one that is timed
    assert 20 <= timing.ms < 60_000


def test_what_is_made_of_the_reply_is_part_of_the_time(tmp_path: Path):
    arm = Finishing("Be brief.", 48)
    (timing,) = timed(tmp_path / "timings.jsonl", FakeGenerator(), 1, [arm])
    assert timing.ms >= 20


def test_progress_counts_timed_calls(tmp_path: Path):
    told: list[tuple[str, int, int]] = []

    def tell(what: str, done: int, of: int) -> None:
        told.append((what, done, of))

    measure(tmp_path / "t.jsonl", [("rag", 0, ARM)], QUESTIONS, FakeGenerator(), tell, 2)
    assert told == [("latency of rag", done, 2) for done in (0, 1, 2)]
