"""What a sync costs that finds nothing changed, or one file: beside the first one, in one run.

Unless a model is asked for, the embedder is a hash of words and costs next to nothing: the first
sync is then far cheaper than any with a model, and the others' share of it larger than it will be.
"""

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from ingest import derive
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder, Vectors
from ingest.schema import Manifest, published, read_only
from ingest.sync import SyncSettings, sync, up_to_date
from ingest.vectors import Choose, Recipe

RECIPES: dict[str, Recipe | None] = {
    "exact": None,
    "HNSW32,Flat": Recipe("HNSW32,Flat", 512, 1_000, 1.0),
    "IVF256,SQ8": Recipe("IVF256,SQ8", 64, 40 * 256, 1.25),
}
"""Each is used whatever the size, so that its upkeep is measured."""


class HashEmbedder:
    """An `Embedder` without a model: a random direction for each word, added up."""

    name = "hashed-words"
    revision = "1"
    dimension = 384
    token_limit = 256

    def __init__(self) -> None:
        """Nothing is loaded."""
        chance = np.random.default_rng(0)
        self._directions = chance.standard_normal((4096, self.dimension)).astype(np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words, by the white space between them."""
        return [len(text.split()) for text in texts]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `ingest.embed.Embedder.embed`."""
        made = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(made, texts, strict=True):
            words = [zlib.crc32(word.encode()) % 4096 for word in text.casefold().split()]
            row += self._directions[words].sum(axis=0)
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)

    def embed_query(self, text: str) -> Vectors:
        """See `ingest.embed.Embedder.embed_query`."""
        return self.embed([text])


def measure(
    real: Path, folder: Path, documents: int, embedder: Embedder | None = None
) -> list[dict[str, Any]]:
    """Sync a corpus for the first time, unchanged, and with one file changed, for each recipe."""
    corpus = folder / "changes" / "corpus"
    write_documents(real, corpus, documents)
    rows = list[dict[str, Any]]()
    for name, made in RECIPES.items():
        index = folder / "changes" / "index"
        shutil.rmtree(index, ignore_errors=True)
        with mock.patch.object(derive, "build", partial(derive.build, choose=_always(made))):
            rows += _syncs(name, corpus, index, embedder or HashEmbedder())
        shutil.rmtree(index)
    (folder / "changes.json").write_text(json.dumps(rows, indent=1))
    return rows


def _always(made: Recipe | None) -> Choose:
    return lambda chunks: made


def _syncs(name: str, corpus: Path, index: Path, embedder: Embedder) -> Iterator[dict[str, Any]]:
    first = 0.0
    settings = SyncSettings(ChunkSettings(embedder.token_limit))

    def whole() -> None:
        sync([(corpus, "corpus")], index, embedder, settings)

    def unchanged() -> None:
        """What the command does before it loads an embedder."""

        def same(_: Manifest) -> SyncSettings:
            return settings

        assert up_to_date([(corpus, "corpus")], index, embedder.name, same)

    victim = sorted(corpus.iterdir())[len(list(corpus.iterdir())) // 2]
    for step, call in (("first", whole), ("unchanged", unchanged), ("one file changed", whole)):
        if step == "one file changed":
            victim.write_text(victim.read_text() + f"\nA line of {time.time_ns()}.\n")
        spent = _timed(call)
        first = first or spent["cpu_s"]
        yield {"vectors": name, "sync": step, **spent, "share of the first": spent["cpu_s"] / first}


def _timed(call: Callable[[], None]) -> dict[str, float]:
    clock, cpu = time.perf_counter(), _cpu()
    call()
    return {"seconds": time.perf_counter() - clock, "cpu_s": _cpu() - cpu}


def _cpu() -> float:
    """Seconds of processor time, those of parsing processes that have ended among them."""
    return sum(os.times()[:4])


def write_documents(real: Path, corpus: Path, count: int) -> None:
    """Markdown files of three passages each, out of an index of real documents, again and again."""
    if corpus.is_dir() and len(list(corpus.iterdir())) == count:
        return
    corpus.mkdir(parents=True, exist_ok=True)
    with read_only(real) as connection:
        assert published(connection)
        texts = [row[0] for row in connection.execute("SELECT text FROM chunks ORDER BY id")]
    chance = np.random.default_rng(0)
    for number in range(count):
        chosen = chance.integers(len(texts), size=3)
        body = "\n\n".join(f"## Part {part}\n\n{texts[one]}" for part, one in enumerate(chosen))
        (corpus / f"{number}.md").write_text(f"# Document {number}\n\n{body}\n")
