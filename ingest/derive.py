"""The derived indexes of a generation: vectors (ingest.vectors) and texts (ingest.texts).

Both hold chunk ids and nothing that the database does not; a folder that is missing or damaged is
built again from it. A new generation goes on from the folder of the one before it, whose files it
links instead of copying. Its description is written last, so it tells "whole".
"""

import json
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import tantivy

from ingest import rows
from ingest.checksums import check, checksums
from ingest.embed import Vectors
from ingest.lexical import Counts
from ingest.members import Ids, Members
from ingest.schema import IndexRefused, published
from ingest.texts import change, continued, create, held, open_texts
from ingest.texts import terms as terms
from ingest.vectors import COMPACTED, Choose, VectorIndex, open_vectors, recipe
from ingest.vectors_write import write_vectors

_CHUNKS = "chunks.npy"

Stamp = tuple[int, int, int, int]
"""What a file goes by on its disk: device, number there, size, time of the last change."""


@dataclass(frozen=True, slots=True)
class Derived:
    """The indexes of one generation, open for searching."""

    generation: int
    vectors: VectorIndex
    text: tantivy.Index
    texts_held: int
    """The chunks that the text index counts in its scores; see `ingest.texts.held`."""
    members: Members
    sound: frozenset[Stamp] = field(default_factory=frozenset[Stamp])
    """The files that were found to be as they were written."""
    counts: Counts = field(default_factory=Counts)

    def vector_ids(self) -> Ids:
        """The chunk ids that the vector index holds, in rising order."""
        return self.vectors.ids()

    def text_ids(self) -> Ids:
        """The chunk ids that the text index holds, in no order."""
        searcher = self.text.searcher()
        query, count = tantivy.Query.all_query(), max(searcher.num_docs, 1)
        hits = searcher.search(query, count, order_by_field="chunk").hits
        return np.array([number for number, _ in hits], np.int64)

    def vectors_of(self, ids: Ids) -> Vectors:
        """The vectors that the vector index holds under ids, rows in their order."""
        return self.vectors.vectors(ids)


def folder(index: Path, generation: int) -> Path:
    """Where the derived indexes of a generation lie."""
    return index / "derived" / str(generation)


def build(
    connection: sqlite3.Connection,
    index: Path,
    generation: int,
    dimension: int,
    choose: Choose = recipe,
) -> None:
    """Build a generation's folder, from the one of the generation before where that is whole.

    A published generation, whose folder is to be mended, is built afresh: the damage may lie in a
    file that it shares with the one before.
    """
    target, source = folder(index, generation), folder(index, generation - 1)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    connection.execute("BEGIN")
    try:
        members = rows.members(connection, generation)
        former = None if published(connection) >= generation else _whole(index, generation - 1)
        _write_texts(connection, source, target, former, members)
        former_vectors = former.vectors if former else None
        base = write_vectors(
            connection, source, target, former_vectors, members.ids, dimension, choose
        )
    finally:
        # A full disk has made SQLite roll back by itself already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    np.save(target / _CHUNKS, np.stack([members.ids, members.owners]))
    description = {
        "generation": generation,
        "chunks": len(members.ids),
        "collections": members.names,
        "base": base,
        "files": checksums(target),
    }
    (target / "derived.json").write_text(json.dumps(description))


def _write_texts(
    connection: sqlite3.Connection,
    source: Path,
    target: Path,
    former: Derived | None,
    members: Members,
) -> None:
    gone, born = np.zeros(0, np.int64), members.ids
    if former:
        ids = former.members.ids
        gone, born = np.setdiff1d(ids, members.ids), np.setdiff1d(members.ids, ids)
        total = former.texts_held + len(born)
        if total - len(members.ids) > COMPACTED * total:
            former, gone, born = None, gone[:0], members.ids
    index = continued(source / "text", target / "text") if former else create(target / "text")
    change(index, cast("list[int]", gone.tolist()), rows.texts(connection, born))


def whole(index: Path, generation: int) -> bool:
    """Whether a generation's folder is there and opens."""
    return _whole(index, generation) is not None


def _whole(index: Path, generation: int) -> Derived | None:
    try:
        return load(index, generation)
    except IndexRefused:
        return None


def load(index: Path, generation: int, former: Derived | None = None) -> Derived:
    """Open a generation's folder. Files that it shares with a `former` one are not read again.

    Raises `IndexRefused` where it is missing, cut short or changed; `ragfirst ingest` mends it.
    """
    source = folder(index, generation)
    try:
        description = json.loads((source / "derived.json").read_text())
        chunks, names = description["chunks"], description["collections"]
        # A damaged file opens, and answers wrongly.
        sound = _sound(source, description["files"], former.sound if former else frozenset())
        ids, owners = np.load(source / _CHUNKS, mmap_mode="r")
        vectors = open_vectors(source, description["base"])
        text = open_texts(source / "text")
        counts = (vectors.size, text.searcher().num_docs, len(ids))
        if counts != (chunks,) * 3:
            raise ValueError(f"vectors, texts and ids {counts} for {chunks} chunks")
        texts_held = held(source / "text")
    except (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError) as error:
        raise IndexRefused(
            f"the derived index {str(source)!r} is missing or damaged ({error}): run "
            "`ragfirst ingest` again, it is rebuilt from the database"
        ) from error
    return Derived(generation, vectors, text, texts_held, Members(ids, owners, names), sound)


def _sound(
    source: Path, recorded: dict[str, tuple[int, int]], known: frozenset[Stamp]
) -> frozenset[Stamp]:
    """The stamps of all recorded files. Raises `ValueError` or `OSError`; see `checksums.check`."""
    stamps = {name: _stamp(source / name) for name in recorded}
    check(source, {name: recorded[name] for name in recorded if stamps[name] not in known})
    return frozenset(stamps.values())


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def prune(index: Path, generation: int) -> None:
    """Remove the folders of all generations but the given and the one before it."""
    for path in (index / "derived").iterdir():
        if not path.name.isdigit() or int(path.name) not in (generation, generation - 1):
            # A reader elsewhere may hold files open; what cannot go now goes at the next sync.
            shutil.rmtree(path, ignore_errors=True)
