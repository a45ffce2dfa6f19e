import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from eval.rows import (
    Row,
    Timing,
    UnreadableRows,
    append_rows,
    append_timings,
    read_rows,
    read_timings,
    write_sorted,
    write_timings,
)

FULL = Row(
    arm="rag",
    seed=0,
    id="q-1",
    answer="62 metres\u2028or so\x85 [1]",
    abstained=False,
    right=1,
    grounding="model",
    retrieved=("tank.md@0", "boat.md@512"),
    scores={"exact_match": 0.0, "f1": 0.666667, "words": 2},
    prompt_tokens=7,
    completion_tokens=3,
    cost=0.00002,
)
UNSCORED = Row("rag", 0, "q-2", "", False, None, error="the server refused")


def row(arm: str, seed: int, name: str) -> Row:
    return Row(arm, seed, name, "x", False, 0)


def line(**changes: Any) -> str:
    return json.dumps(asdict(FULL) | changes)


def test_rows_are_read_as_they_were_written(tmp_path: Path):
    file = tmp_path / "new" / "results.jsonl"
    append_rows(file, [FULL])
    append_rows(file, [UNSCORED])
    assert read_rows(file) == [FULL, UNSCORED]


def test_a_row_is_one_line(tmp_path: Path):
    append_rows(tmp_path / "results.jsonl", [FULL, UNSCORED])
    assert (tmp_path / "results.jsonl").read_bytes().count(b"\n") == 2


def test_a_file_that_is_missing_holds_no_row(tmp_path: Path):
    assert read_rows(tmp_path / "results.jsonl") == []
    assert read_timings(tmp_path / "timings.jsonl") == []


def test_an_unscored_row_is_neither_right_nor_wrong(tmp_path: Path):
    append_rows(tmp_path / "results.jsonl", [UNSCORED])
    stored = json.loads((tmp_path / "results.jsonl").read_text())
    assert (stored["right"], stored["error"]) == (None, "the server refused")


def test_results_hold_no_latency():
    names = {field.name for field in fields(Row)}
    assert names == {
        *("arm", "seed", "id", "answer", "abstained", "right", "grounding", "retrieved"),
        *("scores", "prompt_tokens", "completion_tokens", "cost", "error"),
    }


@pytest.mark.parametrize("cut", [1, 2, 30, -1])
def test_a_cut_last_line_is_dropped(tmp_path: Path, cut: int):
    """-1 cuts a character in two."""
    file = tmp_path / "results.jsonl"
    append_rows(file, [UNSCORED, replace(FULL, answer="ü" * 40)])
    start = file.read_bytes().index(b"\n") + 1
    at = start + cut if cut > 0 else file.read_bytes().index("ü".encode()) + 1
    file.write_bytes(file.read_bytes()[:at])
    assert read_rows(file) == [UNSCORED]


def test_what_is_added_to_a_cut_file_takes_the_place_of_the_cut_line(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    append_rows(file, [UNSCORED, FULL])
    file.write_bytes(file.read_bytes()[:-20])
    append_rows(file, [FULL])
    whole = tmp_path / "whole.jsonl"
    append_rows(whole, [UNSCORED, FULL])
    assert file.read_bytes() == whole.read_bytes()


def test_a_file_of_nothing_but_a_cut_line_is_begun_anew(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    file.write_text('{"arm": "ra')
    append_rows(file, [FULL])
    assert read_rows(file) == [FULL]


def test_a_last_line_that_lacks_only_its_break_is_kept(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    append_rows(file, [UNSCORED, FULL])
    file.write_bytes(file.read_bytes()[:-1])
    assert read_rows(file) == [UNSCORED, FULL]
    append_rows(file, [row("rag", 0, "q-3")])
    assert read_rows(file) == [UNSCORED, FULL, row("rag", 0, "q-3")]


@pytest.mark.parametrize("bad", ['{"arm": "ra', "[1]", "3", "null", line(cost=float("nan"))])
def test_a_bad_line_before_the_last_is_named(tmp_path: Path, bad: str):
    file = tmp_path / "results.jsonl"
    file.write_text(f"{line()}\n{bad}\n{line()}\n")
    with pytest.raises(UnreadableRows) as caught:
        read_rows(file)
    assert str(caught.value).startswith(f"{file}: line 2: not an object in JSON (")


def test_a_line_that_is_not_utf_8_is_named_and_never_patched_up(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    file.write_bytes(line(answer="u").encode().replace(b'"u"', b'"\xfc"') + b"\n")
    with pytest.raises(UnreadableRows, match="line 1: not an object in JSON"):
        read_rows(file)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"right": 2}, "field 'right': 0, 1 or null, found 2"),
        ({"right": True}, "field 'right': int or NoneType is wanted, found True"),
        ({"right": "yes"}, "field 'right': int or NoneType is wanted, found 'yes'"),
        ({"seed": "0"}, "field 'seed': int is wanted, found '0'"),
        ({"seed": True}, "field 'seed': int is wanted, found True"),
        ({"id": 7}, "field 'id': str is wanted, found 7"),
        ({"answer": None}, "field 'answer': str is wanted, found None"),
        ({"abstained": 0}, "field 'abstained': bool is wanted, found 0"),
        ({"retrieved": "tank.md@0"}, "field 'retrieved': tuple is wanted, found 'tank.md@0'"),
        ({"retrieved": [3]}, "field 'retrieved': texts are wanted, found (3,)"),
        ({"scores": {"f1": "high"}}, "field 'scores.f1': a number is wanted, found 'high'"),
        ({"scores": {"f1": True}}, "field 'scores.f1': a number is wanted, found True"),
        ({"error": 500}, "field 'error': str or NoneType is wanted, found 500"),
        ({"ms": 12.5}, "not a row of results ("),
        ({"latency": 1}, "not a row of results ("),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, changes: dict[str, Any], words: str):
    file = tmp_path / "results.jsonl"
    file.write_text(f"{line()}\n\n{line(**changes)}\n")
    with pytest.raises(UnreadableRows) as caught:
        read_rows(file)
    assert str(caught.value).startswith(f"{file}: line 3: {words}")


def test_a_row_without_its_arm_is_refused(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    file.write_text('{"id": "q-1"}\n')
    with pytest.raises(UnreadableRows, match=r"line 1: not a row of results \(.*'arm'"):
        read_rows(file)


def test_a_score_that_is_no_number_is_never_written(tmp_path: Path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_rows(tmp_path / "results.jsonl", [replace(FULL, scores={"f1": float("nan")})])


def test_sorting_goes_by_arm_then_seed_as_a_number_then_question(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    ordered = [
        row("adapter", 2, "q-2"),
        row("adapter", 10, "q-1"),
        row("rag", 0, "q-1"),
        row("rag", 0, "q-10"),
        row("rag", 0, "q-2"),
    ]
    append_rows(file, ordered[::-1])
    write_sorted(file, read_rows(file))
    assert read_rows(file) == ordered


def test_sorting_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    append_rows(file, [FULL, UNSCORED])
    write_sorted(file, [UNSCORED])
    assert read_rows(file) == [UNSCORED]
    assert list(tmp_path.iterdir()) == [file]


def test_sorting_makes_the_folder_where_it_is_missing(tmp_path: Path):
    write_sorted(tmp_path / "new" / "results.jsonl", [FULL])
    assert read_rows(tmp_path / "new" / "results.jsonl") == [FULL]


def test_sorting_works_beside_a_file_that_differs_only_in_its_ending(tmp_path: Path):
    other = tmp_path / "results.new"
    other.write_text("precious")
    write_sorted(tmp_path / "results.jsonl", [FULL])
    assert other.read_text() == "precious"


def test_timings_are_read_as_they_were_written(tmp_path: Path):
    file = tmp_path / "new" / "timings.jsonl"
    timings = [Timing("rag", 0, "q-1", 12.5), Timing("rag", 0, "q-2", 7)]
    append_timings(file, timings[:1])
    append_timings(file, timings[1:])
    assert read_timings(file) == timings


def test_timings_may_take_the_place_of_the_file(tmp_path: Path):
    file = tmp_path / "timings.jsonl"
    append_timings(file, [Timing("rag", 0, "q-1", 12.5), Timing("prompt", 0, "q-1", 7.0)])
    write_timings(file, [Timing("prompt", 0, "q-1", 7.0)])
    assert read_timings(file) == [Timing("prompt", 0, "q-1", 7.0)]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"ms": "fast"}, "field 'ms': int or float is wanted, found 'fast'"),
        ({"right": 1}, "not a timing ("),
    ],
)
def test_a_timing_that_is_none_is_named(tmp_path: Path, bad: dict[str, Any], words: str):
    file = tmp_path / "timings.jsonl"
    file.write_text(json.dumps(asdict(Timing("rag", 0, "q-1", 1.0)) | bad) + "\n")
    with pytest.raises(UnreadableRows) as caught:
        read_timings(file)
    assert str(caught.value).startswith(f"{file}: line 1: {words}")
