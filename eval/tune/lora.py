"""Trains an adapter on examples: resumable, the same for the same seed, its best epoch kept."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from eval.tune import base as bases
from eval.tune import llama, record
from eval.tune.base import CannotTrain, Diverged
from eval.tune.examples import Example, Tokens, data_digest, encode, sampled, tokens_digest
from eval.tune.recipe import Progress, Score, Trained, TrainSettings
from eval.tune.run import CHECKPOINT_SECONDS, Run

__all__ = ["CannotTrain", "Diverged", "Progress", "Score", "TrainSettings", "Trained", "train"]


def train(
    base: Path,
    examples: Sequence[Example],
    settings: TrainSettings,
    out: Path,
    score: Score | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    name: str | None = None,
    scored_on: str = "",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Trained:
    """Train the model in folder `base` (called `name`) and leave the result in `out`.

    `out` then holds adapter_model.safetensors, adapter_config.json (peft's format; for method
    "full" a transformers folder) and, written last, train.json. A folder that is the result of
    this very run is reused; an interrupted run goes on from its checkpoint, which is written
    every `checkpoint_seconds` and at each epoch's end, and ends with the weights that it would
    have had undisturbed. `scored_on`: a digest of what `score` measures, so that another dev set
    trains anew. With `score`, the best epoch is kept (of equals the earlier), else the last.

    Raises `CompletionCut` where an example is longer than the base reads, `CannotTrain` where
    the machine cannot do it, `Diverged` where the rate is too high.
    """
    if not examples:
        raise CannotTrain("there are no examples to train on")
    folder = bases.located(base)
    tokenizer = bases.tokenizer_of(folder)
    tokens = encode(tokenizer, examples, bases.window(folder))
    identity = identity_of(folder, name or base.name, settings.method, tokens, examples, scored_on)
    identity["settings"] = asdict(settings)
    why = record.why_anew(out, identity)
    if not why:
        record.clear(out)
        return _reused(out)
    bases.check(settings.method, folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / record.RECORD).unlink(missing_ok=True)
    used = sampled(tokens, settings.share, settings.seed)
    run = Run(folder, tokenizer, used, settings, out, identity, score, progress, checkpoint_seconds)
    run.note(f"trains anew: {why}")
    return run.finish(why)


def identity_of(
    base: Path,
    name: str,
    method: bases.Method,
    tokens: Sequence[Tokens],
    examples: Sequence[Example],
    scored_on: str,
) -> dict[str, Any]:
    """What a result depends on, but for the settings.

    `computed`: the version of `eval.tune.llama` where that computes the steps, else empty.
    """
    return {
        "base": name,
        "weights": bases.weights_digest(base),
        "computed": llama.version(base, method),
        "data": data_digest(examples),
        "tokens": tokens_digest(tokens),
        "scored_on": scored_on,
    }


def _reused(folder: Path) -> Trained:
    kept = cast(dict[str, Any], record.read_json(folder / record.RECORD))
    return Trained(
        folder=folder,
        losses=tuple(value for _, value in kept["loss"]),
        dev=tuple(value for _, value in kept["dev"]),
        best_epoch=kept["best_epoch"],
        tokens=kept["tokens_seen"],
        seconds=kept["seconds"],
        reused=True,
        why="reused",
    )
