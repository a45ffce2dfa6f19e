"""What an index holds, read from its database."""

import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from ingest.documents import Failure
from ingest.schema import VISIBLE, published, read_manifest
from ingest.store import failures, totals


@dataclass(frozen=True, slots=True)
class Status:
    """Counts are of the published generation; `failures` are all on record."""

    generation: int
    documents: int
    pages: int
    empty_pages: int
    chunks: int
    embedder: str | None
    collections: dict[str, int]
    failures: list[Failure]

    def as_dict(self) -> dict[str, Any]:
        """For JSON output, whose fields other programs rely on."""
        fields = ("generation", "documents", "chunks", "embedder", "collections", "failures")
        values = asdict(self)
        return {name: values[name] for name in fields}


def read_status(connection: sqlite3.Connection) -> Status:
    """Read it. Raises `IndexRefused` for a format that is not read here."""
    manifest = read_manifest(connection)
    generation = published(connection)
    shown = f"{VISIBLE} AND NOT hidden"
    now = {"generation": generation}
    collections = connection.execute(
        f"SELECT collection, count(*) FROM documents WHERE {shown} GROUP BY 1 ORDER BY 1", now
    )
    empty = connection.execute(
        f"SELECT coalesce(sum(json_array_length(empty_pages)), 0) FROM documents WHERE {shown}", now
    )
    return Status(
        generation=generation,
        **totals(connection, generation)._asdict(),
        empty_pages=empty.fetchone()[0],
        embedder=f"{manifest.embedder} ({manifest.revision})" if manifest else None,
        collections={row[0]: row[1] for row in collections},
        failures=failures(connection),
    )
