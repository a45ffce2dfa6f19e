"""What a trained folder says about itself (train.json), and what an interrupted run goes on from.

A run is identified by a mapping of plain values: base, weights, data, tokens, scored_on, settings.
Everything that changes the result is in it, and nothing that does not.
"""

import hashlib
import json
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

RECORD = "train.json"
CHECKPOINT = "checkpoint.pt"
BEST = "best.safetensors"

Identity = Mapping[str, Any]


@dataclass(slots=True)
class State:
    """How far a run is. `dev`: accuracy after each epoch scored; `seconds`: of training alone."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list[float])
    dev: list[float] = field(default_factory=list[float])


def difference(identity: Identity, found: Identity) -> str:
    """The first value in which two runs differ, in words; empty where they are one."""
    for name, wanted in identity.items():
        there = found.get(name)
        if isinstance(wanted, Mapping) and isinstance(there, Mapping):
            inner = difference(cast(Identity, wanted), cast(Identity, there))
            if inner:
                return inner
        elif there != wanted:
            return f"{name} was {there!r}, now {wanted!r}"
    return ""


def why_anew(folder: Path, identity: Identity) -> str:
    """Why a folder's adapter is no result of this run; empty where it is one, whole."""
    record = read_json(folder / RECORD)
    if record is None:
        return f"no {RECORD} is there" if not (folder / RECORD).exists() else f"bad {RECORD}"
    differs = difference(identity, record)
    if differs:
        return differs
    files = cast(dict[str, str], record.get("files") or {})
    for name, digest in files.items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if file_digest(file) != digest:
            return f"{name} is not the file that was written"
    return "" if files else f"{RECORD} names no file"


def read_json(file: Path) -> dict[str, Any] | None:
    """The object in a JSON file, or None where it is missing or holds no object."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def write_json(file: Path, value: Mapping[str, Any]) -> None:
    """Put a JSON file in place whole. Raises ValueError for a number that JSON does not have."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    _in_place(file, lambda work: work.write_text(text + "\n", encoding="utf-8"))


def write_checkpoint(
    folder: Path, identity: Identity, state: State, weights: Mapping[str, Any], optimizer: Any
) -> None:
    """Keep all that the rest of the run depends on, in one file that is whole or not there."""
    import torch

    content = {
        "identity": dict(identity),
        "step": state.step,
        "tokens": state.tokens,
        "seconds": state.seconds,
        "losses": list(state.losses),
        "dev": list(state.dev),
        "weights": dict(weights),
        "optimizer": optimizer.state_dict(),
        "chance": torch.get_rng_state(),
    }
    _in_place(folder / CHECKPOINT, lambda work: torch.save(content, work))


def read_checkpoint(
    folder: Path, identity: Identity, weights: Mapping[str, Any], optimizer: Any
) -> tuple[State, str]:
    """Put weights, optimizer and chance back; the state, and what was found, in words.

    Without a checkpoint of this very run nothing is touched and the state is a new one.
    """
    import torch

    file = folder / CHECKPOINT
    if not file.is_file():
        return State(), ""
    try:
        kept = cast(dict[str, Any], torch.load(file, map_location="cpu", weights_only=True))
        differs = difference(identity, cast(Identity, kept["identity"]))
        if differs:
            return State(), f"the checkpoint is another run's: {differs}"
        if set(kept["weights"]) != set(weights):
            return State(), "the checkpoint holds other weights"
        state = State(kept["step"], kept["tokens"], kept["seconds"], kept["losses"], kept["dev"])
    except (OSError, EOFError, RuntimeError, KeyError, pickle.UnpicklingError) as error:
        return State(), f"the checkpoint cannot be read ({type(error).__name__})"
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(kept["weights"][name])
    optimizer.load_state_dict(kept["optimizer"])
    torch.set_rng_state(kept["chance"])
    return state, f"continued at step {state.step}"


def write_best(folder: Path, weights: Mapping[str, Any]) -> None:
    """Keep the weights of the best epoch so far."""
    import safetensors.torch

    save = cast(Any, safetensors.torch).save_file
    tensors = {name: weight.detach().contiguous() for name, weight in weights.items()}
    _in_place(folder / BEST, lambda work: save(tensors, str(work)))


def load_best(folder: Path, weights: Mapping[str, Any]) -> None:
    """Put the weights of the best epoch back."""
    import safetensors.torch
    import torch

    kept = cast(dict[str, Any], cast(Any, safetensors.torch).load_file(str(folder / BEST)))
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(kept[name])


def clear(folder: Path) -> None:
    """Remove what only an unfinished run needs."""
    for name in (CHECKPOINT, BEST):
        for file in (folder / name, folder / f"{name}.new"):
            file.unlink(missing_ok=True)


def file_digest(file: Path) -> str:
    """SHA-256 of a file, as hex digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _in_place(file: Path, write: Callable[[Path], object]) -> None:
    """Write beside the file, then put it there: a kill leaves the old one or the new one."""
    work = file.with_name(f"{file.name}.new")
    write(work)
    with work.open("rb") as written:
        os.fsync(written.fileno())
    work.replace(file)
