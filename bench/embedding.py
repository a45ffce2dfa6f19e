"""How fast passages become vectors, and how near the processor's limit that is.

    python -m bench.embedding [--chunks 40] [--rounds 3] [--onnx]

The passages are chunks of contracts and their quotable sentences, as ingest embeds them. All ways
to embed them run in turns, A B C A B C, on one thread; a way's figure is its fastest turn in
seconds of processor time, so that other work on the machine weighs little. For each way it
prints chunks and tokens a second, the ratio to sentence-transformers as it comes, the arithmetic
done against what this processor does in a plain product of the same kind, and the cosine to
float32. `--onnx` adds ONNX Runtime, if `onnx` and `onnxruntime` are installed.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.embedding_ways import Way, onnx_int8, own, own_int8, sentence_transformers
from bench.squad_wiki import SHARED
from ingest.chunk import ChunkSettings, chunk, contextual
from ingest.documents import Document
from ingest.embed import PACKAGED, SentenceEmbedder, computes_in_bfloat16, packaged_folder
from ingest.embed_bert import BertFolder
from ingest.encode import quotable, sentence_text
from ingest.readers import read

CONTRACTS = SHARED / "contracts" / "pdf"


@dataclass(frozen=True, slots=True)
class Passages:
    """Texts as ingest embeds them, none twice."""

    chunks: list[str]
    sentences: list[str]


@dataclass(slots=True)
class Row:
    """One way: fastest seconds for the chunks and for the sentences, and their vectors."""

    way: Way
    chunks: float = float("inf")
    sentences: float = float("inf")
    vectors: Any = None


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else "",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--chunks", type=int, default=40, help="so many, of several contracts")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each way")
    parser.add_argument("--onnx", action="store_true", help="ONNX Runtime too, dynamic int8")
    options = parser.parse_args()
    embedder = SentenceEmbedder("all-MiniLM-L6-v2", threads=1)
    folder = BertFolder.of(packaged_folder("all-MiniLM-L6-v2"))
    assert folder is not None, PACKAGED
    passages = sample(CONTRACTS, options.chunks, embedder)
    ways = [
        sentence_transformers(folder, half=False),
        sentence_transformers(folder, half=True),
        own(folder, half=False),
        *(own(folder, half=True, together=together) for together in (1024, 256, 4096)),
        own_int8(folder),
    ]
    if options.onnx:
        ways.append(onnx_int8(folder))
    lengths = [
        [min(n + 2, folder.token_limit) for n in embedder.count_tokens(texts)]
        for texts in (passages.chunks, passages.sentences)
    ]
    rows = measure(ways, passages, options.rounds)
    _print(rows, passages, lengths, limits(), folder)


def sample(folder: Path, count: int, embedder: SentenceEmbedder) -> Passages:
    """So many chunks, equally from contracts spread over the folder, and their sentences."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.casefold() == ".pdf")
    wanted, each = files[:: max(len(files) // 8, 1)], -(-count // 8)
    chunks: dict[str, None] = {}
    sentences: dict[str, None] = {}
    settings = ChunkSettings(embedder.token_limit)
    for file in wanted:
        for document in read(file, file.name):
            if not isinstance(document, Document):
                continue
            for one in chunk(document, embedder.count_tokens, settings)[:each]:
                if len(chunks) == count:
                    break
                chunks[contextual(document.title, one.section, one.text)] = None
                for span in quotable(document, one):
                    sentences[sentence_text(document, one, span)] = None
    return Passages(list(chunks), list(sentences))


def measure(ways: Sequence[Way], passages: Passages, rounds: int) -> list[Row]:
    """Every way in turns; the fastest turn of each counts."""
    rows = [Row(way) for way in ways]
    for row in rows:
        row.way.embed(passages.sentences[:2])
    for _ in range(rounds):
        for row in rows:
            seconds, first = timed(lambda row=row: row.way.embed(passages.chunks))
            row.chunks = min(row.chunks, seconds)
            seconds, second = timed(lambda row=row: row.way.embed(passages.sentences))
            row.sentences = min(row.sentences, seconds)
            vectors = np.concatenate([first, second])
            row.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return rows


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of this process's time, all threads together, and the result."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def gigaflop(lengths: Sequence[int], folder: BertFolder, wide: int = 384) -> float:
    """Multiplications and additions of the layers for texts of these lengths, padding apart.

    A layer has four products of width by width, two of width by four times that, and for each
    token two of width by the text's length.
    """
    linear = sum(lengths) * 2 * (4 * wide * wide + 2 * 4 * wide * wide)
    attention = sum(length * length for length in lengths) * 4 * wide
    return folder.layers * (linear + attention) / 1e9


def limits() -> dict[str, float]:
    """GFLOP a second of one thread in a product of the size of MiniLM's, by kind of number."""
    import torch

    found: dict[str, float] = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        if name == "bfloat16" and not computes_in_bfloat16():
            continue
        found[name] = _rate(torch.randn(256, 384).to(kind), torch.randn(1536, 384).to(kind))
    return found


def _rate(states: Any, weight: Any) -> float:
    from torch import inference_mode
    from torch.nn.functional import linear

    def products() -> None:
        with inference_mode():
            for _ in range(20):
                linear(states, weight)

    products()
    seconds = min(timed(products)[0] for _ in range(5))
    return 20 * 2 * states.shape[0] * weight.shape[0] * weight.shape[1] / seconds / 1e9


def _print(
    rows: Sequence[Row],
    passages: Passages,
    lengths: Sequence[Sequence[int]],
    most: dict[str, float],
    folder: BertFolder,
) -> None:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    tokens = [sum(one) for one in lengths]
    print(
        f"{len(passages.chunks)} chunks of {tokens[0]} tokens, {len(passages.sentences)} sentences "
        f"of {tokens[1]}; one thread, processor time, load of the machine {load:.1f}"
    )
    for name, rate in most.items():
        print(f"one thread multiplies {rate:.0f} GFLOP a second in {name}")
    work = sum(gigaflop(one, folder) for one in lengths)
    print("\n| way | chunks/s | sentences/s | tokens/s | ratio | of the limit | cosine, least |")
    print("|---|---|---|---|---|---|---|")
    first = rows[0]
    for row in rows:
        both = row.chunks + row.sentences
        ratio = (first.chunks + first.sentences) / both
        near = (row.vectors * first.vectors).sum(axis=1)
        limit = most.get(row.way.kind)
        share = f"{work / both / limit:.2f}" if limit else "–"
        print(
            f"| {row.way.name} | {len(passages.chunks) / row.chunks:.1f} "
            f"| {len(passages.sentences) / row.sentences:.0f} | {sum(tokens) / both:.0f} "
            f"| {ratio:.2f} | {share} | {near.mean():.5f}, {near.min():.5f} |"
        )


if __name__ == "__main__":
    main()
