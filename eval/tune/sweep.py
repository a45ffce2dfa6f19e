"""Chooses the learning rate: a short run for each, scored on dev."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from eval.task import Training
from eval.tune import base as bases
from eval.tune import record
from eval.tune.base import Diverged
from eval.tune.examples import Example, encode
from eval.tune.lora import identity_of, train
from eval.tune.recipe import Progress, Score, TrainSettings

SWEEP = "sweep.json"


@dataclass(frozen=True, slots=True)
class Sweep:
    """`accuracies`: on dev by rate, None where the rate diverged; `chosen`: the rate to use."""

    accuracies: Mapping[float, float | None]
    chosen: float


def sweep(
    base: Path,
    examples: Sequence[Example],
    training: Training,
    score: Score,
    out: Path,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
    *,
    name: str | None = None,
    scored_on: str = "",
) -> Sweep:
    """Train once a rate of `training.rates`, shortly, and choose the one that scores best.

    Equals go to the lower rate. Runs lie in folders of their own in `out`, so that an interrupted
    sweep goes on; the outcome is `sweep.json`, which is all that a finished sweep needs to be
    used again. A rate that diverges is recorded and never chosen; where all do, `Diverged` is
    raised. `name` and `scored_on` are as in `train`, as are the errors.
    """
    rates = sorted(set(training.rates))
    if not rates:
        raise ValueError("training: 'rates': at least one learning rate is wanted, found none")
    folder = bases.located(base)
    tokens = encode(bases.tokenizer_of(folder), examples, bases.window(folder))
    identity = identity_of(folder, name or base.name, training.method, tokens, examples, scored_on)
    identity["rates"] = rates
    identity["settings"] = {**asdict(sweep_settings(training, rates[0], seed)), "rate": None}
    known = _known(out / SWEEP, identity)
    if known:
        return known
    accuracies: dict[float, float | None] = {}
    epochs: dict[float, Sequence[float]] = {}
    for number, rate in enumerate(rates, start=1):
        step = _labelled(progress, f"rate {rate:g} ({number} of {len(rates)})")
        settings = sweep_settings(training, rate, seed)
        try:
            run = train(
                base,
                examples,
                settings,
                out / f"rate-{rate:g}",
                score,
                step,
                name=name,
                scored_on=scored_on,
            )
        except Diverged:
            accuracies[rate], epochs[rate] = None, ()
        else:
            accuracies[rate], epochs[rate] = run.accuracy, run.dev
    outcome = Sweep(accuracies, _choice(accuracies))
    rows = [
        {"rate": rate, "accuracy": accuracies[rate], "by_epoch": list(epochs[rate])}
        for rate in rates
    ]
    record.write_json(out / SWEEP, {**identity, "runs": rows, "chosen": outcome.chosen})
    return outcome


def sweep_settings(training: Training, rate: float, seed: int) -> TrainSettings:
    """A run of the sweep: `sweep_share` of the steps that a whole run takes.

    Whole epochs, on as large a share of the examples as that leaves: three epochs × 0.34 are one
    epoch of all examples, one epoch × 0.34 is one epoch of a third of them. The rate still rises
    and falls to 0 within the run, or the rates would be compared at other points of their way.
    """
    passes = training.sweep_share * training.epochs
    if not 0 < training.sweep_share <= 1:
        raise ValueError(
            f"training: 'sweep_share': more than 0, at most 1, found {training.sweep_share!r}"
        )
    epochs = max(1, round(passes))
    whole = TrainSettings.of(training, rate, seed)
    return replace(whole, epochs=epochs, share=min(1.0, passes / epochs))


def _choice(accuracies: Mapping[float, float | None]) -> float:
    scored = {rate: value for rate, value in accuracies.items() if value is not None}
    if not scored:
        raise Diverged(f"every rate of {sorted(accuracies)} diverged; try lower ones")
    return min(scored, key=lambda rate: (-scored[rate], rate))


def _known(file: Path, identity: record.Identity) -> Sweep | None:
    """The outcome of this very sweep, where it is there."""
    kept = record.read_json(file)
    if kept is None or record.difference(identity, kept):
        return None
    runs = cast(list[dict[str, Any]], kept["runs"])
    return Sweep({run["rate"]: run["accuracy"] for run in runs}, kept["chosen"])


def _labelled(
    progress: Callable[[Progress], None] | None, label: str
) -> Callable[[Progress], None] | None:
    """Notes that say which rate they are about."""
    if progress is None:
        return None
    return lambda step: progress(replace(step, note=f"{label}: {step.note}") if step.note else step)
