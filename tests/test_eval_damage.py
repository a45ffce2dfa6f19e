"""What adapters are asked beside their task, and what is written of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.answering import BATCH
from eval.check_files import UnreadableChecks
from eval.damage import SETS, measure_damage
from eval.generate import Request
from service.llm import LLMError, Message
from tests.comparisons import quiet
from tests.generators import FakeGenerator

ADAPTERS = [("adapter", 1, "a-1"), ("adapter", 2, "a-2"), ("adapter-rag", 1, "r-1")]


def says(request: Request) -> str:
    """The base passes all; an adapter's second seed knows no colour any more."""
    asked = request.messages[-1].content
    if "lottery" in asked:
        return "I cannot know that."
    return "A rope." if request.adapter == "a-2" else "It is red."


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folder.mkdir()
    asked = [
        {
            "id": f"colour-{at}",
            "instruction": f"Name the colour of thing {at}.",
            "check": {"kind": "contains-any", "values": ["red"]},
        }
        for at in range(BATCH + 4)
    ]
    refused = {
        "id": "lottery",
        "instruction": "What will the lottery numbers be?",
        "check": {"kind": "refusal"},
    }
    write(folder / "instructions.jsonl", asked)
    write(folder / "refusals.jsonl", [refused])
    return folder


def write(file: Path, items: Sequence[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(item) + "\n" for item in items))


def measured(tmp_path: Path, sets: Path, generator: FakeGenerator, adapters: Any = ADAPTERS) -> Any:
    file = tmp_path / "collateral.json"
    measure_damage(adapters, generator, file, quiet, sets)
    return json.loads(file.read_text()) if file.is_file() else None


def test_each_adapter_is_compared_with_the_base(tmp_path: Path, sets: Path):
    found = measured(tmp_path, sets, FakeGenerator(says))
    assert found["sets"] == {"instructions": BATCH + 4, "refusals": 1}
    assert found["before"]["instructions"]["passed"] == BATCH + 4
    kept = {
        (arm, seed): (one["instructions"]["kept"], one["refusals"]["kept"])
        for arm, seeds in found["after"].items()
        for seed, one in seeds.items()
    }
    assert kept == {
        ("adapter", "1"): (BATCH + 4, 1),
        ("adapter", "2"): (0, 1),
        ("adapter-rag", "1"): (BATCH + 4, 1),
    }


def test_items_are_asked_bare_in_batches_base_first(tmp_path: Path, sets: Path):
    generator = FakeGenerator(says)
    measured(tmp_path, sets, generator, ADAPTERS[:1])
    assert [len(batch) for batch in generator.asked] == [BATCH, 5, BATCH, 5]
    assert [batch[0].adapter for batch in generator.asked] == [None, None, "a-1", "a-1"]
    first = generator.asked[0][0]
    assert first.messages == (Message("user", "Name the colour of thing 0."),)
    assert not first.one_line


def test_without_adapters_nothing_is_asked_and_an_older_file_goes(tmp_path: Path, sets: Path):
    generator = FakeGenerator(says)
    measured(tmp_path, sets, generator)
    asked = generator.count
    assert measured(tmp_path, sets, generator, []) is None
    assert generator.count == asked


def test_without_the_sets_nothing_is_measured(tmp_path: Path):
    assert measured(tmp_path, tmp_path / "gone", FakeGenerator(says)) is None


def test_a_set_that_is_missing_is_named(tmp_path: Path, sets: Path):
    (sets / "refusals.jsonl").unlink()
    with pytest.raises(UnreadableChecks, match=r"refusals\.jsonl"):
        measured(tmp_path, sets, FakeGenerator(says))


def test_a_model_that_fails_is_an_error_and_no_loss_of_the_adapter(tmp_path: Path, sets: Path):
    def fails(request: Request) -> str | LLMError:
        return LLMError("down") if request.adapter else says(request)

    with pytest.raises(LLMError, match="down"):
        measured(tmp_path, sets, FakeGenerator(fails))
    assert not (tmp_path / "collateral.json").exists()


def test_progress_says_whose_damage_is_measured(tmp_path: Path, sets: Path):
    said: list[tuple[str, int, int]] = []
    file = tmp_path / "collateral.json"

    def tell(what: str, done: int, of: int) -> None:
        said.append((what, done, of))

    measure_damage(ADAPTERS[:1], FakeGenerator(says), file, tell, sets)
    of = BATCH + 5
    assert said == [
        ("collateral damage of base", BATCH, of),
        ("collateral damage of base", of, of),
        ("collateral damage of adapter, seed 1", BATCH, of),
        ("collateral damage of adapter, seed 1", of, of),
    ]


def test_the_committed_sets_are_where_they_are_looked_for():
    assert (SETS / "instructions.jsonl").is_file()
    assert (SETS / "refusals.jsonl").is_file()
