"""Writing the vector index of a generation, which goes on from the former one's where it can."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

from ingest import rows
from ingest.embed import Vectors
from ingest.members import Ids
from ingest.texts import link
from ingest.vectors import (
    BASE,
    COMPACTED,
    EXACT,
    EXACT_CHUNKS,
    GONE,
    Base,
    Choose,
    Recipe,
    VectorIndex,
    exact_ids,
    exact_rows,
    make_base,
    make_exact,
    write,
)


def write_vectors(
    connection: sqlite3.Connection,
    source: Path,
    target: Path,
    former: VectorIndex | None,
    ids: Ids,
    dimension: int,
    choose: Choose,
) -> dict[str, Any] | None:
    """Write the vectors of chunks, `ids` in rising order, to the folder `target`.

    `former` is what the folder `source` holds. Returns how the base was made, for `open_vectors`;
    None where there is none.
    """
    base, exact = (former.base, former.exact) if former else (None, None)
    made = choose(len(ids))
    if base and not _worn(base, ids):
        link(source / BASE, target / BASE)
        np.save(target / GONE, np.setdiff1d(base.ids(), ids))
        made, rest = base.recipe, ids[ids > base.last]
    elif made is None:
        rest = ids
    else:
        write(_new_base(connection, ids, dimension, made), target / BASE)
        np.save(target / GONE, ids[:0])
        rest = ids[:0]
    vectors = _gather(connection, exact, rest, dimension)
    write(make_exact(dimension, rest, vectors), target / EXACT)
    return made._asdict() if made else None


def _worn(base: Base, ids: Ids) -> bool:
    """Whether too many have left the base, or come beside it."""
    newer = int(np.count_nonzero(ids > base.last))
    left = base.size - (len(ids) - newer)
    return left > COMPACTED * base.size or newer > min(COMPACTED * base.size, EXACT_CHUNKS)


def _new_base(connection: sqlite3.Connection, ids: Ids, dimension: int, made: Recipe) -> Any:
    chance = np.random.default_rng(0)
    chosen = np.sort(chance.choice(ids, min(made.sample, len(ids)), replace=False))
    sample = np.concatenate([part for _, part in rows.vectors(connection, chosen, dimension)])
    return make_base(dimension, made, sample, rows.vectors(connection, ids, dimension))


def _gather(connection: sqlite3.Connection, exact: Any, ids: Ids, dimension: int) -> Vectors:
    """The vectors under `ids`: of the former exact index, or else of the database."""
    vectors = np.empty((len(ids), dimension), np.float32)
    missing = np.ones(len(ids), np.bool_)
    if exact is not None:
        known = exact_ids(exact)
        missing = ~np.isin(ids, known, assume_unique=True)
        vectors[~missing] = exact_rows(exact)[np.searchsorted(known, ids[~missing])]
    places, start = np.flatnonzero(missing), 0
    for some, part in rows.vectors(connection, ids[missing], dimension):
        vectors[places[start : start + len(some)]] = part
        start += len(some)
    return vectors
