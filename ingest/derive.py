"""The derived indexes of a generation: FAISS over the vectors, tantivy over the text.

Both hold chunk ids and nothing that the database does not; a folder that is missing or damaged is
built again from it.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
import tantivy

from ingest.chunk import contextual
from ingest.schema import VISIBLE, IndexRefused

TOKENIZER = "ragfirst_english"
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Derived:
    """The two indexes of one generation, open for searching."""

    generation: int
    vectors: Any
    """A faiss.IndexIDMap2 over inner products; ids are chunk ids."""
    text: tantivy.Index


def folder(index: Path, generation: int) -> Path:
    """Where the derived indexes of a generation lie."""
    return index / "derived" / str(generation)


def build(connection: sqlite3.Connection, index: Path, generation: int, dimension: int) -> None:
    """Build a generation's folder anew. Its description is written last, so it tells "whole"."""
    target = folder(index, generation)
    shutil.rmtree(target, ignore_errors=True)
    (target / "text").mkdir(parents=True)
    vectors = cast(Any, faiss).IndexIDMap2(cast(Any, faiss).IndexFlatIP(dimension))
    text = tantivy.Index(_schema(), path=str(target / "text"))
    text.register_tokenizer(TOKENIZER, _analyzer())
    writer = text.writer(heap_size=64_000_000, num_threads=1)
    count = 0
    for rows in _batches(connection, generation):
        matrix = np.frombuffer(b"".join(row["embedding"] for row in rows), np.float32)
        ids = np.array([row["id"] for row in rows], np.int64)
        vectors.add_with_ids(matrix.reshape(len(rows), dimension), ids)
        for row in rows:
            document = tantivy.Document()
            document.add_unsigned("chunk", row["id"])
            document.add_text("collection", row["collection"])
            section = cast("list[str]", json.loads(row["section"]))
            document.add_text("text", contextual(row["title"], section, row["text"]))
            writer.add_document(document)
        count += len(rows)
    writer.commit()
    writer.wait_merging_threads()
    try:
        cast(Any, faiss).write_index(vectors, str(target / "vectors.faiss"))
    except RuntimeError as error:
        raise OSError(str(error)) from error
    size = (target / "vectors.faiss").stat().st_size
    description = {"generation": generation, "chunks": count, "vector_bytes": size}
    (target / "derived.json").write_text(json.dumps(description))


def whole(index: Path, generation: int) -> bool:
    """Whether a generation's folder is there and opens."""
    try:
        load(index, generation)
    except IndexRefused:
        return False
    return True


def load(index: Path, generation: int) -> Derived:
    """Open a generation's folder.

    Raises `IndexRefused` where it is missing, cut short or unreadable; `ragfirst ingest` mends it.
    """
    source = folder(index, generation)
    try:
        description = json.loads((source / "derived.json").read_text())
        size = (source / "vectors.faiss").stat().st_size
        if size != description["vector_bytes"]:
            raise ValueError(f"vectors.faiss has {size} bytes of {description['vector_bytes']}")
        vectors = cast(Any, faiss).read_index(str(source / "vectors.faiss"))
        text = tantivy.Index.open(str(source / "text"))
        text.register_tokenizer(TOKENIZER, _analyzer())
        text.reload()
        held = (vectors.ntotal, text.searcher().num_docs)
        if held != (description["chunks"],) * 2:
            raise ValueError(f"vectors and texts {held} for {description['chunks']} chunks")
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise IndexRefused(
            f"the derived index {str(source)!r} is missing or damaged ({error}): run "
            "`ragfirst ingest` again, it is rebuilt from the database"
        ) from error
    return Derived(generation, vectors, text)


def prune(index: Path, generation: int) -> None:
    """Remove the folders of all generations but the given and the one before it."""
    for path in (index / "derived").iterdir():
        if not path.name.isdigit() or int(path.name) not in (generation, generation - 1):
            # A reader elsewhere may hold files open; what cannot go now goes at the next sync.
            shutil.rmtree(path, ignore_errors=True)


def _batches(connection: sqlite3.Connection, generation: int) -> Iterator[list[sqlite3.Row]]:
    cursor = connection.execute(
        "SELECT chunks.id, title, collection, section, text, embedding FROM chunks "
        f"JOIN documents ON documents.id = document_id WHERE {VISIBLE} ORDER BY chunks.id",
        {"generation": generation},
    )
    while rows := cursor.fetchmany(_BATCH):
        yield rows


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("chunk", stored=True, indexed=True, fast=True)
    builder.add_text_field("collection", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name=TOKENIZER, index_option="freq")
    return builder.build()


def _analyzer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (
        tantivy.Filter.remove_long(60),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
        tantivy.Filter.stemmer("english"),
    ):
        builder = builder.filter(step)
    return builder.build()


def terms(text: str) -> list[str]:
    """The terms of a question as the text index has them: lower case, folded, stemmed."""
    return _analyzer().analyze(text)
