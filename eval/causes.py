"""Why an arm's wrong answers are wrong: the passage, the reading, or the form. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.grade import ANSWER_WORDS, contains
from eval.questions import Question
from eval.rows import Row
from eval.task import Kind


@dataclass(frozen=True, slots=True)
class Errors:
    """An arm's answers to the questions that have one, the wrong ones by their cause.

    `not_retrieved`, `not_reached`: no gold passage among the hits, or in the prompt. `misread`:
    wrong with the gold passage in the prompt. `malformed`: not parsed, empty, or the gold answer
    only beyond the words that count. `unequal`: parsed, and another value than the gold one.
    """

    arm: str
    questions: int
    not_retrieved: int = 0
    not_reached: int = 0
    misread: int = 0
    malformed: int = 0
    unequal: int = 0

    @property
    def missing(self) -> int:
        """Wrong for want of the passage: knowledge."""
        return self.not_retrieved + self.not_reached

    @property
    def form(self) -> int:
        """Wrong in form."""
        return self.malformed + self.unequal

    @property
    def wrong(self) -> int:
        """All wrong answers."""
        return self.missing + self.misread + self.form


def count_errors(
    arm: str, rows: Sequence[Row], questions: Mapping[str, Question], kind: Kind
) -> Errors | None:
    """The causes of an arm's wrong answers to answerable questions. Unscored rows do not count.

    None where a knowledge task's rows do not tell whether the gold passage was found.
    """
    counts: dict[str, int] = defaultdict(int)
    scored = 0
    for row in rows:
        question = questions[row.id]
        if row.arm != arm or row.right is None or not question.answerable:
            continue
        if kind == "knowledge" and "retrieved" not in row.scores:
            continue
        scored += 1
        if not row.right:
            counts[_cause(row, question, kind)] += 1
    return Errors(arm, scored, **counts) if scored else None


def _cause(row: Row, question: Question, kind: Kind) -> str:
    if kind == "format":
        return "unequal" if row.scores.get("parsed") else "malformed"
    if not row.scores.get("retrieved"):
        return "not_retrieved"
    if not row.scores.get("reached"):
        return "not_reached"
    late = contains(row.answer, question.answers) and not contains(
        row.answer, question.answers, ANSWER_WORDS
    )
    return "malformed" if late or not row.answer.strip() else "misread"
