"""Task files: YAML that declares a comparison before it is run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from eval.task_fields import (
    Loader,
    UnreadableTask,
    check_names,
    distinct,
    listed,
    one_of,
    part,
    share,
    typed,
)

Kind = Literal["knowledge", "format"]

BASE = "SmolLM2-135M-Instruct"
"""The base model where a task names none: the one that comes packaged."""

ARMS = (
    "closed-book",
    "prompt",
    "chain-of-thought",
    "few-shot",
    "constrained",
    "rag",
    "rag-few-shot",
    "oracle",
    "specialist",
    "adapter",
    "adapter-rag",
)
"""Every arm there is, in the order of reports."""

UNTRAINED = (
    "prompt",
    "chain-of-thought",
    "few-shot",
    "constrained",
    "rag",
    "rag-few-shot",
    "specialist",
)
"""Arms that need no training on the task: the best of them on dev is what an adapter must beat."""

TRAINED = ("adapter", "adapter-rag")

AGAIN = "adapter-again"
"""The arm of the control that compares one recipe with itself: other seeds, another name."""

GRADERS = ("contains", "penstock", "json")
GUARDS = ("gold-in-corpus", "leaks", "source-documents", "dates", "closed-book", "question-files")
"""The checks before a verdict; see `eval.guards`."""


@dataclass(frozen=True, slots=True)
class Training:
    """How adapters are trained (LoRA on all linear layers, loss on the completion only).

    `rates`: learning rates of the sweep, each scored on dev. `sweep_share`: part of the training
    steps that a run of the sweep gets. `examples`: how many training questions at most, by arm,
    where reading all of them would take too long.
    """

    method: Literal["lora", "qlora", "full"] = "lora"
    rank: int = 8
    rates: tuple[float, ...] = (3e-4, 1e-3, 2e-3)
    epochs: int = 3
    batch: int = 8
    sweep_share: float = 0.34
    examples: Mapping[str, int] = field(default_factory=dict[str, int])
    documents: bool = False


@dataclass(frozen=True, slots=True)
class Costs:
    """What money the comparison counts with. Currency: `currency`; every figure can be set.

    `machine_hour`: an hour of the machine that answers or trains. `prompt_million`,
    `completion_million`: a server's price for a million tokens. `answers_month`: volume.
    `gain_answer`: what one more right answer is worth. `project`: one-off cost of a fine-tuning
    project beside the machine (people, data). `upkeep_month`: keeping an adapter up to date.
    """

    currency: str = "EUR"
    machine_hour: float = 0.10
    prompt_million: float = 0.0
    completion_million: float = 0.0
    answers_month: int = 10_000
    gain_answer: float = 0.50
    project: float = 12_000.0
    upkeep_month: float = 500.0


@dataclass(frozen=True, slots=True)
class Task:
    """A declared comparison. Paths are absolute; `questions` has train, dev and test.

    `instructions`: what the prompt arm may say, tried on dev; for format tasks they describe the
    form. `specialist`: a reader, a model's name or an adapter's folder. `twice`: the control that
    trains the adapter again from other seeds and compares it with itself.
    """

    file: Path
    name: str
    kind: Kind
    corpus: tuple[Path, ...]
    questions: Mapping[str, Path]
    grader: str
    target: float
    margin: float
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    base: str = BASE
    specialist: str | None = None
    instructions: tuple[str, ...] = ()
    twice: bool = False
    waive: tuple[str, ...] = ()
    training: Training = Training()
    costs: Costs = Costs()


_REQUIRED = ("name", "kind", "corpus", "questions", "grader", "target", "margin", "arms", "seeds")
_SPLITS = ("train", "dev", "test")


def read_task(file: Path) -> Task:
    """The task of a YAML file. Raises `UnreadableTask`, naming file, field and value."""
    try:
        value = yaml.load(file.read_text(encoding="utf-8"), Loader)
    # A date that is none is a ValueError of its own in the YAML library.
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UnreadableTask(f"{file}: cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise UnreadableTask(f"{file}: a mapping of fields is wanted, found {value!r}")
    given = cast(dict[str, Any], value)
    known = [item.name for item in fields(Task) if item.name != "file"]
    check_names(given, known, str(file))
    for name in _REQUIRED:
        if given.get(name) in (None, "", [], {}):
            raise UnreadableTask(f"{file}: field {name!r} is missing or empty")
    kind = one_of(given["kind"], ("knowledge", "format"), f"{file}: field 'kind'")
    arms = tuple(
        one_of(arm, ARMS, f"{file}: field 'arms'") for arm in listed(given, "arms", str, file)
    )
    if "adapter-rag" in arms and "adapter" not in arms:
        raise UnreadableTask(f"{file}: field 'arms': 'adapter-rag' is compared beside 'adapter'")
    if "specialist" in arms and not given.get("specialist"):
        raise UnreadableTask(f"{file}: field 'specialist': the arm 'specialist' needs a reader")
    return Task(
        file=file,
        name=_folder_name(typed(given, "name", str, file), file),
        kind=cast(Kind, kind),
        corpus=distinct(
            tuple(_path(file, path, "corpus") for path in listed(given, "corpus", str, file)),
            f"{file}: field 'corpus'",
        ),
        questions=_questions(file, typed(given, "questions", dict, file)),
        grader=one_of(given["grader"], GRADERS, f"{file}: field 'grader'"),
        target=share(given, "target", file),
        margin=share(given, "margin", file),
        arms=distinct(arms, f"{file}: field 'arms'"),
        seeds=_seeds(given, file),
        base=typed(given, "base", str, file, BASE),
        specialist=typed(given, "specialist", str, file, None),
        instructions=tuple(listed(given, "instructions", str, file)),
        twice=typed(given, "twice", bool, file, False),
        waive=tuple(
            one_of(name, GUARDS, f"{file}: field 'waive'")
            for name in listed(given, "waive", str, file)
        ),
        training=_training(given, file),
        costs=part(Costs, given.get("costs"), f"{file}: field 'costs"),
    )


def _training(given: Mapping[str, Any], file: Path) -> Training:
    place = f"{file}: field 'training"
    training = cast(Training, part(Training, given.get("training"), place))
    one_of(training.method, ("lora", "qlora", "full"), f"{place}.method'")
    for arm in training.examples:
        one_of(arm, TRAINED, f"{place}.examples'")
    return training


def _questions(file: Path, given: dict[str, Any]) -> dict[str, Path]:
    check_names(given, _SPLITS, f"{file}: field 'questions'")
    for split in _SPLITS:
        if not isinstance(given.get(split), str):
            raise UnreadableTask(f"{file}: field 'questions.{split}': a question file is wanted")
    return {split: _path(file, given[split], f"questions.{split}") for split in _SPLITS}


def _path(file: Path, path: str, name: str) -> Path:
    place = f"{file}: field {name!r}"
    if not path.strip():
        raise UnreadableTask(f"{place}: a path is wanted, found {path!r}")
    try:
        found = (file.parent / Path(path).expanduser()).resolve()
        there = found.exists()
    except (OSError, RuntimeError, ValueError) as error:  # "~nobody/x", a name that is too long
        raise UnreadableTask(f"{place}: {path!r} is no path ({error})") from error
    if not there:
        raise UnreadableTask(f"{place}: {path!r} is not there ({found})")
    if name.startswith("questions.") and not found.is_file():
        raise UnreadableTask(f"{place}: {path!r} is no file ({found})")
    return found


def _seeds(given: Mapping[str, Any], file: Path) -> tuple[int, ...]:
    seeds: tuple[int, ...] = tuple(listed(given, "seeds", int, file))
    if min(seeds) < 0:
        raise UnreadableTask(f"{file}: field 'seeds': 0 or more is wanted, found {min(seeds)}")
    return distinct(seeds, f"{file}: field 'seeds'")


def _folder_name(name: str, file: Path) -> str:
    """A task's name, which names its run folder too."""
    if name != Path(name).name or name == ".." or "\\" in name:
        raise UnreadableTask(f"{file}: field 'name': a folder's name is wanted, found {name!r}")
    return name
