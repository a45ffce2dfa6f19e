"""Ways of searching vectors, side by side: what FAISS's factory offers, against exact search."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.search_timing import Stopwatch
from ingest.embed import Vectors
from ingest.members import Ids, Part, to_bits
from ingest.vectors import Base, Recipe, VectorIndex, make_base, make_exact, write

CANDIDATES = 50
"""Asked for of each search, as retrieval does."""
ENOUGH = 0.99
"""Recall@3 that a way has to reach."""
SHARES = (0.5, 0.1, 0.01, 0.001)
"""Of the chunks, that a filter leaves."""
_BATCH = 16_384


class Way(NamedTuple):
    """A way to search: the factory's words, how much is taken, and the efforts that are tried."""

    factory: str
    widen: float
    efforts: Sequence[int]


def ways(chunks: int, graphs: bool) -> list[Way]:
    """What is compared at a size; `graphs` are slow to build."""
    lists = 2 ** round(float(np.log2(2 * np.sqrt(chunks))))
    probes = [one for one in (8, 16, 32, 64, 128, 256, 512) if one <= lists]
    widths = (32, 64, 128, 256, 512)
    found = [
        Way("Flat", 1, (1,)),
        Way("SQ8", 1.25, (1,)),
        Way(f"IVF{lists},Flat", 1, probes),
        Way(f"IVF{lists},SQ8", 1.25, probes),
        Way(f"IVF{lists},PQ96x4fs", 4, probes),
        Way(f"IVF{lists},RaBitQ", 4, probes),
    ]
    graph = [Way("HNSW32,Flat", 1, widths), Way("HNSW32,SQ8", 1.25, widths)]
    return found + graph if graphs else found


def nearest(vectors: Vectors, queries: Vectors, count: int) -> NDArray[np.int64]:
    """The places of the nearest vectors to each query, exactly: shape (queries, count)."""
    kept = np.full((len(queries), count), -2, np.float32)
    places = np.zeros((len(queries), count), np.int64)
    for start in range(0, len(vectors), _BATCH):
        scores = queries @ vectors[start : start + _BATCH].T
        both = np.concatenate([kept, scores], axis=1)
        order = np.argpartition(-both, count, axis=1)[:, :count]
        numbers = np.arange(start, start + scores.shape[1], dtype=np.int64)
        known = np.concatenate([places, np.broadcast_to(numbers, scores.shape)], axis=1)
        kept = np.take_along_axis(both, order, axis=1)
        places = np.take_along_axis(known, order, axis=1)
    order = np.argsort(-kept, axis=1)
    return np.take_along_axis(places, order, axis=1)


def recall(found: Sequence[Sequence[int]], true: NDArray[np.int64], count: int) -> float:
    """The share of the true nearest that is among as many found."""
    pairs = zip(found, true[:, :count].tolist(), strict=True)
    return float(np.mean([len({*ours[:count]} & {*theirs}) / count for ours, theirs in pairs]))


def measure(
    way: Way, vectors: Vectors, queries: Vectors, true: NDArray[np.int64], folder: Path
) -> Iterator[dict[str, Any]]:
    """Build it and search with each effort until the recall is reached: one row an effort."""
    ids = np.arange(len(vectors), dtype=np.int64)
    sample = np.sort(np.random.default_rng(0).permutation(ids)[: 40 * 4 * int(len(ids) ** 0.5)])
    clock, cpu = time.perf_counter(), time.process_time()
    made = Recipe(way.factory, way.efforts[0], len(sample), way.widen)
    batches = ((ids[at : at + _BATCH], vectors[at : at + _BATCH]) for at in ids[::_BATCH])
    index = make_base(vectors.shape[1], made, vectors[sample], batches)
    built = {"built_s": time.perf_counter() - clock, "built_cpu_s": time.process_time() - cpu}
    write(index, folder / "way.faiss")
    built["megabytes"] = (folder / "way.faiss").stat().st_size / 1e6
    (folder / "way.faiss").unlink()
    for effort in way.efforts:
        row = search(index, way, effort, vectors, queries, true)
        yield {"factory": way.factory, "effort": effort, "widen": way.widen, **built, **row}
        if row["recall@3"] >= ENOUGH and row["recall@10"] >= ENOUGH:
            return


def search(
    index: Any,
    way: Way,
    effort: int,
    vectors: Vectors,
    queries: Vectors,
    true: NDArray[np.int64],
) -> dict[str, Any]:
    """Recall of what is found, scored again by the true vectors, and how long the finding takes."""
    library = cast(Any, faiss)
    inner = library.downcast_index(index.index)
    parameters = None
    if hasattr(inner, "nlist"):
        parameters = library.SearchParametersIVF(nprobe=effort)
    elif hasattr(inner, "hnsw"):
        parameters = library.SearchParametersHNSW(efSearch=max(effort, CANDIDATES))
    wanted, watch, found = int(CANDIDATES * way.widen), Stopwatch(), list[list[int]]()
    for query in queries:
        _, places = watch.run(partial(index.search, params=parameters), query[None], wanted)
        some = places[0][places[0] >= 0]
        order = np.argsort(-(vectors[some] @ query))
        found.append(some[order].tolist())
    timing = watch.timing()
    return {f"recall@{k}": recall(found, true, k) for k in (3, 10)} | timing._asdict()


def filtered(
    made: Recipe, base: Any, vectors: Vectors, queries: Vectors
) -> Iterator[dict[str, Any]]:
    """How the recipe fares where only a part may be found: drawn at random, or on one topic."""
    dimension, everything = vectors.shape[1], np.arange(len(vectors), dtype=np.int64)
    none = everything[:0]
    rest = make_exact(dimension, none, vectors[:0])
    index = VectorIndex(rest, Base(base, made, none))
    chance = np.random.default_rng(1)
    for share in SHARES:
        number = max(int(share * len(vectors)), 10)
        drawn = np.sort(chance.permutation(everything)[:number])
        topic = np.argsort(-(vectors @ vectors[chance.integers(len(vectors))]))[:number]
        for kind, some in (("drawn", drawn), ("topic", np.sort(topic))):
            yield {"share": share, "kind": kind, **_part(index, some, vectors, queries)}


def _part(index: VectorIndex, some: Ids, vectors: Vectors, queries: Vectors) -> dict[str, Any]:
    true = some[nearest(vectors[some], queries, 10)]
    part, watch, found = Part(to_bits(some), len(some)), Stopwatch(), list[list[int]]()
    for query in queries:
        rough = watch.run(index.search, query[None], CANDIDATES, part, some[:0]).rough
        scores = vectors[rough] @ query
        found.append([rough[at] for at in np.argsort(-scores)])
    return {f"recall@{k}": recall(found, true, k) for k in (3, 10)} | watch.timing()._asdict()
