"""What can be wrong with a row of an index: pure checks of documents and chunks.

Each fault is a short phrase, the same for all rows that have it, so that they can be counted.
"""

import json
import sqlite3
from collections.abc import Iterator

import numpy as np

from ingest.checksums import CHUNK, DOCUMENT, sound
from ingest.embed import Vectors

_UNIT = 1e-2
"""How far from one the length of a vector may be; int8 and bf16 embedders are within 1e-3."""


def document_faults(row: sqlite3.Row, generation: int) -> Iterator[str]:
    """What is wrong with a row of `documents`, where `generation` is the published one."""
    if not sound(row, DOCUMENT):
        yield "are not what was written"
        return
    born, died = row["born"], row["died"]
    if not 1 <= born <= generation + 1:
        yield "came with a generation that there is not"
    # A document that was deleted before its first generation was published leaves with the second.
    if died is not None and not (generation <= died <= generation + 2 and born <= died):
        yield "left with a generation that there is not"
    for name, kind in (
        ("metadata", dict),
        ("sections", list),
        ("pages", list),
        ("empty_pages", list),
    ):
        if not isinstance(_json(row[name]), kind):
            yield f"have unreadable {name}"


class ChunkChecks:
    """The chunks of an index, document by document and in the order of their positions."""

    def __init__(self, dimension: int) -> None:
        """`dimension`: of the embedder."""
        self._dimension = dimension
        self._before: tuple[int, int, int, int] = (0, -1, -1, -1)

    def faults(self, row: sqlite3.Row) -> Iterator[str]:
        """What is wrong with the next row of `chunks`."""
        if sound(row, CHUNK):
            yield from self._place(row)
            yield from self._vectors(row)
        else:
            self._before = (row["document_id"], row["position"], row["start"], row["end"])
            yield "are not what was written"

    def _place(self, row: sqlite3.Row) -> Iterator[str]:
        document, position, start, end = self._before
        if document != row["document_id"]:
            document, position, start, end = row["document_id"], -1, -1, -1
        self._before = (document, row["position"], row["start"], row["end"])
        if row["position"] != position + 1:
            yield "are not numbered in order"
        if not (row["start"] > start and row["end"] > end and row["start"] >= 0):
            yield "do not follow the chunk before them in the text"
        if row["end"] - row["start"] != len(row["text"]) or not row["text"]:
            yield "have offsets that do not fit their text"
        first, last = row["page_from"], row["page_to"]
        if (first is None) != (last is None) or (first is not None and not 1 <= first <= last):
            yield "have pages in disorder"
        if not isinstance(_json(row["section"]), list):
            yield "have an unreadable section"

    def _vectors(self, row: sqlite3.Row) -> Iterator[str]:
        if len(row["embedding"]) != 4 * self._dimension:
            yield f"have a vector that has not {self._dimension} dimensions"
        elif not _unit(np.frombuffer(row["embedding"], np.float32)[None]):
            yield "have a vector that is not of length one"
        spans, count = row["spans"], len(row["spans"]) // 8
        if len(spans) % 8 or len(row["sentences"]) != 2 * count * self._dimension:
            yield "have not one vector a sentence"
            return
        places = np.frombuffer(spans, np.int32).reshape(count, 2)
        ordered = (places[:, 0] < places[:, 1]).all() and (places[1:, 0] >= places[:-1, 1]).all()
        if count and not (ordered and places[0, 0] >= 0 and places[-1, 1] <= len(row["text"])):
            yield "have sentences outside their text"
        halves = np.frombuffer(row["sentences"], np.float16).reshape(count, self._dimension)
        if not _unit(halves.astype(np.float32)):
            yield "have a sentence's vector that is not of length one"


def _unit(rows: Vectors) -> bool:
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(rows, axis=1)
    return bool((np.abs(lengths - 1) <= _UNIT).all())  # false where one is not a number


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
