"""A comparison from task file to results, in stages that each go on where they were stopped."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.adapters import Adapters
from eval.answering import Answering, Progress, accuracy
from eval.arm import Arm
from eval.configure import BUDGET, Parts, configurations, oracle, trained
from eval.damage import measure_damage
from eval.export_run import export_run
from eval.generate import Cached, Generator
from eval.latency import measure
from eval.manifest import Manifest
from eval.outcome import judge
from eval.parts import Split, load_parts, read_split, task_json
from eval.passages import Passages
from eval.questions import write_questions
from eval.report.write import write_report
from eval.retrieval_arms import Rag
from eval.rows import Row, read_rows
from eval.selection import Selection, Tried
from eval.task import AGAIN, TRAINED, Task
from service.settings import ServiceSettings

RESULTS = "results.jsonl"

MAIN = ("closed-book", "few-shot", "rag", "adapter", "adapter-rag")
"""The arms of a quick look."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparison is run. `quick`: one seed, a third of the test questions, no verdict.

    `override`: guards that are let pass, loudly. `served`: how a server calls an adapter, with
    {task}, {arm} and {seed}; None where the model runs in this process.
    """

    quick: bool = False
    override: tuple[str, ...] = ()
    served: str | None = None


class Comparison:
    """One task in one run folder."""

    def __init__(
        self,
        task: Task,
        work: Path,
        generator: Generator,
        settings: ServiceSettings,
        options: Options,
        progress: Progress,
    ) -> None:
        """Read the questions and load index and embedder. Raises what those raise."""
        work.mkdir(parents=True, exist_ok=True)
        self.task = quickened(task) if options.quick else task
        self.work, self.options, self._progress = work, options, progress
        self.split: Split = read_split(task, options.quick)
        self.manifest = Manifest(work, self.task, options.quick)
        self.parts: Parts = load_parts(self.task, self.split, work.parent, settings, progress)
        self._adapters = Adapters(self.parts, self.split, work, settings, progress)
        self._plain = generator
        self._cached = Cached(generator, work.parent / "calls.db")
        self._passages = Passages(work / "passages.jsonl")
        self.selection = Selection()
        _write(work / "task.json", task_json(self.task))
        write_questions(work / "questions.jsonl", self.split.test)

    def select(self) -> Selection:
        """Score the `BUDGET` configurations of every arm on dev; adapters by their rates."""
        answering = self._answering("dev.jsonl")
        for name in self.task.arms:
            if name in TRAINED or name == "oracle":
                continue
            with self.manifest.timed(f"dev: {name}"):
                tried: list[Tried] = []
                for number, arm in enumerate(configurations(name, self.parts)):
                    rows = answering.ask(arm, 0, self.split.dev, f"{name}/{number}")
                    tried.append(Tried(dict(arm.settings), accuracy(rows), len(rows)))
            assert len(tried) == BUDGET
            self._select(name, tried)
        answering.close()
        return self.selection

    def train(self) -> None:
        """Choose each adapter's rate on dev, then train its seeds."""
        for name in self._trained():
            if self.options.served:
                self._select(name, [Tried({"served": self.options.served}, None, 0)])
                continue
            with self.manifest.timed(f"sweep: {name}"):
                tried, rate = self._adapters.sweep(name, self.task.seeds[0])
            self._select(name, tried)
            for seed in self._seeds(name):
                with self.manifest.timed(f"train: {name}, seed {seed}"):
                    self._adapters.train(name, seed, rate)

    def answer(self) -> list[Row]:
        """Ask every arm, in its chosen configuration, the test questions."""
        answering = self._answering(RESULTS)
        for name, seed, arm in self._arms():
            with self.manifest.timed(f"test: {name}, seed {seed}"):
                answering.ask(arm, seed, self.split.test, name)
        answering.close()
        return list(answering.rows.values())

    def time(self) -> None:
        """Single calls for latency, of the first seed of each arm."""
        firsts = {name: (name, seed, arm) for name, seed, arm in reversed(list(self._arms()))}
        arms = [one for one in reversed(firsts.values()) if one[0] != AGAIN]
        with self.manifest.timed("latency"):
            file = self.work / "timings.jsonl"
            measure(file, arms, self.split.test, self._plain, self._progress)

    def damage(self) -> None:
        """What adapters break beside the task; not where a recipe is compared with itself."""
        if self.task.twice:
            return
        adapters = [
            (name, seed, self._adapter(name, seed))
            for name in self._trained()
            for seed in self._seeds(name)
        ]
        with self.manifest.timed("collateral damage"):
            file = self.work / "collateral.json"
            measure_damage(adapters, self._cached, file, self._progress)

    def report(self) -> dict[str, Any]:
        """Write the report; the five tests are judged by its figures."""
        write_report(self.work)
        report = _read(self.work / "report.json")
        tests = judge(
            self.task,
            self.split.train,
            self.split.test,
            read_rows(self.work / RESULTS),
            report,
            _read(self.work / "selection.json"),
            _read(self.work / "guards.json"),
            self.manifest.seconds("train: ") + self.manifest.seconds("sweep: "),
        )
        _write(self.work / "warrant.json", [test.as_dict() for test in tests])
        write_report(self.work)
        export_run(self.work)
        return _read(self.work / "report.json")

    def closed_book(self) -> list[tuple[str, str]]:
        """Test questions and the whole prompt of the arms that answer from the model alone."""
        arm = trained("adapter", self.parts, None)
        found: list[tuple[str, str]] = []
        for question in self.split.test:
            request = arm.prepare(question).request
            text = "\n".join(message.content for message in request.messages) if request else ""
            found.append((question.id, text))
        return found

    def _arms(self) -> list[tuple[str, int, Arm]]:
        """All arms with the name and seed of their rows, in the order of the task."""
        arms: list[tuple[str, int, Arm]] = []
        for name in self.task.arms:
            if name in TRAINED:
                for seed in self._seeds(name):
                    again = seed not in self.task.seeds
                    arm = trained(name, self.parts, self._adapter(name, seed))
                    arms.append((AGAIN if again else name, seed, arm))
            elif name == "oracle":
                rag = self._chosen("rag")
                assert isinstance(rag, Rag)
                arms.append((name, 0, oracle(rag, self.parts)))
            else:
                arms.append((name, 0, self._chosen(name)))
        return arms

    def _chosen(self, name: str) -> Arm:
        """The arm in its chosen configuration; in its first where dev was not asked."""
        choice = self.selection.arms.get(name)
        return configurations(name, self.parts)[choice.chosen if choice else 0]

    def _trained(self) -> list[str]:
        return [name for name in self.task.arms if name in TRAINED]

    def _seeds(self, name: str) -> Sequence[int]:
        """The task's seeds; as many others too where an adapter is compared with itself."""
        seeds = self.task.seeds
        if self.task.twice and name == "adapter":
            return (*seeds, *(max(seeds) + 1 + i for i in range(len(seeds))))
        return seeds

    def _adapter(self, name: str, seed: int) -> str:
        if self.options.served:
            return self.options.served.format(task=self.task.name, arm=name, seed=seed)
        return str(self._adapters.folder(name, seed))

    def _select(self, name: str, tried: Sequence[Tried]) -> None:
        self.selection = self.selection.with_arm(name, tried)
        self.selection.write(self.work / "selection.json")

    def _answering(self, file: str) -> Answering:
        return Answering(
            self.work / file,
            self._cached,
            self.task.grader,
            self.task.costs,
            self._progress,
            self._passages.keep,
        )


def quickened(task: Task) -> Task:
    """A task that runs through in minutes: one seed, little training. No verdict comes of it."""
    examples = {name: 96 for name in TRAINED}
    short = replace(task.training, epochs=1, rates=(1e-3,), sweep_share=1.0, examples=examples)
    arms = tuple(name for name in task.arms if name in MAIN)
    return replace(task, arms=arms, seeds=task.seeds[:1], training=short, twice=False)


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _write(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
