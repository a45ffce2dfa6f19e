"""Asking an arm a list of questions: in fixed batches, written as they come, gone on with."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from eval.arm import Arm, Prepared
from eval.evidence import chunk_name
from eval.generate import Generator
from eval.questions import Question
from eval.rows import Row, append_rows, read_rows, write_sorted
from eval.score import failed, late, row
from eval.task import Costs
from ingest.stored import StoredChunk
from service.llm import LLMError, LLMTimeout

BATCH = 16
"""Questions a batch. Which questions share one never depends on what is done already."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class Answering:
    """Rows of a results file, and what is missing in it."""

    def __init__(
        self,
        file: Path,
        generator: Generator,
        grader: str,
        costs: Costs,
        progress: Progress,
        keep: Callable[[Sequence[StoredChunk]], None] | None = None,
    ) -> None:
        """`keep` is given the passages of every answer."""
        self._file = file
        self._generator = generator
        self._grader = grader
        self._costs = costs
        self._progress = progress
        self._keep = keep
        self.rows = {found.key: found for found in read_rows(file)}
        self._origins = Origins(file.with_name(f"{file.stem}.origins.json"))

    def ask(self, arm: Arm, seed: int, questions: Sequence[Question], name: str = "") -> list[Row]:
        """The rows of an arm, asked for where they are missing or unscored, in the given order.

        `name`: what the rows call the arm, where that is not its own name.
        """
        name = name or arm.name
        done = 0
        self._progress(f"{name}, seed {seed}", done, len(questions))
        ready = {question.id: arm.prepare(question) for question in questions}
        system, origin = f"{name}, seed {seed}", self._origin(arm, questions, ready)
        if self._origins.known.get(system) != origin:
            self.rows = {key: one for key, one in self.rows.items() if key[:2] != (name, seed)}
            self.close()
            self._origins.note(system, origin)
        for batch in batches(questions, ready):
            if not all(self._is_done(name, seed, question) for question in batch):
                rows = self._batch(arm, name, seed, batch, ready)
                append_rows(self._file, rows)
                self.rows |= {one.key: one for one in rows}
            done += len(batch)
            self._progress(f"{name}, seed {seed}", done, len(questions))
        return [self.rows[name, seed, question.id] for question in questions]

    def close(self) -> None:
        """Sort the file; of a row that was asked for again only the last stays."""
        if self.rows or self._file.is_file():
            write_sorted(self._file, self.rows.values())

    def _origin(
        self, arm: Arm, questions: Sequence[Question], ready: Mapping[str, Prepared]
    ) -> str:
        """A digest of all that rows come from: questions, gold answers, requests, model, prices.

        Rows of another origin are stale. Asking again is cheap where the calls are cached.
        """
        prices = [self._costs.prompt_million, self._costs.completion_million]
        told: list[Any] = [self._grader, prices, dict(arm.settings)]
        for question in questions:
            prepared = ready[question.id]
            told += [question.as_dict(), [chunk_name(chunk) for chunk in prepared.passages]]
            if one := prepared.request:
                told.append({**asdict(one), "adapter": self._generator.fingerprint(one.adapter)})
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def _is_done(self, name: str, seed: int, question: Question) -> bool:
        found = self.rows.get((name, seed, question.id))
        return found is not None and found.right is not None

    def _batch(
        self,
        arm: Arm,
        name: str,
        seed: int,
        batch: Sequence[Question],
        ready: Mapping[str, Prepared],
    ) -> list[Row]:
        """Rows of a batch for what is not done of it; all of it is asked, as it always is."""
        prepared = [ready[question.id] for question in batch]
        asked = [(i, one.request) for i, one in enumerate(prepared) if one.request is not None]
        replies = self._generator.complete([request for _, request in asked]) if asked else []
        by_place = {i: reply for (i, _), reply in zip(asked, replies, strict=True)}
        rows: list[Row] = []
        grader, costs = self._grader, self._costs
        for i, (question, one) in enumerate(zip(batch, prepared, strict=True)):
            if self._is_done(name, seed, question):
                continue
            self._note(one)
            reply = by_place.get(i)
            if isinstance(reply, LLMTimeout):
                rows.append(late(name, seed, question, one, reply, grader, costs))
            elif isinstance(reply, LLMError):
                rows.append(failed(name, seed, question, reply))
            else:
                given = arm.finish(question, one, reply)
                rows.append(row(name, seed, question, one, given, reply, grader, costs))
        return rows

    def _note(self, prepared: Prepared) -> None:
        if self._keep and prepared.passages:
            self._keep(prepared.passages)


class Origins:
    """What the rows of a results file came from, in a file beside it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.known: dict[str, str] = {}
        try:
            value = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return  # nothing is known of any row: all are asked for again
        if isinstance(value, dict):
            self.known = cast(dict[str, str], value)

    def note(self, name: str, origin: str) -> None:
        """Keep the origin of `name`."""
        self.known[name] = origin
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self.known, indent=1) + "\n", encoding="utf-8")


def batches(
    questions: Sequence[Question], ready: Mapping[str, Prepared]
) -> Iterator[list[Question]]:
    """Questions whose prompts begin alike together: what they begin with is read once.

    `ready`: what each question was prepared to, by its id.
    """

    def prompt(question: Question) -> list[str]:
        request = ready[question.id].request
        return [message.content for message in request.messages] if request else []

    ordered = sorted(questions, key=lambda question: (prompt(question), question.id))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def accuracy(rows: Sequence[Row]) -> float | None:
    """The share that is right of what is scored; None where nothing is."""
    scored = [found.right for found in rows if found.right is not None]
    return sum(scored) / len(scored) if scored else None
