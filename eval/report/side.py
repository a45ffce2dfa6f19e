"""Every question with every arm's answers, as one compact block for the page's script. Pure.

Texts that come again (answers of a deterministic arm, passages, documents) stand once in a table
and are named by their place in it. Where a run is so large that the page would be slow, long
answers are cut in the page, never in questions.csv, and the block says at which length.
"""

import json
from collections import defaultdict
from typing import Any

from eval.report.folder import Json, Run
from eval.rows import Row

MAX_BYTES = 5_000_000
"""The largest block that a page carries."""

LENGTHS = (4000, 2000, 1000, 500, 250, 120)
"""Lengths to cut answers at, in characters, tried in this order."""

UNSCORED, WRONG, RIGHT = -1, 0, 1


class Table:
    """Texts, each once; `place` gives where one stands."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        """Where the text stands in the table, added where it is new."""
        if text not in self._places:
            self._places[text] = len(self.texts)
            self.texts.append(text)
        return self._places[text]


def side_by_side(run: Run) -> Json:
    """The block: {arms, baseline, cut, texts, passages, questions}.

    A question is [id, question, gold answers, answerable, source, evidence, cells by arm]; a cell
    is [seeds, right (-1 unscored), abstained, answer, grounding, retrieved, error], texts by their
    place. Seeds that gave the very same row share a cell. `passages` gives the texts of passages
    by their name, and is empty where they would not fit.
    """
    block: Json = {}
    for length in LENGTHS:
        block = _block(run, length)
        if len(as_json(block).encode()) <= MAX_BYTES:
            break
    named = {passage for row in run.rows for passage in row.retrieved}
    passages = {name: text for name, text in run.passages.items() if name in named}
    whole = block | {"passages": passages}
    return whole if len(as_json(whole).encode()) <= MAX_BYTES else block


def as_json(block: Json) -> str:
    """The block as text that may stand in a page: no character of it can end a script element."""
    text = json.dumps(block, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _block(run: Run, length: int) -> Json:
    table = Table()
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in run.rows:
        rows[row.id, row.arm].append(row)
    questions = [
        [
            question.id,
            question.question,
            list(question.answers),
            int(question.answerable),
            table.place(question.source),
            [_evidence(item) for item in question.evidence],
            [_cells(rows[question.id, arm], table, length) for arm in run.arms],
        ]
        for question in run.questions
    ]
    longest = max((len(row.answer) for row in run.rows), default=0)
    return {
        "arms": list(run.arms),
        "baseline": run.baseline,
        "cut": length if longest > length else None,
        "texts": table.texts,
        "passages": {},
        "questions": questions,
    }


def _evidence(item: Any) -> str:
    place = f", page {item.page}" if item.page else f", {item.section}" if item.section else ""
    return f"{item.document}{place}" + (f": {item.quote}" if item.quote else "")


def _cells(rows: list[Row], table: Table, length: int) -> list[list[Any]]:
    cells: dict[str, list[Any]] = {}
    for row in rows:
        cell = [
            UNSCORED if row.right is None else row.right,
            int(row.abstained),
            table.place(_cut(row.answer, length)),
            table.place(row.grounding),
            [table.place(passage) for passage in row.retrieved],
            table.place(row.error or ""),
        ]
        cells.setdefault(json.dumps(cell), [[], *cell])[0].append(row.seed)
    return list(cells.values())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + " …"
