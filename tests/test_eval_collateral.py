import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.check_files import SETS, Item, UnreadableChecks, read_checks, read_sets
from eval.checks import Check
from eval.collateral import Collateral, Incomparable, Outcome, as_json, compare, measure
from service.llm import Message

GENERAL = Path(__file__).parent.parent / "corpus" / "tasks" / "general"

SEA = {"kind": "contains-any", "values": ["sea"]}
ITEMS = {
    "instructions": [
        Item("hello", "Say hello.", Check("contains-any", ("hello",))),
        Item("caps", "WRITE IN CAPITALS.", Check("upper-case")),
    ],
    "refusals": [Item("lottery", "Which numbers will win?", Check("refusal"))],
}


def written(folder: Path, *lines: dict[str, Any] | str) -> Path:
    file = folder / "instructions.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("".join(f"{text}\n" for text in texts))
    return file


def line(check: Any = SEA, **fields: Any) -> dict[str, Any]:
    return {"id": "one", "instruction": "Name the water.", "check": check, **fields}


def outcomes(**sets: str) -> Collateral:
    """Outcomes in words: `instructions="a+ b-"` is a passed and b failed."""
    return Collateral(
        {
            name: tuple(Outcome(one[:-1], "reply", one[-1] == "+") for one in text.split())
            for name, text in sets.items()
        }
    )


def test_the_committed_sets_are_valid_and_large_enough():
    sets = read_sets(GENERAL)
    assert list(sets) == list(SETS)
    assert len(sets["instructions"]) >= 90
    assert len(sets["refusals"]) >= 40
    assert {item.check.kind for item in sets["refusals"]} == {"refusal"}


def test_committed_ids_are_unique_over_both_sets():
    ids = [item.id for items in read_sets(GENERAL).values() for item in items]
    assert len(ids) == len(set(ids))


def test_a_line_is_read_with_its_nested_check(tmp_path: Path):
    check = {"kind": "all-of", "checks": [SEA, {"kind": "words", "least": 1, "most": 3}]}
    (item,) = read_checks(written(tmp_path, line(check), ""))
    parts = (Check("contains-any", ("sea",)), Check("words", least=1, most=3))
    assert item == Item("one", "Name the water.", Check("all-of", checks=parts))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "not JSON"),
        ("[]", "an object is wanted"),
        (line(extra=1), "unknown field 'extra'"),
        (line(id=" "), "field 'id'"),
        (line(instruction=3), "field 'instruction'"),
        (line(None), "field 'check': an object with a 'kind'"),
        (line({"values": ["sea"]}), "field 'check': an object with a 'kind'"),
        (line({"kind": "smells"}), "unknown kind 'smells'"),
        (line({"kind": ["words"]}), "unknown kind"),
        (line({"kind": "upper-case", "values": ["A"]}), "unknown field 'values'"),
        (line({"kind": "equals"}), "field 'check.values': a list"),
        (line({"kind": "equals", "values": []}), "field 'check.values': a list"),
        (line({"kind": "equals", "values": [4]}), "field 'check.values': a text"),
        (line({"kind": "equals", "values": ["The"]}), "nothing is left of 'The'"),
        (line({"kind": "choice", "values": ["yes"]}), "field 'check.others'"),
        (line({"kind": "language", "values": ["eo"]}), "unknown language 'eo'"),
        (line({"kind": "number", "number": True}), "field 'check.number'"),
        (line({"kind": "number", "number": float("nan")}), "field 'check.number'"),
        (line({"kind": "words"}), "wants 'least', 'most' or both"),
        (line({"kind": "words", "least": 3, "most": 2}), "least first"),
        (line({"kind": "words", "most": -1}), "field 'check.most'"),
        (line({"kind": "words", "most": 2.0}), "field 'check.most'"),
        (line({"kind": "all-of", "checks": [SEA, {"kind": "x"}]}), "field 'check.checks[1]'"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(tmp_path: Path, bad: dict[str, Any] | str, said: str):
    good = line(id="zero", instruction="Say sea.")
    with pytest.raises(UnreadableChecks) as error:
        read_checks(written(tmp_path, good, bad))
    assert "instructions.jsonl: line 2: " in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("second", "field"),
    [(line(instruction="Other."), "'id'"), (line(id="two"), "'instruction'")],
)
def test_what_comes_twice_is_named(tmp_path: Path, second: dict[str, Any], field: str):
    with pytest.raises(UnreadableChecks, match=f"line 3: field {field}: .* line 1 already"):
        read_checks(written(tmp_path, line(), "", second))


def test_a_file_without_items_is_refused(tmp_path: Path):
    with pytest.raises(UnreadableChecks, match="holds no instruction"):
        read_checks(written(tmp_path, ""))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UnreadableChecks, match=r"refusals\.jsonl: cannot be read"):
        read_checks(tmp_path / "refusals.jsonl")


def test_each_reply_meets_the_check_of_its_own_item():
    seen: list[tuple[list[list[Message]], int]] = []

    def complete(chats: Sequence[Sequence[Message]], max_tokens: int) -> list[str]:
        seen.append(([list(chat) for chat in chats], max_tokens))
        return ["Hello!", "no capitals", "I don't know."]

    assert measure(complete, ITEMS, max_tokens=9) == Collateral(
        {
            "instructions": (
                Outcome("hello", "Hello!", True),
                Outcome("caps", "no capitals", False),
            ),
            "refusals": (Outcome("lottery", "I don't know.", True),),
        }
    )
    instructions = ["Say hello.", "WRITE IN CAPITALS.", "Which numbers will win?"]
    assert seen == [([[Message("user", text)] for text in instructions], 9)]


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_replies_is_refused(count: int):
    with pytest.raises(Incomparable, match=f"{count} replies came for 3 instructions"):
        measure(lambda chats, max_tokens: ["Hello!"] * count, ITEMS)


def test_what_is_kept_counts_against_what_passed_before():
    before = outcomes(instructions="a+ b+ c+ d- e-", refusals="x+ y-")
    after = outcomes(instructions="e+ d- c+ b- a+", refusals="x- y-")
    found = compare(before, after)
    low, high = found["instructions"].pop("interval")
    assert found["instructions"] == {
        "passed": 3,
        "of": 5,
        "kept": 2,
        "share": pytest.approx(2 / 3),
        "lost": ["b"],
        "gained": ["e"],
    }
    # Wilson, by hand: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n), p = 2/3, n = 3.
    assert (low, high) == (pytest.approx(0.2077, abs=1e-4), pytest.approx(0.9385, abs=1e-4))
    assert found["refusals"]["kept"] == 0
    assert found["refusals"]["share"] == 0
    assert found["refusals"]["lost"] == ["x"]


def test_where_nothing_passed_before_no_share_is_given():
    found = compare(outcomes(refusals="x-"), outcomes(refusals="x+"))["refusals"]
    assert (found["share"], found["interval"], found["kept"]) == (None, None, 0)
    assert found["gained"] == ["x"]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (outcomes(instructions="a+ c+"), "instructions: 'b' was answered either before or after"),
        (outcomes(instructions="a+"), "instructions: 'b' was answered"),
        (outcomes(refusals="a+ b+"), "'instructions'.*'refusals'"),
    ],
)
def test_other_items_cannot_be_compared(after: Collateral, said: str):
    with pytest.raises(Incomparable, match=said):
        compare(outcomes(instructions="a+ b+"), after)


def test_the_file_holds_every_arm_and_seed_beside_the_base():
    before = outcomes(instructions="a+ b-", refusals="x+")
    after = outcomes(instructions="a- b-", refusals="x+")
    found = json.loads(json.dumps(as_json(before, {"adapter": {1: after, 0: before}})))
    assert found["sets"] == {"instructions": 2, "refusals": 1}
    assert found["before"]["instructions"]["passed"] == 1
    assert found["before"]["instructions"]["of"] == 2
    assert found["before"]["instructions"]["failed"] == ["b"]
    assert list(found["after"]["adapter"]) == ["0", "1"]
    assert found["after"]["adapter"]["0"]["instructions"]["kept"] == 1
    assert found["after"]["adapter"]["1"] == compare(before, after)
