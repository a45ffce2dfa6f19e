"""What the derived indexes take from the database."""

import json
import sqlite3
from collections.abc import Iterator
from typing import cast

import numpy as np

from ingest.chunk import contextual
from ingest.embed import Vectors
from ingest.members import Ids, Members
from ingest.schema import VISIBLE
from ingest.texts import Text

_BATCH = 4096
_IDS = "SELECT value FROM json_each(:ids)"


def members(connection: sqlite3.Connection, generation: int) -> Members:
    """The chunks that a generation holds, hidden ones among them."""
    # Documents first: the chunks then come from their index, and no text or vector is read.
    cursor = connection.execute(
        "SELECT chunks.id, collection FROM documents CROSS JOIN chunks "
        f"ON document_id = documents.id WHERE {VISIBLE}",
        {"generation": generation},
    )
    numbers: dict[str, int] = {}
    pairs = ((row[0], numbers.setdefault(row[1], len(numbers))) for row in cursor)
    table = np.fromiter(pairs, np.dtype([("id", np.int64), ("owner", np.int64)]))
    table.sort(order="id")
    return Members(table["id"].copy(), table["owner"].copy(), list(numbers))


def texts(connection: sqlite3.Connection, ids: Ids) -> Iterator[Text]:
    """What the text index takes of chunks, in the order of their ids."""
    for start in range(0, len(ids), _BATCH):
        cursor = connection.execute(
            "SELECT chunks.id, title, collection, section, text FROM chunks "
            f"JOIN documents ON documents.id = document_id WHERE chunks.id IN ({_IDS}) "
            "ORDER BY chunks.id",
            {"ids": json.dumps(ids[start : start + _BATCH].tolist())},
        )
        for row in cursor:
            section = cast("list[str]", json.loads(row["section"]))
            text = contextual(row["title"], section, row["text"])
            yield Text(row["id"], row["collection"], text)


def vectors(
    connection: sqlite3.Connection, ids: Ids, dimension: int
) -> Iterator[tuple[Ids, Vectors]]:
    """The vectors of chunks, `ids` in rising order, some thousands at a time."""
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        found = connection.execute(
            f"SELECT embedding FROM chunks WHERE id IN ({_IDS}) ORDER BY id",
            {"ids": json.dumps(some.tolist())},
        )
        matrix = np.frombuffer(b"".join(row["embedding"] for row in found), np.float32)
        yield some, matrix.reshape(len(some), dimension)
