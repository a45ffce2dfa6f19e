"""A run folder as a comparison leaves it, with made-up answers from a seeded generator."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from eval.questions import Evidence, Question, write_questions
from eval.rows import Row, Timing, append_timings, write_sorted

SKILL = {"closed-book": 0.05, "few-shot": 0.15, "rag": 0.7, "adapter": 0.1, "adapter-rag": 0.75}
"""How often an arm is right about an answerable question (retrieval arms: with the gold read)."""

SEEDS = (1, 2, 3)
HOSTILE = "<script>document.title='taken over'</script>"
"""An answer that a page must show, and never run."""


def write_run(
    folder: Path,
    *,
    skill: Mapping[str, float] = SKILL,
    seeds: Sequence[int] = SEEDS,
    questions: int = 40,
    sources: int = 12,
    unscored: int = 0,
    words: int = 6,
    **task: Any,
) -> Path:
    """Write a whole run. `unscored`: so many rows of the first arm met a dead server."""
    random = Random(7)
    asked = make_questions(questions, sources)
    rows: list[Row] = []
    for arm, rate in skill.items():
        for seed in seeds if arm.startswith("adapter") else (0,):
            rows += [_row(arm, seed, question, rate, random, words) for question in asked]
    rows[:unscored] = [_dead(row) for row in rows[:unscored]]
    folder.mkdir(parents=True, exist_ok=True)
    write_questions(folder / "questions.jsonl", asked)
    write_sorted(folder / "results.jsonl", rows)
    append_timings(folder / "timings.jsonl", _timings(rows, random))
    _write(folder / "task.json", make_task(skill, seeds) | task)
    _write(folder / "selection.json", _selection(skill))
    _write(folder / "guards.json", _guards())
    _write(folder / "warrant.json", _warrant())
    _write(folder / "collateral.json", _collateral())
    _write(folder / "manifest.json", _manifest())
    for arm in skill:
        for seed in seeds if arm.startswith("adapter") else ():
            _write(
                folder / "adapters" / arm / f"seed-{seed}" / "train.json",
                {"seconds": 600.0 + seed, "settings": {"seed": seed}},
            )
    return folder


def make_questions(count: int = 40, sources: int = 12) -> list[Question]:
    """Every fifth is not answerable."""
    return [
        Question(
            id=f"q-{number:03}",
            question=f"How deep is basin {number} & its <outer> dock?",
            answers=(f"{number} metres",) if number % 5 else (),
            answerable=bool(number % 5),
            evidence=(Evidence(f"basin-{number % sources}.md", f"It is {number} metres deep.", 1),)
            if number % 5
            else (),
            source=f"basin-{number % sources}.md",
        )
        for number in range(1, count + 1)
    ]


def make_task(skill: Mapping[str, float], seeds: Sequence[int]) -> dict[str, Any]:
    return {
        "file": "/somewhere/task.yaml",
        "name": "harbour",
        "kind": "knowledge",
        "grader": "contains",
        "target": 0.8,
        "margin": 0.05,
        "arms": list(skill),
        "seeds": list(seeds),
        "base": "SmolLM2-135M-Instruct",
        "twice": False,
        "waive": [],
        "costs": {"machine_hour": 0.1, "completion_million": 2.0},
    }


def change(file: Path, **fields: Any) -> None:
    """Set fields of a JSON file that holds an object."""
    _write(file, json.loads(file.read_text()) | fields)


def _row(arm: str, seed: int, question: Question, rate: float, random: Random, words: int) -> Row:
    number = int(question.id.removeprefix("q-"))
    retrieval = arm.endswith("rag")
    found = retrieval and question.answerable and random.random() < 0.9
    reached = found and random.random() < 0.95
    able = rate if not retrieval or reached else 0.02
    right = random.random() < (able if question.answerable else rate)
    abstained = right if not question.answerable else not right and random.random() < 0.2
    answer = question.answers[0] if question.answerable and right else f"{number + 1} metres"
    filler = " ".join(random.choice(("quay", "tide", "lock", "keel")) for _ in range(words))
    if arm == "adapter" and number == 2:
        filler = HOSTILE
    scores = {"exact_match": float(right), "f1": 0.9 if right else 0.2, "words": words + 2.0}
    if retrieval and question.answerable:
        scores |= {"retrieved": float(found), "reached": float(reached)}
    return Row(
        arm=arm,
        seed=seed,
        id=question.id,
        answer="I don't know." if abstained else f"{answer}, {filler}",
        abstained=abstained,
        right=int(right),
        grounding="model" if retrieval and not abstained else "",
        retrieved=(f"basin-{number % 12}.md@0", f"basin-{number % 7}.md@512") if retrieval else (),
        scores=scores,
        prompt_tokens=600 if retrieval else 60,
        completion_tokens=words + 4,
    )


def _dead(row: Row) -> Row:
    return Row(row.arm, row.seed, row.id, "", False, None, error="the server refused to connect")


def _timings(rows: Sequence[Row], random: Random) -> list[Timing]:
    """31 calls an arm, but for closed-book, which has too few."""
    timings: list[Timing] = []
    for arm in dict.fromkeys(row.arm for row in rows):
        mine = [row for row in rows if row.arm == arm][: 5 if arm == "closed-book" else 31]
        slow = 2000 if arm.endswith("rag") else 400
        timings += [Timing(arm, row.seed, row.id, slow + random.random() * 300) for row in mine]
    return timings


def _selection(skill: Mapping[str, float]) -> dict[str, Any]:
    def tried(arm: str, rate: float) -> dict[str, Any]:
        key = "rate" if arm.startswith("adapter") else "instruction"
        values = (3e-4, 1e-3, 2e-3) if key == "rate" else ("short", "polite", "exact")
        accuracies = (rate - 0.03, rate, rate - 0.01)
        return {
            "configurations": [
                {"settings": {key: value}, "dev_accuracy": accuracy, "questions": 20}
                for value, accuracy in zip(values, accuracies, strict=True)
            ],
            "chosen": 1,
        }

    baseline = "rag" if "rag" in skill else None
    return {arm: tried(arm, rate) for arm, rate in skill.items()} | {"baseline": baseline}


def _guards() -> list[dict[str, Any]]:
    return [
        {"name": "gold-in-corpus", "passed": True, "waived": False, "records": [], "note": ""},
        {"name": "leaks", "passed": True, "waived": False, "records": [], "note": ""},
        {
            "name": "source-documents",
            "passed": False,
            "waived": True,
            "records": ["basin-1.md", "basin-2.md"],
            "note": "both splits hold questions from these documents",
        },
        {"name": "question-files", "passed": True, "waived": False, "records": [], "note": ""},
    ]


def _warrant() -> list[dict[str, Any]]:
    return [
        {"name": "Problem", "outcome": "pass", "evidence": "A grader and an instruction exist."},
        {"name": "Prompting", "outcome": "fail", "evidence": "rag reaches 70 % of the target."},
        {"name": "Data", "outcome": "unknown", "evidence": "800 examples; 1,000 are wanted."},
        {"name": "Specificity", "outcome": "fail", "evidence": "The gap is knowledge."},
        {"name": "ROI", "outcome": "fail", "evidence": "It does not pay back in three months."},
    ]


def _collateral() -> dict[str, Any]:
    def after(passed: int, kept: int, old: int) -> dict[str, Any]:
        share, lost = kept / old, [f"i-{number}" for number in range(old - kept)]
        return {
            "passed": passed, "of": 40, "kept": kept, "share": share, "interval": [0.1, 0.9],
            "lost": lost, "gained": ["i-39"] * (passed - kept),
        }  # fmt: skip

    def alone(passed: int) -> dict[str, Any]:
        return {"passed": passed, "of": 40, "interval": [0.1, 0.9], "failed": ["i-39"]}

    return {
        "sets": {"instructions": 40, "refusals": 40},
        "before": {"instructions": alone(24), "refusals": alone(20)},
        "after": {
            arm: {
                str(seed): {"instructions": after(14 + seed, 12, 24), "refusals": after(6, 4, 20)}
                for seed in SEEDS
            }
            for arm in ("adapter", "adapter-rag")
        },
    }


def _manifest() -> dict[str, Any]:
    return {
        "base": "SmolLM2-135M-Instruct",
        "data_hashes": {"train": "a1" * 32, "dev": "c3" * 32, "test": "b2" * 32},
        "settings": {"top_k": 3},
        "commit": "0123456789abcdef",
        "versions": {"torch": "2.13.0"},
        "machine": "2 cores",
        "started": "2026-11-24T10:00:00+00:00",
        "quick": False,
        "stages_seconds": {"train: adapter, seed 1": 1800.5, "test: rag, seed 0": 900.25},
    }


def _write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=1), encoding="utf-8")
