"""Loading what a comparison needs: questions, the index, the answerer, examples."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eval.answering import Progress
from eval.configure import Parts
from eval.evidence import GoldPassages
from eval.examples import Examples
from eval.questions import Question, read_questions
from eval.retrieval_arms import Retrieval
from eval.task import Task
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.snapshot import Reader
from ingest.sync import Report, SyncSettings, sync
from service.answer import Answerer
from service.llm import LLM, LLMError, Message, Reply
from service.loading import LOCAL_TOKENS, load_embedder, retrieval_settings
from service.settings import ServiceSettings

EVERY = 4
"""A quick look asks one in so many questions of dev and test."""


@dataclass(frozen=True, slots=True)
class Split:
    """The questions of a task."""

    train: list[Question]
    dev: list[Question]
    test: list[Question]


class NotAsked:
    """In the answerer's place for a model: arms ask in batches, so it is never asked itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        """See `LLM.complete`."""
        raise LLMError("arms ask their model in batches")


def read_split(task: Task, quick: bool = False) -> Split:
    """The three question files. `quick`: every `EVERY`th dev and test question.

    Raises `UnreadableQuestions`.
    """
    train, dev, test = (read_questions(task.questions[name]) for name in ("train", "dev", "test"))
    if quick:
        return Split(train, dev[::EVERY], test[::EVERY])
    return Split(train, dev, test)


def open_index(
    task: Task,
    runs: Path,
    embedder: Embedder,
    progress: Progress,
    chunking: ChunkSettings | None = None,
) -> Reader:
    """The index of the task's corpus, brought in line; tasks over one corpus share it.

    `chunking`: to the embedder's own limit unless given. A file that cannot be read is told to
    `progress` and left out. Raises what `ingest.sync.sync` raises.
    """
    name = hashlib.sha256("\n".join(map(str, task.corpus)).encode()).hexdigest()[:12]
    folder = runs / "index" / name
    progress("index", 0, 1)
    cut = chunking or ChunkSettings(embedder.token_limit)
    settings = SyncSettings(cut, allow_mass_delete=True)
    report: Report = sync([(path, path.name) for path in task.corpus], folder, embedder, settings)
    for failure in report.failures:
        progress(f"index: cannot read {failure.path} ({failure.reason})", 0, 1)
    progress(f"index: {report.totals.documents} documents", 1, 1)
    return Reader(folder, embedder)


def load_parts(
    task: Task, split: Split, runs: Path, settings: ServiceSettings, progress: Progress
) -> Parts:
    """Embedder, index, answerer with the service's defaults, and training examples."""
    embedder = load_embedder(settings)
    limit = settings.chunk_tokens or embedder.token_limit
    cut = ChunkSettings(limit, settings.chunk_overlap)
    reader = open_index(task, runs, embedder, progress, cut)
    llm: LLM = NotAsked(task.base)
    answerer = Answerer(
        reader,
        embedder,
        llm,
        retrieval_settings(settings),
        settings.max_tokens or LOCAL_TOKENS,
        settings.abstain_below,
    )
    tested = {question.source for question in split.test} - {""}
    # A task that shows its adapter the test documents does not show them to prompts.
    apart = [question for question in split.train if question.source not in tested]
    examples = Examples(apart, embedder)
    return Parts(task, Retrieval(answerer), examples, GoldPassages(answerer))


def inputs_digest(task: Task, extra: Sequence[str] = ()) -> str:
    """SHA-256 of all that a run depends on: task, questions, corpus files, options."""
    digest = hashlib.sha256(json.dumps(task_json(task)).encode())
    for one in extra:
        digest.update(one.encode())
    for name, file in [*((one.name, one) for one in task.questions.values()), *_files(task.corpus)]:
        digest.update(f"{name} {_digest(file)}\n".encode())
    return digest.hexdigest()


def task_json(task: Task) -> dict[str, Any]:
    """The resolved task for JSON; paths as names below the task file's folder."""
    shown = asdict(replace(task, questions=dict(task.questions)))
    shown["file"] = task.file.name
    shown["corpus"] = [path.name for path in task.corpus]
    shown["questions"] = {name: path.name for name, path in task.questions.items()}
    return shown


def file_digests(task: Task) -> dict[str, str]:
    """The SHA-256 of each question file, by split."""
    return {name: _digest(path) for name, path in task.questions.items()}


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _files(roots: Sequence[Path]) -> list[tuple[str, Path]]:
    """All files of the roots with their paths below them, by which documents are called."""
    found: list[tuple[str, Path]] = []
    for root in roots:
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        found += [(file.relative_to(root).as_posix(), file) for file in files]
    return found
