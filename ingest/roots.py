"""Source roots that lie side by side in one folder, as uploads do: what is known of their files."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.schema import VISIBLE, IndexRefused, published, transaction

_HOME = "uploads"


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as an index knows it.

    Attributes:
        fingerprint: Of what was last read to its end; None before that.
        documents: The ids of those that the published generation shows.
        failure: Why it cannot be read, where nothing of it can.
        partial: Why parts of it cannot be read, each with the part's name.
        settled: Nothing of it waits to be published.
    """

    fingerprint: str | None = None
    documents: tuple[int, ...] = ()
    failure: str | None = None
    partial: tuple[str, ...] = ()
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document comes from: its source root, the file below it, and its collection."""

    root: Path
    file: str
    collection: str


def place_of(connection: sqlite3.Connection, document_id: int) -> Place | None:
    """The place of a document; None where the published generation does not show it."""
    row = connection.execute(
        "SELECT roots.path, file, collection FROM documents JOIN roots ON roots.id = root_id "
        f"WHERE documents.id = :id AND {VISIBLE} AND NOT hidden",
        {"id": document_id, "generation": published(connection)},
    ).fetchone()
    return None if row is None else Place(Path(row["path"]), row["file"], row["collection"])


def known_files(connection: sqlite3.Connection, folder: Path) -> dict[tuple[str, str], KnownFile]:
    """All files below the roots in a folder, by the root's name and the path below it."""
    connection.execute("BEGIN")
    try:
        generation = published(connection)
        return {
            (root.name, file): known
            for number, root in _roots_in(connection, folder)
            for file, known in _known(connection, number, generation).items()
        }
    finally:
        connection.execute("ROLLBACK")


def exists(connection: sqlite3.Connection, document_id: int) -> bool:
    """Whether there is a document of this id in any generation that a reader may be on."""
    row = connection.execute("SELECT 1 FROM documents WHERE id = ?", (document_id,)).fetchone()
    return row is not None


def settle(connection: sqlite3.Connection, folder: Path) -> None:
    """Let the roots in a folder go by its path of today, since it may have moved with its index.

    The first call remembers the folder, and a later one takes what lay in that for its own.
    """
    row = connection.execute("SELECT value FROM manifest WHERE key = ?", (_HOME,)).fetchone()
    if row is not None and row["value"] == str(folder):
        return
    with transaction(connection):
        for number, root in list(_roots_in(connection, Path(row["value"]))) if row else ():
            moved = (str(folder / root.name), number)
            connection.execute("UPDATE OR IGNORE roots SET path = ? WHERE id = ?", moved)
        connection.execute("INSERT OR REPLACE INTO manifest VALUES (?, ?)", (_HOME, str(folder)))


def move_root(connection: sqlite3.Connection, before: Path, now: Path) -> None:
    """Let a source root go by the path that its folder has moved to.

    Does nothing where that was done already. Raises `IndexRefused` where there is no such root, and
    where the index follows both.
    """
    known = [row["path"] for row in connection.execute("SELECT path FROM roots ORDER BY path")]
    if str(before) not in known:
        if str(now) in known:
            return
        raise IndexRefused(
            f"the index follows no {str(before)!r}, but {', '.join(map(repr, known)) or 'nothing'}"
        )
    if str(now) in known:
        raise IndexRefused(
            f"the index follows {str(now)!r} already, and {str(before)!r} beside it: nothing was "
            "changed"
        )
    with transaction(connection):
        connection.execute("UPDATE roots SET path = ? WHERE path = ?", (str(now), str(before)))


def _roots_in(connection: sqlite3.Connection, folder: Path) -> Iterator[tuple[int, Path]]:
    for row in connection.execute("SELECT id, path FROM roots ORDER BY path").fetchall():
        if Path(row["path"]).parent == folder:
            yield row["id"], Path(row["path"])


def _known(connection: sqlite3.Connection, root: int, generation: int) -> dict[str, KnownFile]:
    files = connection.execute("SELECT path, fingerprint FROM files WHERE root_id = ?", (root,))
    prints = {row["path"]: row["fingerprint"] for row in files}
    failures: dict[str, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(
        "SELECT file, path, reason FROM failures WHERE root_id = ? ORDER BY path", (root,)
    ):
        failures[row["file"]][row["path"]] = row["reason"]
    shown: dict[str, list[int]] = defaultdict(list)
    waiting: set[str] = set()
    for row in connection.execute(
        f"SELECT id, file, {VISIBLE} AND NOT hidden AS shown, "
        "born > :generation OR died > :generation AS waiting "
        "FROM documents WHERE root_id = :root ORDER BY id",
        {"root": root, "generation": generation},
    ):
        if row["shown"]:
            shown[row["file"]].append(row["id"])
        if row["waiting"]:
            waiting.add(row["file"])
    return {
        file: KnownFile(
            fingerprint=prints.get(file),
            documents=tuple(shown[file]),
            failure=failures[file].get(file),
            partial=tuple(f"{at}: {why}" for at, why in failures[file].items() if at != file),
            settled=file not in waiting,
        )
        for file in prints.keys() | failures.keys() | shown.keys() | waiting
    }
