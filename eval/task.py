"""Task files: YAML that declares a comparison before it is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast

import yaml

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


class UnreadableTask(ValueError):
    """A task file is not what it should be; the message names file, field and value."""


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
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableTask(f"{file}: cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise UnreadableTask(f"{file}: a mapping of fields is wanted, found {value!r}")
    given = cast(dict[str, Any], value)
    known = [item.name for item in fields(Task) if item.name != "file"]
    _known(given, known, str(file))
    for name in _REQUIRED:
        if given.get(name) in (None, "", [], {}):
            raise UnreadableTask(f"{file}: field {name!r} is missing or empty")
    kind = _one_of(given["kind"], ("knowledge", "format"), f"{file}: field 'kind'")
    arms = tuple(
        _one_of(arm, ARMS, f"{file}: field 'arms'") for arm in _list(given, "arms", str, file)
    )
    if "adapter-rag" in arms and "adapter" not in arms:
        raise UnreadableTask(f"{file}: field 'arms': 'adapter-rag' is compared beside 'adapter'")
    return Task(
        file=file,
        name=_typed(given, "name", str, file),
        kind=cast(Kind, kind),
        corpus=tuple(_path(file, path, "corpus") for path in _list(given, "corpus", str, file)),
        questions=_questions(file, _typed(given, "questions", dict, file)),
        grader=_one_of(given["grader"], GRADERS, f"{file}: field 'grader'"),
        target=_share(given, "target", file),
        margin=_share(given, "margin", file),
        arms=arms,
        seeds=_distinct(tuple(_list(given, "seeds", int, file)), f"{file}: field 'seeds'"),
        base=_typed(given, "base", str, file, BASE),
        specialist=_typed(given, "specialist", str, file, None),
        instructions=tuple(
            _list(given, "instructions", str, file) if given.get("instructions") else ()
        ),
        twice=_typed(given, "twice", bool, file, False),
        waive=tuple(
            _one_of(name, GUARDS, f"{file}: field 'waive'")
            for name in (_list(given, "waive", str, file) if given.get("waive") else ())
        ),
        training=_part(Training, given.get("training"), f"{file}: field 'training"),
        costs=_part(Costs, given.get("costs"), f"{file}: field 'costs"),
    )


def _part(kind: type[Any], value: Any, place: str) -> Any:
    """A nested group of settings, each checked against the type of its default."""
    if value is None:
        return kind()
    if not isinstance(value, dict):
        raise UnreadableTask(f"{place}': a mapping is wanted, found {value!r}")
    given = cast(dict[str, Any], value)
    _known(given, [item.name for item in fields(kind)], f"{place}'")
    made: dict[str, Any] = {}
    defaults = kind()
    for name, setting in given.items():
        default = getattr(defaults, name)
        wanted: Any = cast(Any, type(default))
        if wanted is float and isinstance(setting, int) and not isinstance(setting, bool):
            setting = float(setting)
        if wanted is tuple and isinstance(setting, list):
            setting = tuple(float(rate) for rate in cast(list[Any], setting))
        if not isinstance(setting, wanted) or (wanted is int and isinstance(setting, bool)):
            raise UnreadableTask(f"{place}.{name}': {wanted.__name__} is wanted, found {setting!r}")
        made[name] = setting
    if "method" in made:
        _one_of(made["method"], ("lora", "qlora", "full"), f"{place}.method'")
    return kind(**made)


def _questions(file: Path, given: dict[str, Any]) -> dict[str, Path]:
    _known(given, _SPLITS, f"{file}: field 'questions'")
    for split in _SPLITS:
        if not isinstance(given.get(split), str):
            raise UnreadableTask(f"{file}: field 'questions.{split}': a question file is wanted")
    return {split: _path(file, given[split], f"questions.{split}") for split in _SPLITS}


def _path(file: Path, path: str, name: str) -> Path:
    found = (file.parent / Path(path).expanduser()).resolve()
    if not found.exists():
        raise UnreadableTask(f"{file}: field {name!r}: {path!r} is not there ({found})")
    return found


def _known(given: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for name in given:
        if name not in known:
            raise UnreadableTask(f"{place}: unknown field {name!r}; known are {', '.join(known)}")


def _one_of(value: Any, known: Sequence[str], place: str) -> str:
    if value not in known:
        raise UnreadableTask(f"{place}: {value!r} is none of {', '.join(known)}")
    return cast(str, value)


def _share(given: Mapping[str, Any], name: str, file: Path) -> float:
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UnreadableTask(f"{file}: field {name!r}: a share from 0 to 1, found {value!r}")
    return float(value)


def _list(given: Mapping[str, Any], name: str, kind: type, file: Path) -> list[Any]:
    value = given[name] if isinstance(given[name], list) else [given[name]]
    for item in cast(list[Any], value):
        if not isinstance(item, kind) or isinstance(item, bool):
            raise UnreadableTask(
                f"{file}: field {name!r}: a list of {kind.__name__} is wanted, found {item!r}"
            )
    return cast(list[Any], value)


def _distinct(values: tuple[int, ...], place: str) -> tuple[int, ...]:
    if len(set(values)) < len(values):
        raise UnreadableTask(f"{place}: {list(values)} names one twice")
    return values


_MISSING = object()


def _typed(
    given: Mapping[str, Any], name: str, kind: type, file: Path, default: Any = _MISSING
) -> Any:
    value = given.get(name)
    if value is None and default is not _MISSING:
        return default
    if not isinstance(value, kind):
        raise UnreadableTask(f"{file}: field {name!r}: {kind.__name__} is wanted, found {value!r}")
    return value
