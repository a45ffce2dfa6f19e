"""Rows of a run as files that other tools of evaluation read: Ragas, RAGChecker, EvalTrust."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.questions import Question


class UnusableRows(ValueError):
    """The rows cannot be a file of the tool; the message names what is in the way."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """What an arm with a seed answered to a question.

    `right`: None where the row is unscored. `contexts`: (id, text) of what was retrieved, best
    first, none for an arm that retrieves nothing. An id that is the document's path makes the
    figures of Ragas that compare ids possible, since the ids of gold are documents.
    """

    question: Question
    arm: str
    seed: int
    answer: str
    right: bool | None
    contexts: tuple[tuple[str, str], ...] = ()


def by_system(rows: Iterable[ExportRow]) -> dict[tuple[str, int], list[ExportRow]]:
    """The rows of each arm and seed, in order. Ragas and RAGChecker judge one of them a file."""
    systems: dict[tuple[str, int], list[ExportRow]] = {}
    for row in rows:
        systems.setdefault((row.arm, row.seed), []).append(row)
    return systems


def write_ragas(file: Path, rows: Sequence[ExportRow]) -> int:
    """Write JSON Lines that Ragas' `EvaluationDataset.from_jsonl` reads; returns their number.

    The reference is the first gold answer, null where the question is unanswerable. The field
    "id", which Ragas passes over, is the question's.

    Raises:
        UnusableRows: There are no rows, or rows of several arms or seeds, or a question twice.
    """
    _require_one_system(rows, "Ragas")
    return _write_lines(file, [_ragas(row) for row in rows])


def write_ragchecker(file: Path, rows: Sequence[ExportRow]) -> int:
    """Write the JSON that RAGChecker's `RAGResults.from_json` reads; returns the rows' number.

    The gold answer is the first one, empty where the question is unanswerable.

    Raises:
        UnusableRows: There are no rows, or rows of several arms or seeds, or a question twice.
    """
    _require_one_system(rows, "RAGChecker")
    results = [_ragchecker(row) for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"results": results}, ensure_ascii=False, indent=1)
    file.write_text(text + "\n", encoding="utf-8")
    return len(results)


def write_evaltrust(file: Path, rows: Sequence[ExportRow]) -> int:
    """Write the records that `evaltrust audit` reads, of all arms; returns their number.

    The model is the arm, the score 1 or 0; seeds of an arm count as its repeated runs. The score
    of an unscored row is null, which EvalTrust counts as a skipped row. "seed" and "source" are
    for the reader's own use: EvalTrust's files have no place for clusters.

    Raises:
        UnusableRows: There are no rows, a question twice for an arm and seed, or the file is not
            called .jsonl, by which EvalTrust knows JSON Lines.
    """
    if file.suffix != ".jsonl":
        raise UnusableRows(f"{file}: EvalTrust reads such rows from a file that ends in .jsonl")
    _require_distinct(rows)
    return _write_lines(file, [_evaltrust(row) for row in rows])


def _ragas(row: ExportRow) -> dict[str, Any]:
    evidence = row.question.evidence
    return {
        "id": row.question.id,
        "user_input": row.question.question,
        "retrieved_contexts": [text for _, text in row.contexts],
        "reference_contexts": [one.quote for one in evidence if one.quote],
        "retrieved_context_ids": [name for name, _ in row.contexts],
        "reference_context_ids": [one.document for one in evidence],
        "response": row.answer,
        "reference": row.question.answers[0] if row.question.answers else None,
    }


def _ragchecker(row: ExportRow) -> dict[str, Any]:
    return {
        "query_id": row.question.id,
        "query": row.question.question,
        "gt_answer": row.question.answers[0] if row.question.answers else "",
        "response": row.answer,
        "retrieved_context": [{"doc_id": name, "text": text} for name, text in row.contexts],
    }


def _evaltrust(row: ExportRow) -> dict[str, Any]:
    return {
        "id": row.question.id,
        "model": row.arm,
        "score": None if row.right is None else int(row.right),
        "seed": row.seed,
        "source": row.question.source,
    }


def _require_one_system(rows: Sequence[ExportRow], tool: str) -> None:
    _require_distinct(rows)
    systems = [f"{arm} (seed {seed})" for arm, seed in by_system(rows)]
    if len(systems) > 1:
        raise UnusableRows(
            f"{tool} judges one system a file, found {', '.join(systems)}; write a file for each "
            "arm and seed (`by_system`)"
        )


def _require_distinct(rows: Sequence[ExportRow]) -> None:
    if not rows:
        raise UnusableRows("there are no rows to export; run the comparison first")
    seen: set[tuple[str, int, str]] = set()
    for row in rows:
        key = (row.arm, row.seed, row.question.id)
        if key in seen:
            raise UnusableRows(
                f"arm {row.arm!r}, seed {row.seed}: two rows of the question {row.question.id!r}"
            )
        seen.add(key)


def _write_lines(file: Path, records: list[dict[str, Any]]) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    file.write_text("".join(lines), encoding="utf-8")
    return len(lines)
