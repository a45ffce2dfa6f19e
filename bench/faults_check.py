"""What must hold of an index after a fault: it opens, is sound, is of one moment, is searched."""

import random
import re
from dataclasses import dataclass, field
from pathlib import Path

from bench.faults_corpus import MARK, Documents
from ingest.embed import Embedder
from ingest.schema import DATABASE, IndexRefused, connect, published
from ingest.snapshot import Reader, Snapshot
from ingest.verify import verify

_WORD = re.compile(rf"\b{MARK}[a-z]{{7}}\b", re.IGNORECASE)
_ASKED = 5


@dataclass(frozen=True, slots=True)
class Held:
    """A generation and the versions of the documents that it shows; 0 before the first."""

    generation: int = 0
    documents: Documents = field(default_factory=dict[tuple[str, str], str])


def check(
    index: Path, embedder: Embedder, before: Held, now: Documents, chance: random.Random
) -> tuple[list[str], Held]:
    """What is wrong with an index, in words, and what it holds.

    Args:
        index: Its folder.
        embedder: The one it is made by.
        before: What it held before the fault.
        now: What it holds where a new generation was published since.
        chance: Chooses the documents that are asked for.
    """
    if not (index / DATABASE).exists() and before.generation == 0:
        return [], before
    try:
        return _check(index, embedder, before, now, chance)
    except Exception as error:  # whatever it is, it is a failure of the round, not of the bench
        return [f"{type(error).__name__}: {error}"], before


def _check(
    index: Path, embedder: Embedder, before: Held, now: Documents, chance: random.Random
) -> tuple[list[str], Held]:
    wrong: list[str] = []
    try:
        connection = connect(index)
    except IndexRefused:
        # Killed while the database was being made: the next ingest makes it.
        if before.generation == 0 and (index / DATABASE).stat().st_size == 0:
            return [], before
        raise
    generation = published(connection)
    connection.close()
    wrong += [f"{one.part}: {one.what}" for one in verify(index, embedder.name)]
    if generation == 0:
        return [*wrong, *(["the published generation is lost"] * bool(before.generation))], before
    with Reader(index, embedder).snapshot() as snapshot:
        held = Held(snapshot.generation, _documents(snapshot))
        wrong += _searched(snapshot, embedder, held, chance)
    if held.generation < before.generation:
        wrong.append(f"generation {held.generation} after {before.generation}")
    expected = before.documents if held.generation == before.generation else now
    wrong += [
        f"generation {held.generation} has {held.documents.get(key)!r} of {key}, "
        f"not {expected.get(key)!r}"
        for key in sorted(held.documents.keys() | expected.keys())
        if held.documents.get(key) != expected.get(key)
    ]
    return wrong, held


def _documents(snapshot: Snapshot) -> Documents:
    """Two words of one document, a mix of versions, are given as they are and equal no one."""
    return {
        (one.collection, one.path): " ".join(
            sorted({word.lower() for word in _WORD.findall(snapshot.text(one.id))})
        )
        for one in snapshot.documents()
    }


def _searched(
    snapshot: Snapshot, embedder: Embedder, held: Held, chance: random.Random
) -> list[str]:
    """Ask for some documents by their words, in the text index and by vectors."""
    wrong: list[str] = []
    named = sorted(key for key, word in held.documents.items() if word)
    for key in chance.sample(named, min(_ASKED, len(named))):
        word = held.documents[key]
        found = snapshot.chunks(list(snapshot.lexical(word, 10)))
        if {(one.document.collection, one.document.path) for one in found} != {key}:
            wrong.append(f"a search for the word of {key} finds {len(found)} chunks of others")
        near = list(snapshot.dense(embedder.embed_query(found[0].text if found else word), 5))
        if not near or len(snapshot.chunks(near)) != len(near):
            wrong.append(f"a search by vector finds {len(near)} chunks, not all of them there")
    return wrong
