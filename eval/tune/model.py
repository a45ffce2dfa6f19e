"""The model in training: wrapped, its loss on completions, and its result as files."""

import copy
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from eval.tune.base import CannotTrain, Method, computing
from eval.tune.examples import Batch, Tokens, padded
from eval.tune.llama import Llama

AGREES = 0.02
"""How far the loss may be from the model's own, as a share of it (rounding in bfloat16)."""

COMPARED = 64
"""Tokens over which it is compared, where there are as many."""


def wrap(model: Any, method: Method, rank: int, name: str) -> Any:
    """The base with LoRA on all linear layers but the output's (alpha = 2r, dropout 0).

    LoRA: Hu et al., 2106.09685; all linear layers: Dettmers et al., 2305.14314. For method
    "full" the base itself, all weights to be trained. The adapter's weights are float32.
    """
    if method == "full":
        return model.requires_grad_(True)
    import peft

    library = cast(Any, peft)
    if method == "qlora":
        model = library.prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    settings = library.LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        bias="none",
        target_modules=_linear(model) or "all-linear",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        # peft asks the model by a name that transformers gives up.
        warnings.simplefilter("ignore", FutureWarning)
        wrapped = library.get_peft_model(model, settings)
    wrapped.peft_config["default"].base_model_name_or_path = name
    return wrapped


def _linear(model: Any) -> list[str]:
    """What linear layers are called, the output's left out: few names, the same in every layer."""
    import torch

    head = model.get_output_embeddings()
    linear = (
        name
        for name, one in model.named_modules()
        if isinstance(one, torch.nn.Linear) and one is not head
    )
    return sorted({name.rpartition(".")[2] for name in linear})


def trained_weights(model: Any) -> dict[str, Any]:
    """The weights that training moves, by name."""
    return {name: one for name, one in model.named_parameters() if one.requires_grad}


class Steps(Protocol):
    """Computes losses of a model and their gradients; see `steps_of`."""

    def loss(self, examples: Sequence[Tokens]) -> float:
        """Mean cross entropy of the completions' tokens."""
        ...

    def learn(self, examples: Sequence[Tokens], share: float) -> float:
        """Add `share` × the loss's gradients to those of the trained weights; the loss itself."""
        ...


def steps_of(model: Any, version: str, pad: int) -> Steps:
    """How a wrapped model is trained: by `eval.tune.llama` where that has a version, else as any.

    `pad`: the token that padding consists of.
    """
    return Llama(model) if version else Recorded(model, pad)


class Recorded:
    """Steps of any model: torch records what is computed and goes back over it."""

    def __init__(self, model: Any, pad: int) -> None:
        self._model, self._pad = model, pad

    def loss(self, examples: Sequence[Tokens]) -> float:
        """See `Steps.loss`."""
        import torch

        with torch.no_grad():
            return float(completion_loss(self._model, padded(examples, self._pad)))

    def learn(self, examples: Sequence[Tokens], share: float) -> float:
        """See `Steps.learn`."""
        loss = completion_loss(self._model, padded(examples, self._pad))
        (loss * share).backward()
        return float(loss.detach())


def completion_loss(model: Any, batch: Batch) -> Any:
    """Mean cross entropy of the completions' tokens, float32.

    Logits are computed where a completion token is predicted, over hidden states flattened to
    two dimensions first: a slice of three makes the backward pass of a large vocabulary three
    times slower. No attention mask: padding stands on the right, where no token that counts
    sees it.
    """
    import torch

    causal = _causal(model)
    ids = torch.as_tensor(batch.ids, device=causal.device)
    scored = torch.as_tensor(batch.scored, device=causal.device)
    with _autocast(causal.device.type):
        hidden = causal.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        logits = causal.get_output_embeddings()(hidden[scored])
    return torch.nn.functional.cross_entropy(logits.float(), ids.roll(-1, 1)[scored])


def check_loss(model: Any, steps: Steps, tokens: Sequence[Tokens]) -> None:
    """Raise `CannotTrain` where the model's own loss is another: its head is no plain layer.

    By the shortest examples that have `COMPARED` tokens to learn together: of a few tokens alone
    the loss is rounded too much in bfloat16.
    """
    import torch

    examples, learned, theirs = list[Tokens](), 0, 0.0
    for example in sorted(tokens, key=lambda one: len(one.ids)):
        if learned >= COMPARED:
            break
        examples.append(example)
        learned += len(example.ids) - example.prompt
    causal = _causal(model)
    for example in examples:
        ids = torch.tensor([example.ids], device=causal.device)
        labels = ids.clone()
        labels[0, : example.prompt] = -100
        with torch.no_grad(), _autocast(causal.device.type):
            mean = float(causal(input_ids=ids, labels=labels, use_cache=False).loss)
        theirs += mean * (len(example.ids) - example.prompt) / learned
    ours = steps.loss(examples)
    if not abs(ours - theirs) <= AGREES * max(theirs, 0.1):
        raise CannotTrain(
            f"{type(causal).__name__} computes a loss of {theirs:.4f} where its last layer alone "
            f"gives {ours:.4f}: models that change their logits are not supported"
        )


def save(model: Any, tokenizer: Any, folder: Path) -> list[str]:
    """Write the adapter in peft's format, or the full model in transformers'; the files' names."""
    import safetensors.torch
    import torch

    write = cast(Any, safetensors.torch).save_file
    if hasattr(model, "peft_config"):
        import peft

        # Not model.save_pretrained: it leaves a model card of blanks, and may ask a hub.
        weights = cast(Any, peft).get_peft_model_state_dict(model, save_embedding_layers=False)
        file = "adapter_model.safetensors"
        write(_plain(weights), str(folder / file), metadata={"format": "pt"})
        settings = copy.copy(model.peft_config["default"])
        settings.inference_mode = True
        settings.target_modules = sorted(settings.target_modules)
        settings.save_pretrained(str(folder))
        return [file, "adapter_config.json"]
    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    weights = {
        name: value.to(torch.bfloat16)
        for name, value in model.state_dict().items()
        if name not in tied
    }
    file = "model.safetensors"
    write(_plain(weights), str(folder / file), metadata={"format": "pt"})
    config = model.config.to_dict()
    config.pop("_name_or_path", None)  # a folder of this machine
    config["dtype"] = "bfloat16"
    text = json.dumps(config, default=str, indent=1)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    model.generation_config.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return [file, "config.json"]


def _autocast(device: str) -> Any:
    import torch

    kind = computing(device)
    return torch.autocast(device, kind, enabled=kind != torch.float32)


def _plain(weights: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.detach().cpu().contiguous() for name, value in weights.items()}


def _causal(model: Any) -> Any:
    """The causal language model inside the wrapping."""
    return model.get_base_model() if hasattr(model, "peft_config") else model
