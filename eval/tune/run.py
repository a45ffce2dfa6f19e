"""The training loop, and what lives through it."""

import importlib.metadata
import importlib.util
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from eval.tune import base as bases
from eval.tune import model as models
from eval.tune import record
from eval.tune.base import Diverged
from eval.tune.examples import Tokens, batches, families, pieces
from eval.tune.recipe import Progress, Score, Trained, TrainSettings, best, rate_at
from eval.tune.record import State

CLIP = 1.0
CHECKPOINT_SECONDS = 180.0
PIECE = 2048
"""Tokens that are differentiated at once. Prompts with passages, 8 a batch, 135M parameters: the
whole process takes 6 GB at its peak, where it took 13 with all of a batch at once."""


class Run:
    """One run: made, then finished, once."""

    def __init__(
        self,
        base: Path,
        tokenizer: Any,
        tokens: Sequence[Tokens],
        settings: TrainSettings,
        out: Path,
        identity: record.Identity,
        score: Score | None,
        progress: Callable[[Progress], None] | None,
        checkpoint_seconds: float,
    ) -> None:
        import torch

        self._settings, self._tokens, self._out = settings, tokens, out
        self._tokenizer, self._identity = tokenizer, identity
        self._score, self._progress, self._every = score, progress, checkpoint_seconds
        cast(Any, torch).manual_seed(settings.seed)
        length = sum(len(one.ids) for one in tokens) / len(tokens)
        loaded = bases.load(base, settings.method, length)
        self._model = models.wrap(loaded, settings.method, settings.rank, str(identity["base"]))
        self._weights = models.trained_weights(self._model)
        pad = tokenizer.pad_token_id or 0
        self._learns = models.steps_of(self._model, str(identity["computed"]), pad)
        self._optimizer: Any = torch.optim.AdamW(
            list(self._weights.values()),
            lr=settings.rate,
            betas=(0.9, 0.999),
            weight_decay=0.0,
            fused=True,
        )
        self._epoch_steps = math.ceil(len(families(tokens)) / settings.batch)
        self._steps = settings.epochs * self._epoch_steps
        self._state = State()

    def note(self, text: str) -> None:
        """Tell what the run begins to do."""
        if self._progress:
            done = self._state.step
            epoch = min(done // self._epoch_steps + 1, self._settings.epochs)
            self._progress(Progress(done, self._steps, epoch, note=text))

    def finish(self, why: str) -> Trained:
        """Train to the end, write the result, then its record, and tidy up."""
        models.check_loss(self._model, self._learns, self._tokens)
        self._state, found = record.read_checkpoint(
            self._out, self._identity, self._weights, self._optimizer
        )
        if found:
            self.note(found)
        self._model.train()
        for epoch in range(1, self._settings.epochs + 1):
            if self._state.step < epoch * self._epoch_steps:
                self._train(epoch)
            if self._score and len(self._state.dev) < epoch:
                self._state.dev.append(self._scored(epoch))
                if best(self._state.dev) == epoch:
                    record.write_best(self._out, self._weights)
                self._checkpoint()
            if self._score and epoch - best(self._state.dev[:epoch]) >= self._settings.patience:
                break
        kept = best(self._state.dev) if self._score else self._settings.epochs
        if self._score:
            record.load_best(self._out, self._weights)
        names = models.save(self._model, self._tokenizer, self._out)
        record.write_json(self._out / record.RECORD, self._as_record(kept, names))
        record.clear(self._out)
        return Trained(
            folder=self._out,
            losses=tuple(self._state.losses),
            dev=tuple(self._state.dev),
            best_epoch=kept,
            tokens=self._state.tokens,
            seconds=self._state.seconds,
            reused=False,
            why=why,
        )

    def _train(self, epoch: int) -> None:
        settings, state = self._settings, self._state
        order = batches(self._tokens, settings.batch, settings.seed, epoch)
        begun = saved = time.perf_counter()
        before = (state.seconds, state.tokens)
        for chosen in order[state.step - (epoch - 1) * self._epoch_steps :]:
            loss, count = self._step(chosen)
            state.step += 1
            state.losses.append(round(loss, 5))
            state.tokens += count
            now = time.perf_counter()
            state.seconds = before[0] + now - begun
            if now - saved >= self._every or state.step == epoch * self._epoch_steps:
                self._checkpoint()
                saved = time.perf_counter()
            if self._progress:
                speed = (state.tokens - before[1]) / (now - begun)
                self._progress(Progress(state.step, self._steps, epoch, loss, speed))

    def _step(self, chosen: Sequence[Tokens]) -> tuple[float, int]:
        import torch

        parts = pieces(chosen, PIECE)
        scored = [sum(len(one.ids) - one.prompt for one in part) for part in parts]
        for group in self._optimizer.param_groups:
            group["lr"] = rate_at(self._state.step, self._steps, self._settings)
        value = 0.0
        for part, count in zip(parts, scored, strict=True):
            # Weighed by its tokens, the pieces' gradients add up to that of the batch.
            share = count / sum(scored)
            value += share * self._learns.learn(part, share)
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights.values(), CLIP))
        if not (math.isfinite(value) and math.isfinite(norm)):
            raise Diverged(
                f"step {self._state.step + 1}: the loss is {value}, its gradient {norm}; the rate "
                f"{self._settings.rate:g} is too high for this base and these examples"
            )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return value, sum(len(one.ids) for one in chosen)

    def _scored(self, epoch: int) -> float:
        """Accuracy on dev; whatever the scoring does with chance, training does not see it."""
        import torch

        self.note(f"scores epoch {epoch} on dev")
        self._model.eval()
        with cast(Any, torch).random.fork_rng(devices=[]), torch.no_grad():
            value = float(cast(Score, self._score)(self._model, self._tokenizer))
        self._model.train()
        if not 0 <= value <= 1:
            raise ValueError(f"a dev accuracy is from 0 to 1, the scoring gave {value!r}")
        return value

    def _checkpoint(self) -> None:
        record.write_checkpoint(
            self._out, self._identity, self._state, self._weights, self._optimizer
        )

    def _as_record(self, kept: int, names: Sequence[str]) -> dict[str, Any]:
        state = self._state
        speed = state.tokens / state.seconds if state.seconds else 0.0
        return {
            **self._identity,
            "seed": self._settings.seed,
            "examples": len(self._tokens),
            "steps": state.step,
            "best_epoch": kept,
            "dev": [[epoch, value] for epoch, value in enumerate(state.dev, start=1)],
            "loss": [[step, value] for step, value in enumerate(state.losses, start=1)],
            "tokens_seen": state.tokens,
            "tokens_per_second": round(speed, 1),
            "seconds": round(state.seconds, 2),
            "dtype": str(bases.computing(bases.device(self._settings.method))).removeprefix(
                "torch."
            ),
            "versions": {
                one: importlib.metadata.version(one)
                for one in ("torch", "peft", "transformers")
                if importlib.util.find_spec(one)
            },
            "files": {one: record.file_digest(self._out / one) for one in names},
        }
