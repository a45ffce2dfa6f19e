"""Which chunks of one generation stand in a set of collections.

Worked out once a set and then kept, since every question of a reader who may not read all asks it.
What a generation holds does not change; only deleted documents are hidden, which is asked anew.
"""

import json
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]
"""Eight chunk ids a byte, the lowest in the lowest bit: as FAISS takes them."""

Ids = NDArray[np.int64]
"""Chunk ids."""

KEPT = 64
"""Sets of collections that are kept; a set takes an eighth of a byte a chunk."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the chunks, and how many they are."""

    bits: Bits
    count: int


def condition(collections: frozenset[str] | None) -> tuple[str, dict[str, str]]:
    """An SQL condition on `documents` and its values; None is all collections."""
    if collections is None:
        return "TRUE", {}
    names = {"collections": json.dumps(sorted(collections))}
    return "collection IN (SELECT value FROM json_each(:collections))", names


class Members:
    """The chunks of one generation. Safe to share between threads.

    `ids`: in rising order; `owners`: of each the place of its collection in `names`.
    """

    def __init__(self, ids: Ids, owners: Ids, names: Sequence[str]) -> None:
        """Nothing is worked out before it is asked for."""
        self.ids = ids
        self.owners = owners
        self.names = names
        self._kept: dict[frozenset[str], Part] = {}
        self._lock = threading.Lock()

    def part(self, collections: frozenset[str]) -> Part:
        """The chunks in any of the collections, hidden ones among them."""
        found = self._kept.get(collections)
        if found is None:
            wanted = np.array([name in collections for name in self.names], np.bool_)
            ids = self.ids[wanted[self.owners]] if len(self.names) else self.ids
            found = Part(to_bits(ids), len(ids))
            with self._lock:
                while len(self._kept) >= KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[collections] = found
        return found


def to_bits(ids: Collection[int] | Ids) -> Bits:
    """A bit for each id."""
    numbers = np.fromiter(ids, np.int64, len(ids))
    flags = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    flags[numbers] = True
    return np.packbits(flags, bitorder="little")


def without(bits: Bits, ids: Collection[int] | Ids) -> Bits:
    """The bits but those of some ids."""
    if not len(ids):
        return bits
    gone = to_bits(ids)
    left = bits.copy()
    shared = min(len(left), len(gone))
    left[:shared] &= ~gone[:shared]
    return left
