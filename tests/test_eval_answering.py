from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eval.answering import BATCH, Answering, accuracy
from eval.arm import Given, Prepared
from eval.generate import Cached, Generator, Request
from eval.plain_arms import PlainArm
from eval.questions import Question
from eval.rows import Row, read_rows
from eval.task import Costs
from ingest.stored import StoredChunk
from service.llm import LLMError, LLMTimeout, Reply
from tests.fakes import PowerCut
from tests.generators import FakeGenerator, Rule, by_question
from tests.hits import hit

ARM = PlainArm("prompt", "Be brief.", 48, True)
OTHER = replace(ARM, name="few-shot", instruction="Be exact.")
QUESTIONS = [
    Question(
        f"q-{number:02}", f"How deep is basin {number:02}{'?' * (number % 7)}", (f"{number} m",)
    )
    for number in range(40)
]
"""Three batches: two of 16 and one of 8."""

RIGHT = by_question({one.question[:20]: one.answers[0] for one in QUESTIONS})


def quiet(what: str, done: int, of: int) -> None:
    pass


def answering(
    folder: Path, generator: Generator, costs: Costs | None = None, grader: str = "contains"
) -> Answering:
    file = folder / "results.jsonl"
    return Answering(file, generator, grader, costs or Costs(), quiet)


def run(folder: Path, generator: Generator, questions: Sequence[Question] = QUESTIONS) -> bytes:
    """Two arms, one of them with two seeds, as an undisturbed run leaves them."""
    found = answering(folder, generator)
    found.ask(ARM, 0, questions)
    found.ask(OTHER, 1, questions)
    found.ask(OTHER, 2, questions, "adapter")
    found.close()
    return (folder / "results.jsonl").read_bytes()


def ids(generator: FakeGenerator) -> list[list[str]]:
    """The questions of each batch that was asked, by the two digits in them."""
    return [[one.messages[-1].content[18:20] for one in batch] for batch in generator.asked]


def dead(*numbers: int) -> Rule:
    """Right, but for these questions, whose server is gone."""

    def rule(request: Request) -> str | LLMError:
        gone = any(f"basin {number:02}" in request.messages[-1].content for number in numbers)
        return LLMError("connection refused") if gone else RIGHT(request)

    return rule


def test_every_question_is_answered_once_and_in_the_order_given(tmp_path: Path):
    generator = FakeGenerator(RIGHT)
    rows = answering(tmp_path, generator).ask(ARM, 3, QUESTIONS)
    assert [row.key for row in rows] == [("prompt", 3, one.id) for one in QUESTIONS]
    assert [row.answer for row in rows] == [one.answers[0] for one in QUESTIONS]
    assert sorted(name for batch in ids(generator) for name in batch) == [
        f"{number:02}" for number in range(40)
    ]


def test_rows_are_written_as_they_come(tmp_path: Path):
    with pytest.raises(PowerCut):
        answering(tmp_path, FakeGenerator(RIGHT, dies_at=3)).ask(ARM, 0, QUESTIONS)
    assert len(read_rows(tmp_path / "results.jsonl")) == 2 * BATCH


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 10))
def test_a_killed_run_that_goes_on_ends_in_the_same_bytes(
    tmp_path: Path, together: bool, dies_at: int
):
    undisturbed = run(tmp_path / "whole", FakeGenerator(RIGHT, together=together))
    with pytest.raises(PowerCut):
        run(tmp_path, FakeGenerator(RIGHT, together=together, dies_at=dies_at))
    resumed = FakeGenerator(RIGHT, together=together)
    assert run(tmp_path, resumed) == undisturbed
    assert len(resumed.asked) == 9 - (dies_at - 1)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.97])
def test_a_run_whose_file_was_cut_in_a_line_ends_in_the_same_bytes(
    tmp_path: Path, together: bool, share: float
):
    undisturbed = run(tmp_path / "whole", FakeGenerator(RIGHT, together=together))
    with pytest.raises(PowerCut):
        run(tmp_path, FakeGenerator(RIGHT, together=together, dies_at=6))
    file = tmp_path / "results.jsonl"
    kept = file.read_bytes()[: int(file.stat().st_size * share)]
    file.write_bytes(kept if not kept.endswith(b"\n") else kept[:-2])
    assert run(tmp_path, FakeGenerator(RIGHT, together=together)) == undisturbed


def test_which_questions_share_a_batch_never_depends_on_what_is_done(tmp_path: Path):
    whole = FakeGenerator(RIGHT)
    answering(tmp_path / "whole", whole).ask(ARM, 0, QUESTIONS)
    answering(tmp_path, FakeGenerator(RIGHT)).ask(ARM, 0, QUESTIONS)
    file = tmp_path / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:20] + lines[21:]))
    again = FakeGenerator(RIGHT)
    answering(tmp_path, again).ask(ARM, 0, QUESTIONS)
    assert ids(again) == [ids(whole)[1]]


def test_a_finished_arm_is_not_asked_again(tmp_path: Path):
    first = run(tmp_path, FakeGenerator(RIGHT))
    again = FakeGenerator(RIGHT)
    assert run(tmp_path, again) == first
    assert again.asked == []


def test_an_error_leaves_an_unscored_row_with_its_text(tmp_path: Path):
    rows = answering(tmp_path, FakeGenerator(dead(7))).ask(ARM, 0, QUESTIONS)
    assert [row.id for row in rows if row.right is None] == ["q-07"]
    assert rows[7] == Row("prompt", 0, "q-07", "", False, None, error="connection refused")


def test_unscored_rows_are_asked_again(tmp_path: Path):
    whole = run(tmp_path / "whole", FakeGenerator(RIGHT))
    run(tmp_path, FakeGenerator(dead(7, 8)))
    again = FakeGenerator(RIGHT)
    assert run(tmp_path, again) == whole
    assert all({"07", "08"} & set(batch) for batch in ids(again))


def test_what_is_scored_is_kept_where_its_batch_fails_later(tmp_path: Path):
    answering(tmp_path, FakeGenerator(dead(7))).ask(ARM, 0, QUESTIONS)
    found = answering(tmp_path, FakeGenerator(dead(*range(40))))
    rows = found.ask(ARM, 0, QUESTIONS)
    found.close()
    assert [row.id for row in rows if row.right is None] == ["q-07"]
    assert sorted(rows, key=lambda row: row.key) == read_rows(tmp_path / "results.jsonl")


def test_an_answer_that_took_too_long_is_wrong_and_not_asked_again(tmp_path: Path):
    slow = FakeGenerator(lambda _: LLMTimeout("no answer within 60 s"))
    (row,) = answering(tmp_path, slow).ask(ARM, 0, QUESTIONS[:1])
    assert (row.right, row.error) == (0, "no answer within 60 s")
    again = FakeGenerator(RIGHT)
    answering(tmp_path, again).ask(ARM, 0, QUESTIONS[:1])
    assert again.asked == []


def test_other_arms_and_seeds_stay_in_the_file(tmp_path: Path):
    run(tmp_path, FakeGenerator(RIGHT), QUESTIONS[:2])
    found = answering(tmp_path, FakeGenerator(RIGHT))
    found.ask(ARM, 5, QUESTIONS[:1])
    found.close()
    keys = [row.key[:2] for row in read_rows(tmp_path / "results.jsonl")]
    assert sorted(set(keys)) == [("adapter", 2), ("few-shot", 1), ("prompt", 0), ("prompt", 5)]
    assert keys == sorted(keys)


def changed(folder: Path, arm: PlainArm, questions: Sequence[Question], **more: object) -> int:
    """How many requests another run makes; the first one asked ARM the first 20 questions."""
    answering(folder, FakeGenerator(RIGHT)).ask(ARM, 0, QUESTIONS[:20])
    again = FakeGenerator(RIGHT, weights={None: str(more.get("weights", "fake-model+None"))})
    costs = more.get("costs")
    found = answering(folder, again, costs if isinstance(costs, Costs) else None)
    rows = found.ask(arm, 0, questions)
    assert {row.key for row in rows} == set(found.rows)
    return again.count


def test_rows_of_another_origin_are_stale(tmp_path: Path):
    same = QUESTIONS[:20]
    regraded = [*same[:19], replace(same[19], answers=("20 m",))]
    assert changed(tmp_path / "a", ARM, same) == 0
    assert changed(tmp_path / "b", replace(ARM, instruction="Be exact."), same) == 20
    assert changed(tmp_path / "c", replace(ARM, tokens=49), same) == 20
    assert changed(tmp_path / "d", ARM, same, weights="others") == 20
    assert changed(tmp_path / "e", ARM, regraded) == 20
    assert changed(tmp_path / "f", ARM, same, costs=Costs(prompt_million=1.0)) == 20
    assert changed(tmp_path / "g", ARM, same[:19]) == 19


def test_stale_rows_are_gone_before_the_first_new_one_is_asked_for(tmp_path: Path):
    """Or a killed run would take those that it did not reach for its own."""
    answering(tmp_path, FakeGenerator(RIGHT)).ask(ARM, 0, QUESTIONS)
    other = replace(ARM, instruction="Be exact.")
    with pytest.raises(PowerCut):
        answering(tmp_path, FakeGenerator(RIGHT, dies_at=2)).ask(other, 0, QUESTIONS)
    again = FakeGenerator(RIGHT)
    answering(tmp_path, again).ask(other, 0, QUESTIONS)
    assert again.count == 24


def test_a_corrected_gold_answer_is_scored_anew_by_the_replies_that_are_there(tmp_path: Path):
    cache = Cached(FakeGenerator(RIGHT), tmp_path / "calls.db")
    answering(tmp_path, cache).ask(ARM, 0, QUESTIONS)
    cache.close()
    asked = FakeGenerator(RIGHT)
    cache = Cached(asked, tmp_path / "calls.db")
    corrected = [*QUESTIONS[:39], replace(QUESTIONS[39], answers=("38 m",))]
    rows = answering(tmp_path, cache).ask(ARM, 0, corrected)
    cache.close()
    assert ([row.right for row in rows], asked.asked) == ([1] * 39 + [0], [])


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_without_a_readable_origin_rows_are_asked_for_again(tmp_path: Path, text: str):
    answering(tmp_path, FakeGenerator(RIGHT)).ask(ARM, 0, QUESTIONS[:3])
    (tmp_path / "results.origins.json").write_text(text)
    again = FakeGenerator(RIGHT)
    answering(tmp_path, again).ask(ARM, 0, QUESTIONS[:3])
    assert again.count == 3


def test_a_grader_for_forms_scores_forms(tmp_path: Path):
    question = Question("q", "Write it.", ('{"a": 1}',))
    generator = FakeGenerator('```json\n{"a":1}\n```')
    (row,) = answering(tmp_path, generator, grader="json").ask(ARM, 0, [question])
    assert (row.right, row.scores["parsed"]) == (1, 1.0)


class Weak:
    """An arm that abstains without asking where the question is about an even basin."""

    name = "rag"
    settings: dict[str, object] = {}

    def prepare(self, question: Question) -> Prepared:
        passages = (replace(hit(f"Basin {question.id}").chunk, start=int(question.id[2:])),)
        request = ARM.prepare(question).request if passages[0].start % 2 else None
        return Prepared(request, passages)

    def finish(self, question: Question, prepared: Prepared, reply: Reply | None) -> Given:
        return Given(reply.text if reply else "none", reply is None, "none")


def test_what_an_arm_does_not_ask_is_finished_without_a_reply(tmp_path: Path):
    generator = FakeGenerator(RIGHT)
    rows = answering(tmp_path, generator).ask(Weak(), 0, QUESTIONS[:4])
    assert [row.answer for row in rows] == ["none", "1 m", "none", "3 m"]
    assert [row.prompt_tokens > 0 for row in rows] == [False, True, False, True]
    assert ids(generator) == [["01", "03"]]


def test_a_batch_of_which_nothing_is_asked_asks_nobody(tmp_path: Path):
    generator = FakeGenerator(RIGHT)
    answering(tmp_path, generator).ask(Weak(), 0, [QUESTIONS[0], QUESTIONS[2]])
    assert generator.asked == []


def test_the_passages_of_every_answer_are_handed_on(tmp_path: Path):
    kept: list[StoredChunk] = []
    file = tmp_path / "results.jsonl"
    model = FakeGenerator(dead(1))
    found = Answering(file, model, "contains", Costs(), quiet, kept.extend)
    found.ask(Weak(), 0, QUESTIONS[:3])
    assert sorted(chunk.start for chunk in kept) == [0, 1, 2]


def test_progress_counts_questions_up_to_the_last(tmp_path: Path):
    told: list[tuple[str, int, int]] = []
    file = tmp_path / "results.jsonl"

    def tell(what: str, done: int, of: int) -> None:
        told.append((what, done, of))

    found = Answering(file, FakeGenerator(RIGHT), "contains", Costs(), tell)
    found.ask(ARM, 2, QUESTIONS, "prompt/1")
    assert told == [("prompt/1, seed 2", done, 40) for done in (0, 16, 32, 40)]


def test_accuracy_is_the_share_right_of_what_is_scored():
    wrong, right, unscored = (Row("a", 0, "q", "", False, value) for value in (0, 1, None))
    assert accuracy([right, wrong, unscored, right, wrong]) == 0.5
    assert accuracy([unscored]) is None
    assert accuracy([]) is None
