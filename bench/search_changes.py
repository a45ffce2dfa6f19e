"""What a sync costs that finds nothing changed, or one file: beside the first one, in one run.

Unless a model is asked for, the embedder is a hash of words and costs next to nothing: the first
sync is then far cheaper than any with a model, and the others' share of it larger than it will be.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bench.hashed import HashedWords
from ingest import derive
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.schema import Manifest, published, read_only
from ingest.sync import SyncSettings, sync, up_to_date
from ingest.vectors import Choose, Recipe

RECIPES: dict[str, Recipe | None] = {
    "exact": None,
    "HNSW32,Flat": Recipe("HNSW32,Flat", 512, 1_000, 1.0),
    "IVF256,SQ8": Recipe("IVF256,SQ8", 64, 40 * 256, 1.25),
}
"""Each is used whatever the size, so that its upkeep is measured."""


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
            rows += _syncs(name, corpus, index, embedder or HashedWords())
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
