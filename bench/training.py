"""How fast adapters are trained, beside TRL's SFTTrainer, and whether they learn the same.

    python -m bench.training --trl VENV/bin/python --rows short [--examples 96] [--ways …]

Rows are a task's own: `short` those of the demo's format task, `long` the facts task's with
passages in the prompt. Every way trains one epoch of the same examples from the same token ids,
LoRA alike (rank 8, alpha 16, all linear layers), batches of 8, rate 1e-3 falling to 0; ways run in
turns, each in a process of its own. Tokens are those of prompts and completions, padding left out;
seconds are processor time, from the first step's begin to the last one's end, on one thread unless
told otherwise, so that other work on the machine weighs little. Results are kept in the work folder
and the table is of all there; each way's fastest turn counts.

TRL lies in an environment of its own, for it is no dependency:
`python3 -m venv VENV && VENV/bin/pip install -c constraints.txt trl peft`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.tune.attention import rows_of
from eval.tune.base import located, tokenizer_of, window
from eval.tune.examples import Example, Tokens, batches, encode, pieces
from eval.tune.lora import train
from eval.tune.recipe import Progress, TrainSettings
from eval.tune.run import PIECE
from service.llm import Message

SETS = {"short": ("format", "adapter"), "long": ("facts", "adapter-rag")}
"""Rows by name: the task and the arm that they are of."""

SETTINGS = TrainSettings(rank=8, rate=1e-3, epochs=1, batch=8, seed=1, warmup=0.0)

_COMMON: dict[str, Any] = {
    "per_device_train_batch_size": SETTINGS.batch,
    "num_train_epochs": 1,
    "learning_rate": SETTINGS.rate,
    "lr_scheduler_type": "linear",
    "logging_steps": 1,
    "report_to": "none",
    "save_strategy": "no",
    "max_length": None,
    # The default for prompts and completions, but not for token ids with a mask.
    "completion_only_loss": True,
    "use_cpu": True,
    "disable_tqdm": True,
}
_BEST: dict[str, Any] = {
    "gradient_checkpointing": False,
    "model_init_kwargs": {"attn_implementation": "sdpa"},
}
TRL: dict[str, dict[str, Any]] = {
    "trl": {},
    "trl-best": {**_BEST, "train_sampling_strategy": "group_by_length"},
    "trl-padding-free": {**_BEST, "padding_free": True},
    "trl-same-batches": {**_BEST, "train_sampling_strategy": "sequential"},
}
"""Beside what all have in common: defaults; the best; without padding; and our own batches."""

WAYS = ("own", "recorded", *TRL)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", choices=SETS, default="short")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["own", "recorded"])
    parser.add_argument("--examples", type=int, default=96, help="so many, evenly spread")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each way")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trl", type=Path, help="the Python that has trl")
    parser.add_argument("--base", type=Path, help="a folder; the packaged model if not given")
    parser.add_argument("--work", type=Path, default=Path("runs/bench-training"))
    parser.add_argument("--table", action="store_true", help="only print what is there")
    parser.add_argument("--count", action="store_true", help="only count tokens, of all examples")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        train_one(json.loads(options.one.read_text(encoding="utf-8")))
        return
    if options.count:
        _count(options)
        return
    if any(way in TRL for way in options.ways) and not (options.table or options.trl):
        parser.error("--trl: the Python that has trl is wanted; see --help for how to make it")
    options.work.mkdir(parents=True, exist_ok=True)
    if not options.table:
        _measure(options)
    _print(options.work, options.rows, options.examples)


def spread(rows: Sequence[Tokens], count: int) -> list[Tokens]:
    """`count` of the rows at even distances."""
    count = min(count, len(rows))
    return [rows[at * len(rows) // count] for at in range(count)]


def _encoded(options: Any) -> tuple[Path, list[Example], list[Tokens]]:
    base = located(options.base or _packaged())
    examples = _examples(options.work, options.rows)
    return base, examples, encode(tokenizer_of(base), examples, window(base))


def _count(options: Any) -> None:
    """Count what passes the layers in an epoch, padded and as `eval.tune.attention` has it."""
    _, _, encoded = _encoded(options)
    order = batches(encoded, SETTINGS.batch, SETTINGS.seed, 1)
    parts = [part for batch in order for part in pieces(batch, PIECE)]
    tokens = sum(len(one.ids) for one in encoded)
    learned = tokens - sum(one.prompt for one in encoded)
    padded = sum(len(part) * max(len(one.ids) for one in part) for part in parts)
    once = sum(len(rows_of(part).ids) for part in parts)
    print(
        f"{options.rows}: {len(encoded)} examples, {tokens} tokens, {learned} of them "
        f"learned; padded {padded}; without padding and common beginnings once {once}"
    )


def _measure(options: Any) -> None:
    base, examples, encoded = _encoded(options)
    at = {id(one): place for place, one in enumerate(encoded)}
    chosen = spread(encoded, options.examples)
    # For TRL in the order of our own batches, which only the sequential way keeps.
    order = [one for batch in batches(chosen, SETTINGS.batch, SETTINGS.seed, 1) for one in batch]
    # What TRL goes by, as SmolLM2's makers publish it; converted from GGUF it says float32.
    says = {"dtype": "bfloat16", "architectures": ["LlamaForCausalLM"]}
    published = changed(base, options.work / "published", says)
    job: dict[str, Any] = {
        "threads": options.threads,
        "rank": SETTINGS.rank,
        "rows": [{"ids": one.ids, "prompt": one.prompt} for one in order],
        "examples": [_as_json(examples[at[id(one)]]) for one in chosen],
        "work": str(options.work),
    }
    for turn in range(options.rounds):
        for way in options.ways:
            name = f"{options.rows}-{len(chosen)}-{way}"
            result = options.work / f"{name}-{turn}-{os.getpid()}.json"
            settings = {**_COMMON, **TRL.get(way, {}), "output_dir": str(options.work / "trl")}
            told = {**job, "way": way, "result": str(result), "settings": settings}
            told["base"] = str((published if way in TRL else base).resolve())
            file = options.work / f"job-{os.getpid()}.json"
            file.write_text(json.dumps(told), encoding="utf-8")
            ours = [sys.executable, "-m", "bench.training", "--one", str(file)]
            theirs = [str(options.trl), "bench/training_trl.py", str(file)]
            quiet = {**os.environ, "TRANSFORMERS_VERBOSITY": "error"}
            threads = {"OMP_NUM_THREADS": str(options.threads)}
            subprocess.run(theirs if way in TRL else ours, check=True, env=quiet | threads)
            found = json.loads(result.read_text(encoding="utf-8"))
            about = {"way": way, "rows": options.rows, "examples": len(chosen)}
            count = sum(len(one.ids) for one in chosen)
            written = json.dumps({**about, "tokens": count, **found})
            result.write_text(written + "\n", encoding="utf-8")


def train_one(job: dict[str, Any]) -> None:
    """Train by this repository's own code and write seconds and losses."""
    import torch

    torch.set_num_threads(job["threads"])
    work, base = Path(job["work"]), Path(job["base"])
    if job["way"] == "recorded":
        # The same activation by another name: no plain Llama any more, so torch records its steps.
        base = changed(base, work / "recorded", {"hidden_act": "swish"})
    out = work / f"adapter-{os.getpid()}"
    shutil.rmtree(out, ignore_errors=True)
    examples = [
        Example(tuple(Message(*turn) for turn in one["messages"]), one["completion"])
        for one in job["examples"]
    ]
    clock: list[float] = []

    def tick(_: Progress) -> None:
        # First the note that all is loaded, then the steps.
        clock[1:] = [time.process_time()]

    done = train(base, examples, SETTINGS, out, progress=tick)
    found = {"seconds": clock[1] - clock[0], "losses": done.losses}
    Path(job["result"]).write_text(json.dumps(found) + "\n", encoding="utf-8")


def changed(base: Path, folder: Path, values: dict[str, Any]) -> Path:
    """The base with other values in its config."""
    folder.mkdir(exist_ok=True)
    for file in base.iterdir():
        link = folder / file.name
        link.unlink(missing_ok=True)
        if file.name != "config.json":
            link.symlink_to(file.resolve())
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **values}), encoding="utf-8")
    return folder


def _examples(work: Path, rows: str) -> list[Example]:
    """A task's training examples, made once."""
    from eval.parts import load_parts, read_split
    from eval.task import read_task
    from eval.training import training_examples
    from service.settings import ServiceSettings

    file = work / f"{rows}.jsonl"
    if not file.is_file():
        task, arm = SETS[rows]
        read = read_task(Path("corpus/tasks") / task / "task.yaml")
        split = read_split(read)
        parts = load_parts(read, split, work, ServiceSettings(), _quiet)
        made = [_as_json(one) for one in training_examples(arm, parts, split.train)]
        file.write_text("".join(json.dumps(one) + "\n" for one in made), encoding="utf-8")
    kept = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Example(tuple(Message(*turn) for turn in one["messages"]), one["completion"])
        for one in kept
    ]


def _quiet(what: str, done: int, of: int) -> None:
    """Tell nothing."""


def _as_json(example: Example) -> dict[str, Any]:
    turns = [(turn.role, turn.content) for turn in example.messages]
    return {"messages": turns, "completion": example.completion}


def _packaged() -> Path:
    from service.local_chat import DEFAULT, model_folder
    from service.settings import ServiceSettings

    return model_folder(DEFAULT, Path(ServiceSettings().cache))


def _print(work: Path, rows: str, examples: int) -> None:
    files = sorted(work.glob(f"{rows}-{examples}-*.json"))
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    best: dict[str, dict[str, Any]] = {}
    for run in sorted(runs, key=lambda run: -run["seconds"]):
        best[run["way"]] = run
    slowest = best.get("trl") or max(best.values(), key=lambda run: run["seconds"])
    print(f"{examples} examples, {slowest['tokens']} tokens; load {os.getloadavg()[0]:.1f}\n")
    print("| way | turns | seconds | tokens/s | ratio |\n|---|---|---|---|---|")
    shown = [way for way in WAYS if way in best]
    for way in shown:
        run = best[way]
        turns = sum(one["way"] == way for one in runs)
        speed, ratio = run["tokens"] / run["seconds"], slowest["seconds"] / run["seconds"]
        print(f"| {way} | {turns} | {run['seconds']:.1f} | {speed:.0f} | {ratio:.2f} |")
    print(f"\n| step | {' | '.join(shown)} |\n|{'---|' * (len(shown) + 1)}")
    for step in range(max(len(best[way]["losses"]) for way in shown)):
        losses = [best[way]["losses"][step : step + 1] for way in shown]
        cells = [f"{one[0]:.3f}" if one else "" for one in losses]
        print(f"| {step + 1} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
