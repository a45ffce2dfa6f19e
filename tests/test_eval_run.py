"""The stages of a comparison: by a model of random weights that is really trained, start to end."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.configure import BUDGET
from eval.local import LocalGenerator
from eval.run import Options, quickened
from eval.task import AGAIN, UNTRAINED, Task, UnreadableTask, read_task
from tests.bells import SERVED, Bells
from tests.comparisons import TEST, ask, questions, reads, write_form_task, write_task
from tests.generators import FakeGenerator
from tests.letters import one_thread
from tests.tiny_model import tiny_model

ARMS = ["closed-book", "few-shot", "rag", "oracle", "adapter", "adapter-rag"]
SEEDS = [1, 2, 3]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bells]:
    """A comparison that trained and asked a tiny model."""
    folder = tmp_path_factory.mktemp("real")
    base = tiny_model(folder / "base", window=1024)
    with one_thread():
        yield real_bells(folder, base)


def real_bells(folder: Path, base: Path) -> Bells:
    training = {"rank": 2, "rates": [1e-3, 1e-2], "epochs": 1, "examples": {"adapter-rag": 8}}
    folder.mkdir(exist_ok=True)
    bells = Bells(folder, arms=ARMS, seeds=SEEDS, base=str(base), training=training)
    bells.run(LocalGenerator.load(str(base), folder / "cache"), Options())
    return bells


@pytest.fixture
def bells(tmp_path: Path) -> Bells:
    return Bells(tmp_path, arms=["closed-book", "prompt", "rag", "adapter"])


def test_every_arm_and_seed_has_a_row_for_each_question(real: Bells):
    keys = [(row["arm"], row["seed"], row["id"]) for row in real.rows()]
    ids = sorted(one.id for one in questions("test"))
    seeds = {arm: SEEDS if arm.startswith("adapter") else [0] for arm in ARMS}
    assert keys == [(arm, seed, id) for arm in sorted(ARMS) for seed in seeds[arm] for id in ids]
    assert all(row["right"] in (0, 1) and row["error"] is None for row in real.rows())


def test_the_selection_tells_all_that_was_tried(real: Bells):
    selection = real.json("selection.json")
    tried = {arm: choice["configurations"] for arm, choice in selection.items() if arm in ARMS}
    assert set(tried) == set(ARMS) - {"oracle"}
    assert {arm: len(tried[arm]) for arm in ("closed-book", "few-shot", "rag")} == {
        "closed-book": BUDGET,
        "few-shot": BUDGET,
        "rag": BUDGET,
    }
    for arm in ("adapter", "adapter-rag"):
        assert [one["settings"] for one in tried[arm]] == [{"rate": 1e-3}, {"rate": 1e-2}]
    measured = [one["dev_accuracy"] for some in tried.values() for one in some]
    assert all(0 <= accuracy <= 1 for accuracy in measured)
    assert selection["baseline"] in UNTRAINED


def test_the_manifest_tells_what_the_run_was_made_of(real: Bells):
    manifest = real.json("manifest.json")
    assert manifest["base"] == str(real.folder / "base")
    assert set(manifest["data_hashes"]) == {"train", "dev", "test"}
    assert manifest["settings"]["seeds"] == SEEDS
    assert not manifest["quick"]
    stages = set(manifest["stages_seconds"])
    assert {"dev: rag", "sweep: adapter", "train: adapter-rag, seed 3", "latency"} <= stages
    assert {"test: oracle, seed 0", "collateral damage"} <= stages


def test_the_report_compares_what_was_declared(real: Bells):
    report = real.json("report.json")
    baseline = real.json("selection.json")["baseline"]
    assert {name: (one["arm"], one["baseline"]) for name, one in report["contrasts"].items()} == {
        "C1": ("adapter", baseline),
        "C2": ("adapter-rag", baseline),
    }
    assert {one["seeds"] for one in report["contrasts"].values()} == {3}
    assert {one["clusters"] for one in report["contrasts"].values()} == {len(TEST)}
    assert [one["name"] for one in report["guards"] if not one["passed"]] == []
    assert [arm["name"] for arm in report["arms"]] == ARMS


def test_training_is_counted_into_the_return(real: Bells):
    report = real.json("report.json")
    [adapter] = [arm for arm in report["arms"] if arm["name"] == "adapter"]
    assert adapter["training"]["runs"] == 3 + 2
    [roi] = [test for test in real.json("warrant.json") if test["name"] == "ROI"]
    assert "hours of training" not in roi["evidence"]


def test_there_is_an_export_for_every_arm_and_seed(real: Bells):
    names = {f"{row['arm']}-seed-{row['seed']}" for row in real.rows()}
    wanted = {f"exports/{name}.{form}" for name in names for form in ("ragas.jsonl",)}
    wanted |= {f"exports/{name}.ragchecker.json" for name in names}
    found = {name for name in real.files() if name.startswith("exports/")}
    assert found == wanted | {"exports/evaltrust.jsonl"}


def test_collateral_damage_is_measured_for_every_adapter(real: Bells):
    after = real.json("collateral.json")["after"]
    assert {arm: list(seeds) for arm, seeds in after.items()} == {
        arm: ["1", "2", "3"] for arm in ("adapter", "adapter-rag")
    }


def test_single_calls_are_timed_for_the_first_seed_of_each_arm(real: Bells):
    lines = real.text("timings.jsonl").splitlines()
    assert len(lines) == len(ARMS) * len(questions("test"))
    assert '"seed": 2' not in real.text("timings.jsonl")


def test_records_of_the_training_lie_in_the_run_and_weights_beside_it(real: Bells):
    records = {name for name in real.files() if name.endswith("train.json")}
    assert {f"adapters/adapter/seed-{seed}/train.json" for seed in SEEDS} <= records
    assert not [name for name in real.files() if name.endswith(".safetensors")]
    assert len(list((real.runs / "adapters").glob("*/seed-*/*.safetensors"))) == 6


def test_a_run_anew_trains_and_answers_the_same(real: Bells):
    anew = real_bells(real.folder / "anew", real.folder / "base")
    for name in ("results.jsonl", "selection.json", "collateral.json"):
        assert anew.text(name) == real.text(name), name


def test_a_quick_look_is_no_verdict(bells: Bells):
    done = bells.run(options=replace(SERVED, quick=True))
    assert done.report["contrasts"]["C1"]["reason"] == "one seed is no verdict"
    assert done.report["contrasts"]["C1"]["decision"] == "inconclusive"
    assert done.report["quick"] and bells.json("manifest.json")["quick"]
    assert {row["seed"] for row in bells.rows()} == {0, 1}
    assert 0 < len({row["id"] for row in bells.rows()}) < len(TEST)


def test_a_quick_look_trains_one_rate_on_little(tmp_path: Path):
    task: Task = quickened(read_task(write_task(tmp_path, twice=True)))
    assert (len(task.seeds), task.training.epochs, len(task.training.rates)) == (1, 1, 1)
    assert task.training.examples == {"adapter": 96, "adapter-rag": 48}
    assert not task.twice


def test_a_quick_look_at_other_arms_than_the_usual_is_at_all_of_them(tmp_path: Path):
    task = read_task(write_task(tmp_path, arms=["prompt", "oracle"]))
    assert quickened(task).arms == ("prompt", "oracle")
    usual = replace(task, arms=("prompt", "rag", "adapter"))
    assert quickened(usual).arms == ("rag", "adapter")


def test_a_recipe_is_compared_with_itself_under_another_name(tmp_path: Path):
    bells = Bells(tmp_path, arms=["rag", "adapter"], seeds=[4, 6], twice=True)
    done = bells.run()
    seeds = {(row["arm"], row["seed"]) for row in bells.rows() if row["arm"] != "rag"}
    assert seeds == {("adapter", 4), ("adapter", 6), (AGAIN, 7), (AGAIN, 8)}
    assert list(done.report["contrasts"]) == ["C1"]
    assert done.report["contrasts"]["C1"]["baseline"] == AGAIN
    assert "collateral.json" not in bells.files()
    assert AGAIN not in bells.text("timings.jsonl")


def test_the_oracle_reads_with_the_configuration_that_was_chosen_for_rag(tmp_path: Path):
    bells = Bells(tmp_path, arms=["oracle"])
    done = bells.run()
    assert [arm["name"] for arm in done.report["arms"]] == ["oracle"]
    assert done.report["contrasts"] == {}
    assert bells.json("selection.json") == {"baseline": None}


def test_an_arm_that_was_never_answered_on_dev_has_no_accuracy_there(bells: Bells):
    from service.llm import LLMError

    dev = [one.question for one in questions("dev")]

    def fails(request: Any) -> Any:
        asked = request.messages[-1].content
        down = request.messages[0].role == "user" and any(one in asked for one in dev)
        return LLMError("down") if down else reads(request)

    bells.run(FakeGenerator(fails))
    tried = bells.json("selection.json")["closed-book"]["configurations"]
    assert [one["dev_accuracy"] for one in tried][0] is None


def test_what_the_task_no_longer_has_leaves_the_results(bells: Bells):
    bells.run()
    write_task(bells.file.parent, arms=["closed-book", "rag", "adapter"], seeds=[2])
    bells.plant("test", lambda asked: asked[1:])
    done = bells.run()
    assert {(row["arm"], row["seed"]) for row in bells.rows()} == {
        ("closed-book", 0),
        ("rag", 0),
        ("adapter", 2),
    }
    assert ask(TEST[0]).id not in {row["id"] for row in bells.rows()}
    assert [arm["name"] for arm in done.report["arms"]] == ["closed-book", "rag", "adapter"]
    assert not [name for name in bells.files() if "prompt-seed" in name or "seed-1" in name]


def test_a_gold_answer_that_is_put_right_is_graded_anew(bells: Bells):
    wrong = replace(ask(TEST[2]), answers=("feet high",))
    bells.plant("test", lambda asked: [wrong if one.id == wrong.id else one for one in asked])
    bells.run()
    assert right(bells, wrong.id) == 0
    bells.plant("test", lambda asked: asked)
    generator = FakeGenerator(reads)
    bells.run(generator)
    assert right(bells, wrong.id) == 1
    assert generator.count == 0


def right(bells: Bells, id: str) -> int:
    return next(row["right"] for row in bells.rows() if (row["arm"], row["id"]) == ("rag", id))


def test_without_adapters_no_damage_of_earlier_ones_is_told(bells: Bells):
    bells.run()
    assert "collateral.json" in bells.files()
    write_task(bells.file.parent, arms=["rag"])
    assert bells.run().report["collateral"] is None


@pytest.mark.parametrize("served", ["{task}-{arm}", "{task}-{seed}", "one"])
def test_a_name_for_two_adapters_is_refused_before_anything_is_asked(tmp_path: Path, served: str):
    bells = Bells(tmp_path, arms=["rag", "adapter", "adapter-rag"])
    generator = FakeGenerator(reads)
    with pytest.raises(UnreadableTask, match=r"to more than one: put \{arm\} and \{seed\}"):
        bells.run(generator, Options(served=served))
    assert generator.count == 0


@pytest.mark.parametrize("served", ["{name}", "{", "{0}", "{seed.x}"])
def test_a_name_that_cannot_be_filled_in_is_refused(bells: Bells, served: str):
    with pytest.raises(UnreadableTask, match=r"only \{task\}, \{arm\} and \{seed\}"):
        bells.run(options=Options(served=served))


def test_arms_that_cannot_be_asked_are_refused_before_anything_is(tmp_path: Path):
    generator = FakeGenerator(reads)
    bells = Bells(tmp_path, arms=["rag", "constrained"])
    with pytest.raises(UnreadableTask, match="'constrained' needs a grader with a grammar"):
        bells.run(generator)
    write_form_task(bells.file.parent, arms=["rag", "constrained"])
    with pytest.raises(UnreadableTask, match="'constrained' decodes by a grammar"):
        bells.run(generator)
    assert generator.count == 0
