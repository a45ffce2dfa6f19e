"""The vector index of a generation: all of it exact, or an approximate base with an exact rest.

The base is made by FAISS's factory and never changed. Chunks that have left it are filtered out of
each search, newer ones stand in the exact rest; when either is more than a tenth of the base, it is
made anew. Its vectors may be coarse: what it finds is to be scored by the vectors in the database.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import faiss
import numpy as np

from ingest.embed import Vectors
from ingest.members import Bits, Ids, Part, to_bits, without

EXACT = "vectors.faiss"
BASE = "base.faiss"
GONE = "gone.npy"

EXACT_CHUNKS = 50_000
"""Up to here all is searched exactly; docs/decisions/2026-11-24-search-at-size.md has the table."""

COMPACTED = 0.1
"""The share of the base that may have left it, or been added beside it, before it is made anew."""

_SCANNED_BELOW = 0.25
"""Where a search of a graph may find less than this share of it, all of that share is compared."""


class Recipe(NamedTuple):
    """How a base is made and searched.

    `factory` is FAISS's own description; `sample` the vectors that it is trained on, at the most.
    `effort`: the lists that IVF probes, or the candidates that HNSW keeps. `widen`: how many times
    more are taken from it than asked for, to be scored again.
    """

    factory: str
    effort: int
    sample: int
    widen: float


Choose = Callable[[int], Recipe | None]
"""A recipe for a number of chunks; None: all exactly."""


def recipe(chunks: int) -> Recipe | None:
    """The recipe that the benchmark has settled (`python -m bench.search`)."""
    if chunks <= EXACT_CHUNKS:
        return None
    lists = 2 ** round(math.log2(2 * math.sqrt(chunks)))
    return Recipe(f"IVF{lists},SQ8", max(lists // 8, 128), 40 * lists, 1.25)


class Base(NamedTuple):
    """An approximate index as it is written, and what of it still counts."""

    index: Any
    """A faiss.IndexIDMap over what the recipe made."""
    recipe: Recipe
    gone: Ids
    """The ids that have left it, in rising order."""

    @property
    def size(self) -> int:
        """The vectors in it, those that have left among them."""
        return self.index.ntotal

    @property
    def last(self) -> int:
        """The highest id in it; newer chunks have higher ones."""
        return int(self.ids()[-1])

    def ids(self) -> Ids:
        """All ids in it, in rising order."""
        return cast(Any, faiss).vector_to_array(self.index.id_map)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: `scored` exactly (id → cosine), and what is still to be scored."""

    scored: dict[int, float]
    rough: list[int]


class VectorIndex:
    """The vectors of a generation, open for searching. Safe to share between threads."""

    def __init__(self, exact: Any, base: Base | None) -> None:
        """`exact`: a faiss.IndexIDMap over IndexFlatIP, with the ids in rising order."""
        self.exact = exact
        self.base = base
        self._gone = to_bits(base.gone) if base and len(base.gone) else None

    @property
    def size(self) -> int:
        """How many chunks a search may find."""
        left = self.base.size - len(self.base.gone) if self.base else 0
        return self.exact.ntotal + left

    def ids(self) -> Ids:
        """The chunk ids that a search may find, in rising order."""
        rest = exact_ids(self.exact)
        if self.base is None:
            return rest
        return np.concatenate([np.setdiff1d(self.base.ids(), self.base.gone), rest])

    def vectors(self, ids: Ids) -> Vectors:
        """The vectors under some of `ids()`, rows in their order; the base's as coarse as it is."""
        found = np.empty((len(ids), self.exact.d), np.float32)
        old = ids <= self.base.last if self.base else np.zeros(len(ids), np.bool_)
        if self.base and old.any():
            inner = cast(Any, faiss).downcast_index(self.base.index.index)
            if hasattr(inner, "make_direct_map"):
                inner.make_direct_map()
            found[old] = inner.reconstruct_batch(np.searchsorted(self.base.ids(), ids[old]))
        places = np.searchsorted(exact_ids(self.exact), ids[~old])
        found[~old] = exact_rows(self.exact)[places]
        return found

    def search(self, query: Vectors, count: int, part: Part | None, hidden: Ids) -> Found:
        """The nearest to a query of shape (1, dimension), `hidden` ones left out.

        `part`: of these alone, which this generation holds; None: of all.
        """
        if part is not None:
            part = Part(without(part.bits, hidden), part.count)
        library = cast(Any, faiss)
        chosen = _selector(part, to_bits(hidden) if len(hidden) else None)
        parameters = library.SearchParameters(sel=chosen) if chosen else None
        scores, ids = self.exact.search(query, count, params=parameters)
        scored = {int(i): float(s) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0}
        if self.base is None:
            return Found(scored, [])
        out = _either(self._gone, to_bits(hidden) if len(hidden) else None)
        wanted = math.ceil(count * self.base.recipe.widen)
        return Found(scored, _search_base(self.base, query, wanted, part, out))


def _search_base(
    base: Base, query: Vectors, count: int, part: Part | None, out: Bits | None
) -> list[int]:
    """The fewer of it may be found, the more of it is looked through: all of few is exact."""
    library = cast(Any, faiss)
    share = 1.0 if part is None else min(part.count / base.size, 1.0)
    if share == 0:
        return []
    inner = library.downcast_index(base.index.index)
    chosen = _selector(part, out)
    if hasattr(inner, "nlist"):
        lists = min(math.ceil(base.recipe.effort / share), inner.nlist)
        parameters = library.SearchParametersIVF(nprobe=lists, sel=chosen)
    elif share >= _SCANNED_BELOW:
        width = math.ceil(max(base.recipe.effort, count) / share)
        parameters = library.SearchParametersHNSW(efSearch=width, sel=chosen)
    else:
        places = library.IDSelectorTranslated(base.index.id_map, chosen)
        parameters = library.SearchParameters(sel=places)
        _, found = inner.storage.search(query, count, params=parameters)
        ids = base.ids()
        return [int(ids[place]) for place in found[0] if place >= 0]
    _, found = base.index.search(query, count, params=parameters)
    return [int(one) for one in found[0] if one >= 0]


def _selector(part: Part | None, out: Bits | None) -> Any:
    library = cast(Any, faiss)
    if part is not None:
        return library.IDSelectorBitmap(part.bits)
    return None if out is None else library.IDSelectorNot(library.IDSelectorBitmap(out))


def _either(one: Bits | None, other: Bits | None) -> Bits | None:
    if one is None or other is None:
        return other if one is None else one
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    both = longer.copy()
    both[: len(shorter)] |= shorter
    return both


def exact_ids(exact: Any) -> Ids:
    """The ids of an exact index, in rising order."""
    return cast(Any, faiss).vector_to_array(exact.id_map)


def exact_rows(exact: Any) -> Vectors:
    """The vectors of an exact index, without a copy: shape (chunks, dimension)."""
    library = cast(Any, faiss)
    flat = library.downcast_index(exact.index)
    if not flat.ntotal:
        return np.zeros((0, flat.d), np.float32)
    return library.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(-1, flat.d)


def make_exact(dimension: int, ids: Ids, vectors: Vectors) -> Any:
    """An exact index in memory; `ids` in rising order."""
    library = cast(Any, faiss)
    exact = library.IndexIDMap(library.IndexFlatIP(dimension))
    exact.add_with_ids(vectors, ids)
    return exact


def make_base(
    dimension: int, recipe: Recipe, sample: Vectors, batches: Iterable[tuple[Ids, Vectors]]
) -> Any:
    """A base in memory, trained on a sample; the ids of all batches in rising order."""
    library = cast(Any, faiss)
    factory = f"IDMap,{recipe.factory}"
    base = library.index_factory(dimension, factory, library.METRIC_INNER_PRODUCT)
    base.train(sample)
    for ids, vectors in batches:
        base.add_with_ids(vectors, ids)
    return base


def write(index: Any, path: Path) -> None:
    """Write a FAISS index. Raises `OSError`, as on a full disk."""
    try:
        cast(Any, faiss).write_index(index, str(path))
    except RuntimeError as error:
        raise OSError(str(error)) from error


def open_vectors(folder: Path, made: Mapping[str, Any] | None) -> VectorIndex:
    """Open what was written to a folder. `made`: how its base was; None: it has none.

    Mapped into memory: vectors are read when they are first compared with. Raises `OSError`,
    `ValueError`, `TypeError` or `RuntimeError` where it is damaged.
    """
    base = None
    if made is not None:
        base = Base(_read(folder / BASE), Recipe(**made), np.load(folder / GONE))
    return VectorIndex(_read(folder / EXACT), base)


def _read(path: Path) -> Any:
    library = cast(Any, faiss)
    return library.read_index(str(path), library.IO_FLAG_MMAP_IFC)
