"""Passages that say the same: a copy of a page, a paragraph that stands in two documents. Pure.

Of near-duplicates the best is a hit, and others take the places of the rest. Two versions of a rule
that differ in a figure are no duplicates: which of them holds is what may be asked.
"""

import re
from collections.abc import Callable, Sequence

from ingest.stored import StoredChunk

SHARE = 0.95
"""Of the different words of two passages, those that both have (Jaccard): Broder, "On the
resemblance and containment of documents" (1997)."""

_WORD = re.compile(r"\w+")
_CODE = re.compile(r"\w*\d\w*")


def distinct(
    ids: Sequence[int], read: Callable[[Sequence[int]], Sequence[StoredChunk]], count: int
) -> list[StoredChunk]:
    """The first `count` chunks, without those that are like an earlier one.

    `ids` come best first; `read` gives the chunks of some, and is asked for few at first.
    """
    kept: list[tuple[StoredChunk, frozenset[str]]] = []
    at, many = 0, count
    while len(kept) < count and at < len(ids):
        some = ids[at : at + many]
        # Where many copies stand at the top, more are likely behind them.
        at, many = at + len(some), 2 * many
        for chunk in read(some):
            words = frozenset(_WORD.findall(chunk.text.casefold()))
            if not any(alike(words, others) for _, others in kept):
                kept.append((chunk, words))
    return [chunk for chunk, _ in kept][:count]


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two passages, by their words, are near-duplicates with the same figures."""
    # By length first: most pairs end here.
    if min(len(one), len(other)) < SHARE * max(len(one), len(other)):
        return False
    if len(one & other) < SHARE * len(one | other):
        return False
    return not any(_CODE.fullmatch(word) for word in one ^ other)
