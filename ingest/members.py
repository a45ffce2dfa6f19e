"""Which chunks of one generation stand in a set of collections.

Worked out once a set and then kept, since every question of a reader who may not read all asks it.
What a generation holds does not change; only deleted documents are hidden, which is asked anew.
"""

import json
import sqlite3
import threading
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ingest.schema import VISIBLE

Bits = NDArray[np.uint8]
"""Eight chunk ids a byte, the lowest in the lowest bit: as FAISS takes them."""

KEPT = 64
"""Sets of collections that are kept; a set takes an eighth of a byte a chunk."""


def condition(collections: frozenset[str] | None) -> tuple[str, dict[str, str]]:
    """An SQL condition on `documents` and its values; None is all collections."""
    if collections is None:
        return "TRUE", {}
    names = {"collections": json.dumps(sorted(collections))}
    return "collection IN (SELECT value FROM json_each(:collections))", names


class Members:
    """The chunks of one generation. Safe to share between threads."""

    def __init__(self, generation: int) -> None:
        """Nothing is read before it is asked for."""
        self._generation = generation
        self._kept: dict[frozenset[str], Bits] = {}
        self._lock = threading.Lock()

    def bits(self, connection: sqlite3.Connection, collections: frozenset[str]) -> Bits:
        """The chunks in any of the collections, hidden ones among them."""
        found = self._kept.get(collections)
        if found is None:
            only, values = condition(collections)
            rows = connection.execute(
                "SELECT chunks.id FROM chunks JOIN documents ON documents.id = document_id "
                f"WHERE {VISIBLE} AND {only}",
                {"generation": self._generation, **values},
            )
            found = to_bits([row["id"] for row in rows])
            with self._lock:
                while len(self._kept) >= KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[collections] = found
        return found


def to_bits(ids: Collection[int]) -> Bits:
    """A bit for each id."""
    flags = np.zeros(max(ids, default=0) + 1, np.bool_)
    flags[np.fromiter(ids, np.int64, len(ids))] = True
    return np.packbits(flags, bitorder="little")


def without(bits: Bits, ids: Collection[int]) -> Bits:
    """The bits but those of some ids."""
    if not ids:
        return bits
    gone = to_bits(ids)
    left = bits.copy()
    shared = min(len(left), len(gone))
    left[:shared] &= ~gone[:shared]
    return left
