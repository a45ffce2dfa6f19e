"""One epoch of TRL's SFTTrainer, for `bench.training`; run by the Python that has `trl`.

    VENV/bin/python bench/training_trl.py JOB.json

The job names base, rows (token ids, and how many of each are prompt), settings of SFTConfig and
the file for seconds and losses. Nothing of the repository is imported.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """The command."""
    job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # By name: what is there is the other environment's.
    torch, datasets, peft, transformers, trl = (
        importlib.import_module(name) for name in "torch datasets peft transformers trl".split()
    )
    torch.set_num_threads(job["threads"])
    clock: list[float] = []

    class Clock(transformers.TrainerCallback):
        """Takes the time from the first step's begin to the last one's end."""

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            if not clock:
                clock.append(time.process_time())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock[1:] = [time.process_time()]

    rows = [
        {
            "input_ids": row["ids"],
            "completion_mask": [0] * row["prompt"] + [1] * (len(row["ids"]) - row["prompt"]),
        }
        for row in job["rows"]
    ]
    trainer: Any = trl.SFTTrainer(
        model=job["base"],
        args=trl.SFTConfig(**job["settings"]),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=transformers.AutoTokenizer.from_pretrained(job["base"]),
        peft_config=peft.LoraConfig(
            r=job["rank"],
            lora_alpha=2 * job["rank"],
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
        callbacks=[Clock()],
    )
    trainer.train()
    losses = [one["loss"] for one in trainer.state.log_history if "loss" in one]
    kinds = {str(one.dtype) for one in trainer.model.parameters() if not one.requires_grad}
    found = {"seconds": clock[1] - clock[0], "losses": losses, "kinds": sorted(kinds)}
    Path(job["result"]).write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
