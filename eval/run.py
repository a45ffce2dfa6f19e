"""A comparison from task file to results, in stages that each go on where they were stopped."""

import json
from collections.abc import Mapping, Sequence
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
from eval.latency import CALLS, measure
from eval.manifest import Manifest
from eval.outcome import judge
from eval.parts import Split, load_parts, read_split, task_json
from eval.passages import Passages
from eval.questions import write_questions
from eval.report.write import write_report
from eval.retrieval_arms import Rag, prompt_holds
from eval.rows import Row, read_rows
from eval.selection import Selection, Tried
from eval.task import AGAIN, TRAINED, Task, UnreadableTask
from service.settings import ServiceSettings

RESULTS = "results.jsonl"

QUICK_CALLS = 6
"""Calls that a quick look times: too few for a figure, enough to see the path."""

MAIN = ("closed-book", "few-shot", "rag", "adapter", "adapter-rag")
"""The arms of a quick look."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparison is run. `quick`: one seed, a quarter of the questions, no verdict.

    `override`: guards that are let pass, loudly. `served`: how a server calls an adapter, with
    {task}, {arm} and {seed}; None where the model runs in this process. `server`: the server's
    address and the base's name there, so that another one's answers are not taken for its own.
    """

    quick: bool = False
    override: tuple[str, ...] = ()
    served: str | None = None
    server: tuple[str, str] | None = None


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
        self._check_arms()
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
        self.selection.write(self.work / "selection.json")
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
        """Ask every arm, in its chosen configuration, the test questions.

        Rows of arms, seeds and questions that the task no longer has are dropped.
        """
        answering = self._answering(RESULTS)
        rows: dict[tuple[str, int, str], Row] = {}
        for name, seed, arm in self._arms():
            with self.manifest.timed(f"test: {name}, seed {seed}"):
                found = answering.ask(arm, seed, self.split.test, name)
            rows |= {one.key: one for one in found}
        answering.rows = rows
        answering.close()
        return list(rows.values())

    def time(self) -> None:
        """Single calls for latency, of the first seed of each arm; of what it could answer."""
        answered = {row.key for row in read_rows(self.work / RESULTS) if row.error is None}
        file, seen = self.work / "timings.jsonl", {AGAIN}
        with self.manifest.timed("latency"):
            for name, seed, arm in self._arms():
                if name in seen:
                    continue
                seen.add(name)
                asked = [one for one in self.split.test if (name, seed, one.id) in answered]
                calls = QUICK_CALLS if self.options.quick else CALLS
                measure(file, [(name, seed, arm)], asked, self._plain, self._progress, calls)

    def damage(self) -> None:
        """What adapters break beside the task; not in a quick look, nor against itself."""
        if self.task.twice or self.options.quick:
            return
        adapters = [
            (name, seed, self._adapter(name, seed))
            for name in self._trained()
            for seed in self._seeds(name)
        ]
        with self.manifest.timed("collateral damage"):
            file = self.work / "collateral.json"
            measure_damage(adapters, self._cached, file, self._progress)

    def close(self) -> None:
        """Close the cache of calls."""
        self._cached.close()

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
            _training_seconds(report),
        )
        _write(self.work / "warrant.json", [test.as_dict() for test in tests])
        write_report(self.work)
        export_run(self.work)
        return _read(self.work / "report.json")

    def closed_book(self) -> list[tuple[str, str]]:
        """Test questions and the whole prompt of the arms that answer from the model alone.

        With the adapters' instruction, and with those that the task itself gives.
        """
        arms: list[Arm] = [trained("adapter", self.parts, None)]
        for name in ("prompt", "chain-of-thought"):
            if name in self.task.arms:
                own = len(self.task.instructions)
                arms += configurations(name, self.parts)[:own]
        return [
            (question.id, prompt_holds(request.messages))
            for arm in arms
            for question in self.split.test
            if (request := arm.prepare(question).request)
        ]

    def _check_arms(self) -> None:
        """Raise `UnreadableTask` for an arm that cannot be asked, before any is."""
        for name in self.task.arms:
            if name not in TRAINED and name != "oracle":
                configurations(name, self.parts)
        if self.options.served is None:
            return
        if "constrained" in self.task.arms:
            raise UnreadableTask(
                f"{self.task.file}: field 'arms': 'constrained' decodes by a grammar, which needs "
                "the model in this process: leave the arm out, or run without a server"
            )
        names = [
            self._adapter(name, seed) for name in self._trained() for seed in self._seeds(name)
        ]
        if len(set(names)) < len(names):
            raise UnreadableTask(
                f"{self.task.file}: the server's names of adapters, {self.options.served!r}, give "
                f"{names[0]!r} to more than one: put {{arm}} and {{seed}} into them"
            )

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
            try:
                return self.options.served.format(task=self.task.name, arm=name, seed=seed)
            except (LookupError, ValueError, AttributeError) as error:
                raise UnreadableTask(
                    f"the server's names of adapters, {self.options.served!r}: only {{task}}, "
                    f"{{arm}} and {{seed}} can be filled in ({error!r})"
                ) from error
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
    examples = {"adapter": 96, "adapter-rag": 48}
    short = replace(task.training, epochs=1, rates=(1e-3,), examples=examples)
    arms = tuple(name for name in task.arms if name in MAIN)
    return replace(task, arms=arms or task.arms, seeds=task.seeds[:1], training=short, twice=False)


def _training_seconds(report: Mapping[str, Any]) -> float | None:
    """Of all seeds of `adapter` and its sweep, wherever they were trained; None where unknown."""
    training = next((arm["training"] for arm in report["arms"] if arm["name"] == "adapter"), None)
    return training["seconds"] if training else None


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _write(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
