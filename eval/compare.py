"""`ragfirst eval run`: guards, selection, training, answers, latency, collateral, report."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.answering import Progress
from eval.findings import Finding, refuse, write_findings
from eval.generate import Generator, Request
from eval.guards import audit, corpus_files, corpus_texts
from eval.parts import inputs_digest
from eval.run import Comparison, Options
from eval.task import Task, UnreadableTask, read_task
from service.llm import LLMError, Reply
from service.settings import ServiceSettings

DONE = "done.json"
"""Written last: the digest of all inputs that the folder's results are of."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run folder with its report; `again`: it was finished before, nothing was done."""

    folder: Path
    report: dict[str, Any]
    again: bool


def run_task(
    task: Task,
    work: Path,
    generator: Callable[[], Generator],
    settings: ServiceSettings,
    options: Options,
    progress: Progress,
) -> Finished:
    """Carry out a comparison, or go on with it; one that is finished is answered at once.

    `generator` is called only where there is something to ask. Raises what the stages raise:
    `GuardBroken` before anything is asked, `LLMError`, `CannotTrain`, ….
    """
    digest = inputs_digest(task, [repr(options), _told(settings)])
    done = _read(work / DONE)
    if done.get("inputs") == digest and (work / "report.json").is_file():
        return Finished(work, _read(work / "report.json"), again=True)
    (work / DONE).unlink(missing_ok=True)
    asked = generator()
    try:
        with closing(Comparison(task, work, asked, settings, options, progress)) as comparison:
            check(comparison, options.override)
            comparison.select()
            comparison.train()
            comparison.answer()
            comparison.time()
            comparison.damage()
            report = comparison.report()
    finally:
        if close := getattr(asked, "close", None):
            close()
    (work / DONE).write_text(json.dumps({"inputs": digest}) + "\n", encoding="utf-8")
    return Finished(work, report, again=False)


_ANSWERING = frozenset(
    "embedder chunk_tokens chunk_overlap top_k candidates dense_weight sentence_share title_weight "
    "abstain_below max_tokens".split()
)
"""Settings that answers depend on."""


def _told(settings: ServiceSettings) -> str:
    return json.dumps(settings.model_dump(mode="json", include=set(_ANSWERING)), sort_keys=True)


def task_of(file: Path, arms: str | None = None) -> Task:
    """The task of a file, with only the arms that are named, where they are.

    Raises `UnreadableTask`.
    """
    task = read_task(file)
    if arms is None:
        return task
    named = [name.strip() for name in arms.split(",")]
    for name in named:
        if name not in task.arms:
            raise UnreadableTask(f"{file}: no arm {name!r}; the task has {', '.join(task.arms)}")
    return replace(task, arms=tuple(name for name in task.arms if name in named))


def generator_of(
    task: Task, settings: ServiceSettings, server: str | None = None, model: str | None = None
) -> Callable[[], Generator]:
    """What makes the task's model: in this process, or behind a server's base URL."""

    def make() -> Generator:
        if server:
            from eval.remote import RemoteGenerator

            key = settings.openai_api_key
            secret = key.get_secret_value() if key else None
            return RemoteGenerator(server, model or task.base, secret, timeout=settings.llm_timeout)
        from eval.local import LocalGenerator

        return LocalGenerator.load(task.base, Path(settings.cache), settings.threads)

    return make


def open_comparison(
    file: Path, work: Path, settings: ServiceSettings, progress: Progress
) -> Comparison:
    """A comparison for its guards alone: no model is loaded.

    In a folder of its own, so that a run's files stay as they are.
    """
    task = task_of(file)
    folder = work / f"{task.name}-audit"
    return Comparison(task, folder, NoGenerator(), settings, Options(), progress)


class NoGenerator:
    """Where nothing is to be asked."""

    name = "none"
    together = True

    def fingerprint(self, adapter: str | None) -> str:
        """See `Generator.fingerprint`."""
        return self.name

    def complete(self, requests: Sequence[Request]) -> list[Reply | LLMError]:
        """See `Generator.complete`."""
        return [LLMError("no model is loaded") for _ in requests]


def check(comparison: Comparison, override: Sequence[str] = ()) -> list[Finding]:
    """All guards; guards.json is written whatever they find. Raises `GuardBroken`."""
    split, task = comparison.split, comparison.task
    with comparison.parts.retrieval.answerer.reader.snapshot() as snapshot:
        documents, files = corpus_texts(snapshot), corpus_files(snapshot)
    findings = audit(
        task,
        split.train,
        split.dev,
        split.test,
        documents,
        comparison.closed_book(),
        files=files,
    )
    write_findings(comparison.work / "guards.json", findings)
    refused = refuse(findings, override)
    write_findings(comparison.work / "guards.json", refused)
    return refused


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
