"""Retrieval as a question meets it, on an index folder: its parts, its memory, its start."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.search_timing import Stopwatch
from ingest.embed import Embedder
from ingest.snapshot import Reader
from service.retrieve import RetrievalSettings, retrieve

WARMING = 20
"""Questions asked first and not counted."""

LIMITED: dict[str, tuple[frozenset[str] | None, str | None]] = {
    "whole, in one collection": (None, "made-2"),
    "whole, readable in part": (frozenset({"made-1", "made-4"}), None),
}
"""Of what is made up a quarter, and nine sixteenths; see `bench.search_corpus`."""

_START = """
import json, sys, time
from pathlib import Path
import numpy as np
from ingest.snapshot import Reader
from service import retrieve

class Named:
    name, revision, dimension, token_limit = sys.argv[2], sys.argv[3], int(sys.argv[4]), 0
    def embed_query(self, text):
        return np.full((1, self.dimension), self.dimension**-0.5, np.float32)

clock, cpu = time.perf_counter(), time.process_time()
embedder = Named()
reader = Reader(Path(sys.argv[1]), embedder)
opened, opened_cpu = time.perf_counter() - clock, time.process_time() - cpu
with reader.snapshot() as snapshot:
    retrieve.retrieve(
        "What is the capital of the region?", snapshot, embedder, retrieve.RetrievalSettings()
    )
first, first_cpu = time.perf_counter() - clock, time.process_time() - cpu
print(json.dumps(
    {"open_s": opened, "open_cpu_s": opened_cpu, "first_s": first, "first_cpu_s": first_cpu}
))
"""


def start(index: Path, embedder: Embedder) -> dict[str, float]:
    """Seconds until a new process has the index open, and has answered its first question.

    Imports and the embedder's own loading are not in it.
    """
    about = [embedder.name, embedder.revision, str(embedder.dimension)]
    done = subprocess.run(
        [sys.executable, "-c", _START, str(index), *about],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[1],
        env=os.environ,
    )
    return json.loads(done.stdout)


def path(index: Path, embedder: Embedder, questions: Sequence[str]) -> dict[str, Any]:
    """Milliseconds of whole retrievals with the question's embedding, and of their parts.

    Beside them, retrievals in one collection, and by somebody who may read only some.
    """
    before = _resident()
    reader, settings = Reader(index, embedder), RetrievalSettings()
    for question in questions[-WARMING:]:
        with reader.snapshot() as snapshot:
            retrieve(question, snapshot, embedder, settings)
    names = ("whole", *LIMITED, "open", "embed", "dense", "lexical", "terms", "closeness", "fetch")
    watches = {name: Stopwatch() for name in names}
    for question in questions:
        watches["whole"].run(_retrieve, reader, embedder, settings, question)
        for name, (readable, collection) in LIMITED.items():
            limited = (reader, embedder, settings, question, readable, collection)
            watches[name].run(_retrieve, *limited)
    for question in questions:
        _parts(reader, embedder, settings.candidates, question, watches)
    timings = {name: watch.timing()._asdict() for name, watch in watches.items()}
    return timings | {"resident_mb": _resident() - before}


def _retrieve(
    reader: Reader,
    embedder: Embedder,
    settings: RetrievalSettings,
    question: str,
    readable: frozenset[str] | None = None,
    collection: str | None = None,
) -> None:
    with reader.snapshot(readable) as snapshot:
        retrieve(question, snapshot, embedder, settings, collection)


def _parts(
    reader: Reader, embedder: Embedder, count: int, question: str, watches: dict[str, Stopwatch]
) -> None:
    opened = reader.snapshot()
    snapshot = watches["open"].run(opened.__enter__)
    try:
        query = watches["embed"].run(embedder.embed_query, question)
        dense = watches["dense"].run(snapshot.dense, query, count)
        lexical = watches["lexical"].run(snapshot.lexical, question, count)
        watches["terms"].run(snapshot.term_weights, question)
        watches["closeness"].run(snapshot.closeness, query, dense.keys() | lexical.keys())
        watches["fetch"].run(snapshot.chunks, list(dense)[:3])
    finally:
        opened.__exit__(None, None, None)


def _resident() -> float:
    """Megabytes of memory that this process holds, mapped files that were read among them."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
