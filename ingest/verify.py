"""Checking an index from end to end: the database, its rows, and what was derived from them.

Nothing is changed. An ingest may run meanwhile: one generation is pinned, and checked.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest import derive
from ingest.schema import (
    DATABASE,
    VISIBLE,
    IndexRefused,
    in_memory,
    published,
    read_manifest,
    read_only,
)
from ingest.verify_rows import ChunkChecks, document_faults

Ids = NDArray[np.int64]

_EXAMPLES = 3
_BATCH = 1024
_NEAR = 0.95
"""The least cosine of a vector and its compressed copy; those of two passages are mostly below."""

_RESTORE = "restore a backup, or remove the index and ingest again"
_MENDED = "`ragfirst ingest` builds it again from the database"
_REMOVE = "remove the folder derived/{}: `ragfirst ingest` builds it again from the database"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with an index.

    Attributes:
        part: manifest, generations, documents, chunks or derived.
        what: What is wrong, with examples.
        remedy: What to do about it.
    """

    part: str
    what: str
    remedy: str


def verify(index: Path, embedder: str | None = None) -> list[Problem]:
    """All that is wrong with an index; an empty list for a sound one.

    `embedder`: the name of the one that it is to be used with, if that is to be checked.

    Raises `IndexRefused` where there is no index, where it has another format, and where its
    database is so damaged that it cannot be read on.
    """
    with read_only(index) as connection:
        while True:
            connection.execute("BEGIN")
            generation = published(connection)
            try:
                return _verify(connection, index, generation, embedder)
            except _Superseded:
                connection.execute("ROLLBACK")


class _Superseded(Exception):
    """Newer generations have been published, so that this one's derived indexes are gone."""


def _verify(
    connection: sqlite3.Connection, index: Path, generation: int, embedder: str | None
) -> list[Problem]:
    _refuse_malformed(connection, index)
    manifest = read_manifest(connection)
    found = list(_generations(connection, index, generation))
    if manifest is None:
        if connection.execute("SELECT EXISTS (SELECT 1 FROM documents)").fetchone()[0]:
            found.append(Problem("manifest", "it is missing, and there are documents", _RESTORE))
        return found
    if embedder is not None and manifest.embedder != embedder:
        what = f"the index was made by the embedder {manifest.embedder!r}, not by {embedder!r}"
        remedy = "set RAGFIRST_EMBEDDER back, or ingest into a new folder"
        found.append(Problem("manifest", what, remedy))
    found += _documents(connection, generation)
    derived = _derived(connection, index, generation)
    if isinstance(derived, Problem):
        found.append(derived)
    elif derived is not None:
        found += _ids(connection, derived)
    opened = derived if isinstance(derived, derive.Derived) else None
    found += _chunks(connection, generation, manifest.dimension, opened)
    return found


def _refuse_malformed(connection: sqlite3.Connection, index: Path) -> None:
    """Raise `IndexRefused` for what SQLite itself finds wrong, and for columns that are missing."""
    said = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
    with closing(in_memory()) as fresh:
        missing = _columns(fresh) - _columns(connection)
    # Format 1 had no checksums.
    said += [f"no column {name!r}" for name in sorted(missing) if not name.endswith(".checksum")]
    if said != ["ok"]:
        raise IndexRefused(
            f"the database {str(index / DATABASE)!r} is damaged ({'; '.join(said)}): {_RESTORE}"
        )


def _columns(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute(
        "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c "
        "WHERE m.type = 'table'"
    )
    return {row[0] for row in rows}


def _generations(connection: sqlite3.Connection, index: Path, generation: int) -> Iterator[Problem]:
    count = connection.execute("SELECT count(*) FROM generations").fetchone()[0]
    if count != generation:
        what = f"{count} are recorded, the newest is {generation}"
        yield Problem("generations", what, _RESTORE)
    folders = (index / "derived").glob("*")
    later = sorted(int(one.name) for one in folders if one.name.isdecimal())
    # The next one may be being made, or have been when an ingest was stopped.
    if later and later[-1] > generation + 1:
        what = f"derived/{later[-1]} is of none that there is; the newest is {generation}"
        remedy = "remove it, unless the database is the wrong one: then restore the right one"
        yield Problem("generations", what, remedy)
    for table in ("documents", "chunks"):
        last, given = connection.execute(
            f"SELECT (SELECT coalesce(max(id), 0) FROM {table}), "
            "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?)",
            (table,),
        ).fetchone()
        if last > given:
            what = f"ids beyond the last one given, {given}, of which some could be given again"
            yield Problem(table, what, _RESTORE)


def _documents(connection: sqlite3.Connection, generation: int) -> Iterator[Problem]:
    faults = _Faults()
    for row in connection.execute("SELECT * FROM documents"):
        faults.add(document_faults(row, generation), repr(row["path"]))
    for state in ("died IS NULL", f"{VISIBLE} AND NOT hidden"):
        rows = connection.execute(
            f"SELECT path FROM documents WHERE {state} GROUP BY root_id, path HAVING count(*) > 1",
            {"generation": generation},
        )
        for row in rows:
            faults.add(["are there twice"], repr(row["path"]))
    references = connection.execute("PRAGMA foreign_key_check").fetchall()
    for table, number, parent, _ in references:
        faults.add([f"belong to none of the {parent}"], f"{table} {number}")
    yield from faults.problems("documents", _RESTORE)


def _chunks(
    connection: sqlite3.Connection,
    generation: int,
    dimension: int,
    derived: derive.Derived | None,
) -> Iterator[Problem]:
    checks, faults, apart = ChunkChecks(dimension), _Faults(), _Faults()
    held = np.sort(derived.vector_ids()) if derived else np.empty(0, np.int64)
    cursor = connection.execute(
        f"SELECT chunks.*, documents.path, {VISIBLE} AS visible FROM chunks "
        "JOIN documents ON documents.id = document_id ORDER BY document_id, position",
        {"generation": generation},
    )
    while rows := cursor.fetchmany(_BATCH):
        for row in rows:
            faults.add(checks.faults(row), _named(row))
        if derived is not None:
            shown = [row for row in rows if row["visible"] and _is_vector(row, dimension)]
            for row in _apart(derived, shown, held):
                apart.add(["are not those of the database"], _named(row))
    yield from faults.problems("chunks", _RESTORE)
    yield from apart.problems("derived", _REMOVE.format(generation), "vectors ")


def _is_vector(row: sqlite3.Row, dimension: int) -> bool:
    embedding = row["embedding"]
    return isinstance(embedding, bytes) and len(embedding) == 4 * dimension


def _apart(
    derived: derive.Derived, rows: Sequence[sqlite3.Row], held: Ids
) -> Iterator[sqlite3.Row]:
    """The rows whose vectors in the derived index are others."""
    ids = np.array([row["id"] for row in rows], np.int64)
    there = np.isin(ids, held, assume_unique=True)
    rows = [row for row, is_there in zip(rows, there, strict=True) if is_there]
    if not rows:
        return
    theirs = np.asarray(derived.vectors_of(ids[there]), np.float32)
    ours = np.frombuffer(b"".join(row["embedding"] for row in rows), np.float32)
    ours = ours.reshape(len(rows), -1)
    if theirs.shape != ours.shape:
        yield from rows
        return
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(theirs, axis=1) * np.linalg.norm(ours, axis=1)
        cosines = (theirs * ours).sum(axis=1) / np.maximum(lengths, 1e-12)
    for row, cosine in zip(rows, cosines, strict=True):
        if not cosine >= _NEAR:
            yield row


def _derived(
    connection: sqlite3.Connection, index: Path, generation: int
) -> derive.Derived | Problem | None:
    """The derived indexes of the published generation, or why they do not open."""
    if generation == 0:
        return None
    try:
        return derive.load(index, generation)
    except IndexRefused as error:
        connection.execute("ROLLBACK")
        newer = published(connection) != generation
        connection.execute("BEGIN")
        if newer:
            raise _Superseded from error
        why = f"derived/{generation} is missing or damaged ({error.__cause__ or error})"
        return Problem("derived", why, _MENDED)


def _ids(connection: sqlite3.Connection, derived: derive.Derived) -> Iterator[Problem]:
    """Whether the derived indexes hold the chunks that their generation shows, and no others.

    A document that was hidden while its generation was being published may be in them still.
    """
    now = {"generation": derived.generation}
    shown = _select(connection, f"{VISIBLE}", now)
    hidden = _select(connection, "hidden", now)
    remedy = _REMOVE.format(derived.generation)
    for name, held in (("vectors", derived.vector_ids()), ("texts", derived.text_ids())):
        for number, what in (
            (len(held) - len(np.unique(held)), f"{name} are there twice"),
            (len(np.setdiff1d(shown, held)), f"{name} of chunks are missing"),
            (len(np.setdiff1d(held, np.union1d(shown, hidden))), f"{name} are of no chunk shown"),
        ):
            if number:
                yield Problem("derived", f"{number} {what}", remedy)


def _select(connection: sqlite3.Connection, condition: str, values: dict[str, int]) -> Ids:
    rows = connection.execute(
        "SELECT chunks.id FROM chunks JOIN documents ON documents.id = document_id "
        f"WHERE {condition}",
        values,
    )
    return np.fromiter((row[0] for row in rows), np.int64)


def _named(row: sqlite3.Row) -> str:
    return f"{row['id']} of {row['path']!r}"


class _Faults:
    """Faults of rows, counted, with the first few of each."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, faults: Iterable[str], name: str) -> None:
        for fault in faults:
            self._counts[fault] += 1
            if self._counts[fault] <= _EXAMPLES:
                self._found[fault].append(name)

    def problems(self, part: str, remedy: str, what: str = "") -> Iterator[Problem]:
        for fault, names in self._found.items():
            count = self._counts[fault]
            more = f", … {count - len(names)} more" if count > len(names) else ""
            yield Problem(part, f"{count} {what}{fault} ({', '.join(names)}{more})", remedy)
