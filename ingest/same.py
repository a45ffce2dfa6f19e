"""Whether two indexes hold the same: documents, chunk texts and offsets by digest, vectors nearly.

Vectors are compared by cosine, since those of int8 and bf16 embedders depend on what they were
embedded together with. Ids and generations are an index's own, and are not compared.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from ingest.schema import VISIBLE, published, read_only

NEAR = 0.999
"""The least cosine of two vectors of one text."""


def same(one: Path, other: Path) -> list[str]:
    """How the published generations of two index folders differ, in words; empty if they do not.

    The folders of the sources may lie elsewhere; each document counts by its path below.

    Raises `IndexRefused` where one of them cannot be read.
    """
    with read_only(one) as first, read_only(other) as second:
        for connection in (first, second):
            connection.execute("BEGIN")
        return list(_differences(first, second))


def _differences(first: sqlite3.Connection, second: sqlite3.Connection) -> Iterator[str]:
    ours, theirs = _documents(first), _documents(second)
    for here, there, which in ((ours, theirs, "first"), (theirs, ours, "second")):
        for key in sorted(here.keys() - there.keys()):
            yield f"only the {which} has {key[1]!r} ({key[0]}) as of {key[2][:12]}"
    for key in sorted(ours.keys() & theirs.keys()):
        if len(ours[key]) != len(theirs[key]):
            yield f"{key[1]!r} is there {len(ours[key])} and {len(theirs[key])} times"
        for mine, yours in zip(ours[key], theirs[key], strict=False):
            yield from _chunks(key[1], first, mine, second, yours)


def _documents(connection: sqlite3.Connection) -> dict[tuple[str, str, str], list[int]]:
    """The ids of what the published generation shows, by collection, path and digest."""
    rows = connection.execute(
        "SELECT collection, documents.path, sha256, documents.id FROM documents "
        f"JOIN roots ON roots.id = root_id WHERE {VISIBLE} AND NOT hidden ORDER BY roots.path",
        {"generation": published(connection)},
    )
    found: dict[tuple[str, str, str], list[int]] = {}
    for collection, path, digest, number in rows:
        found.setdefault((collection, path, digest), []).append(number)
    return found


def _chunks(
    path: str, first: sqlite3.Connection, mine: int, second: sqlite3.Connection, yours: int
) -> Iterator[str]:
    for one, other in zip_longest(_rows(first, mine), _rows(second, yours)):
        if one is None or other is None:
            yield f"{path!r} has chunks that only the {'second' if one is None else 'first'} has"
            return
        if _digest(one) != _digest(other):
            yield f"{path!r} has another text or other offsets in chunk {one['position']}"
            continue
        for name, kind in (("embedding", np.float32), ("sentences", np.float16)):
            nearness = _nearness(one[name], other[name], kind, len(one["embedding"]) // 4)
            if not nearness >= NEAR:
                yield (
                    f"{path!r} has vectors ({name}) apart in chunk {one['position']}: cosine "
                    f"{nearness:.4f}"
                )


def _rows(connection: sqlite3.Connection, document: int) -> Iterator[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM chunks WHERE document_id = ? ORDER BY position", (document,)
    )


def _digest(row: sqlite3.Row) -> str:
    names = ("position", "text", "section", "page_from", "page_to", "start", "end", "spans")
    return hashlib.sha256(repr([row[name] for name in names]).encode()).hexdigest()


def _nearness(one: bytes, other: bytes, kind: Any, dimension: int) -> float:
    """The least cosine of two blobs of vectors, row by row; 1 where both are empty."""
    if len(one) != len(other) or not dimension:
        return -1.0
    ours, theirs = (
        np.frombuffer(blob, kind).astype(np.float32).reshape(-1, dimension) for blob in (one, other)
    )
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines = (ours * theirs).sum(axis=1) / np.maximum(lengths, 1e-12)
    return float(cosines.min(initial=1.0))
