"""Index folders of any size for the benchmark of search: real passages first, then made-up ones.

A made-up passage has a real one's vector, moved within the spread of its neighbours, and sentences
of that passage and of a neighbour. How far it is moved is fitted: among equally many, the nearest
neighbour of a made-up vector is as near as that of a real one (the median cosine).
"""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from ingest.checksums import of_values
from ingest.chunk import Chunk
from ingest.documents import Document, Section
from ingest.embed import Vectors
from ingest.encode import Encoded
from ingest.schema import (
    VISIBLE,
    Manifest,
    claim_manifest,
    connect,
    published,
    read_manifest,
    read_only,
)
from ingest.sentences import Span
from ingest.store import Store

SEED = 20261124
SEEDS = 16_000
"""Real passages that made-up ones are made of, at the most."""
NEIGHBOURS = 12
COMPARED = 3_000
"""Vectors of each kind whose nearest neighbours are compared."""
TOGETHER = 20
"""Chunks of a made-up document."""
ROOT = Path("/made-up")


@dataclass(frozen=True, slots=True)
class Real:
    """A real passage: what the index has of it."""

    title: str
    text: str
    section: tuple[str, ...]
    collection: str
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class Fit:
    """What made-up vectors are drawn from, and how near neighbours are: medians of the cosine."""

    seeds: Vectors
    neighbours: NDArray[np.int64]
    spread: float
    real_cosine: float
    made_cosine: float


def real_passages(index: Path, most: int) -> tuple[Manifest, list[Real]]:
    """The manifest of an index and passages of it, drawn evenly, in the order of their ids.

    Raises `IndexRefused` where there is no index.
    """
    with read_only(index) as connection:
        manifest = read_manifest(connection)
        assert manifest is not None
        visible = {"generation": published(connection)}
        among = f"FROM chunks JOIN documents ON documents.id = document_id WHERE {VISIBLE}"
        ids = [row[0] for row in connection.execute(f"SELECT chunks.id {among}", visible)]
        chosen = np.random.default_rng(SEED).permutation(sorted(ids))[:most]
        rows = connection.execute(
            f"SELECT title, chunks.*, collection {among} "
            "AND chunks.id IN (SELECT value FROM json_each(:ids)) ORDER BY chunks.id",
            visible | {"ids": json.dumps(chosen.tolist())},
        )
        return manifest, [_real(row) for row in rows]


def _real(row: Any) -> Real:
    embedding = np.frombuffer(row["embedding"], np.float32)
    pairs = np.frombuffer(row["spans"], np.int32).reshape(-1, 2).tolist()
    spans = tuple(Span(start, end) for start, end in pairs)
    sentences = np.frombuffer(row["sentences"], np.float16).reshape(len(spans), len(embedding))
    return Real(
        row["title"],
        row["text"],
        tuple(json.loads(row["section"])),
        row["collection"],
        Encoded(embedding, spans, sentences),
    )


def fit(real: list[Real]) -> Fit:
    """Fit how far made-up vectors lie from the real ones that they are made of."""
    seeds = np.stack([one.encoded.embedding for one in real])
    flat = cast(Any, faiss).IndexFlatIP(seeds.shape[1])
    flat.add(seeds)
    neighbours = flat.search(seeds, NEIGHBOURS + 1)[1][:, 1:]
    chance = np.random.default_rng(SEED)
    wanted = _nearness(seeds[chance.permutation(len(seeds))[:COMPARED]])
    low, high = 0.0, 3.0
    for _ in range(7):
        spread = (low + high) / 2
        made, _ = _made(seeds, neighbours, spread, COMPARED, np.random.default_rng(SEED + 1))
        low, high = (spread, high) if _nearness(made) > wanted else (low, spread)
    spread = (low + high) / 2
    made, _ = _made(seeds, neighbours, spread, COMPARED, np.random.default_rng(SEED + 2))
    return Fit(seeds, neighbours, spread, wanted, _nearness(made))


def _nearness(vectors: Vectors) -> float:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    return float(np.median(cosines.max(axis=1)))


def _made(
    seeds: Vectors,
    neighbours: NDArray[np.int64],
    spread: float,
    number: int,
    chance: np.random.Generator,
) -> tuple[Vectors, NDArray[np.int64]]:
    """Made-up vectors, and the places of the real ones that they are made of.

    Each is moved along the differences to its neighbours (so by their covariance), and by as much
    again in directions that no neighbour tells of.
    """
    places = chance.integers(len(seeds), size=number)
    at = seeds[places]
    weights = chance.standard_normal((number, NEIGHBOURS, 1), np.float32)
    steps = (seeds[neighbours[places]] - at[:, None]) * weights / np.sqrt(NEIGHBOURS)
    along = steps.sum(axis=1)
    lengths = np.linalg.norm(along, axis=1, keepdims=True)
    beside = chance.standard_normal(at.shape, np.float32) / np.sqrt(at.shape[1]) * lengths
    moved = at + spread * (along + beside) / np.sqrt(2)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved.astype(np.float32), places


def write_corpus(index: Path, size: int, manifest: Manifest, real: list[Real], made: Fit) -> None:
    """Fill an index folder up to so many chunks, goes on where it was stopped; not derived yet."""
    with closing(connect(index, create=True)) as connection:
        claim_manifest(connection, manifest)
        connection.execute("PRAGMA synchronous = OFF")
        store = Store(connection)
        root = store.root(ROOT)
        done = connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
        begun = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
        for number, passages in enumerate(_documents(real, made)):
            if done >= size:
                return
            if number < begun:
                continue
            passages = passages[: size - done]
            name = f"{number}.md"
            document, chunks = _document(name, passages)
            encoded = [one.encoded for one in passages]
            digest = f"{of_values([document.text]):08x}"
            collection = passages[0].collection
            store.put(root, name, collection, document, digest, chunks, encoded)
            done += len(passages)


def _documents(real: list[Real], made: Fit) -> Iterator[list[Real]]:
    """First the real passages, then made-up ones without end; the same whenever it is asked."""
    for start in range(0, len(real), TOGETHER):
        yield real[start : start + TOGETHER]
    for number in count():
        chance = np.random.default_rng((SEED, number))
        vectors, places = _made(made.seeds, made.neighbours, made.spread, TOGETHER, chance)
        others = made.neighbours[places, chance.integers(NEIGHBOURS, size=TOGETHER)]
        pairs = cast("list[tuple[int, int]]", np.stack([places, others], axis=1).tolist())
        # One collection a document: they grow from the largest to a hundredth of it and less.
        collection = f"made-{int(chance.geometric(0.5))}"
        yield [
            _mixed(real[one], real[other], vector, collection, chance)
            for (one, other), vector in zip(pairs, vectors, strict=True)
        ]


def _mixed(
    one: Real, other: Real, vector: Vectors, collection: str, chance: np.random.Generator
) -> Real:
    """Sentences of both in a new order, as many as `one` has."""
    pool = [
        real.text[span.start : span.end] for real in (one, other) for span in real.encoded.spans
    ]
    vectors = np.concatenate([one.encoded.sentences, other.encoded.sentences])
    chosen = chance.permutation(len(pool))[: len(one.encoded.spans)].tolist()
    text, spans = "", list[Span]()
    for place in cast("list[int]", chosen):
        sentence = pool[place]
        spans.append(Span(len(text), len(text) + len(sentence)))
        text += sentence + " "
    # What moves the chunk moves its sentences.
    moved = vectors[chosen].astype(np.float32) + (vector - one.encoded.embedding)
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    encoded = Encoded(vector, tuple(spans), moved.astype(np.float16))
    return Real(one.title, text or one.text, one.section, collection, encoded)


def _document(name: str, passages: list[Real]) -> tuple[Document, list[Chunk]]:
    chunks, start = list[Chunk](), 0
    for position, one in enumerate(passages):
        end = start + len(one.text)
        chunks.append(Chunk(position, one.text, one.section, None, None, start, end))
        start = end + 1
    text = "\n".join(one.text for one in passages)
    sections = tuple(Section(chunk.start, chunk.section) for chunk in chunks)
    return Document(name, passages[0].title, "markdown", text, sections), chunks
