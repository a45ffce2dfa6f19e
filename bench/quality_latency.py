"""How long a search takes over HTTP, and its parts."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from bench.answers import Unasked
from bench.quality_sets import QualitySet
from ingest.derive import terms
from ingest.embed import Embedder
from ingest.snapshot import Reader, Snapshot
from service.fuse import fuse, overlap
from service.loading import Loading, make_answerer, retrieval_settings
from service.retrieve import RetrievalSettings, retrieve
from service.settings import ServiceSettings

CALLS = 200
"""Questions timed, after one that warms up; each is asked once."""

_Found = TypeVar("_Found")


def print_latency(
    reader: Reader, settings: ServiceSettings, embedder: Embedder, asked: QualitySet, chunks: int
) -> None:
    """Time `/v1/search` and the steps that it is made of, on a set's questions.

    The parts are timed one by one beside the calls, as they are where no document is named. What is
    left of `retrieve`, all of retrieval, is reading the hits' texts and what names cost; what is
    left of a call HTTP and JSON. `embedder` must not remember questions.
    """
    questions = [one.question for one in asked.questions[: CALLS + 1]]
    parts = time_parts(reader, settings, embedder, questions)
    calls = time_calls(reader, settings, embedder, questions)
    print(f"{asked.name}: {chunks:,} chunks, {len(questions) - 1} questions, milliseconds")
    print(f"{'':12}{'p50':>9}{'p95':>9}{'p99':>9}")
    for name, spent in {"/v1/search": calls, **parts}.items():
        cuts = statistics.quantiles(spent, n=100, method="inclusive")
        print(f"{name:12}{cuts[49]:9.2f}{cuts[94]:9.2f}{cuts[98]:9.2f}")
    print()


def time_calls(
    reader: Reader, settings: ServiceSettings, embedder: Embedder, questions: Sequence[str]
) -> list[float]:
    """Milliseconds of each call, from the client's side, without a network between."""
    from fastapi.testclient import TestClient

    from service.app import create_app

    answerer = make_answerer(settings, reader, embedder, Unasked())
    client = TestClient(create_app(Loading(settings, answerer)))
    spent: list[float] = []
    for question in questions:
        started = time.perf_counter()
        client.post("/v1/search", json={"query": question}).raise_for_status()
        spent.append((time.perf_counter() - started) * 1000)
    client.close()
    return spent[1:]


def time_parts(
    reader: Reader, settings: ServiceSettings, embedder: Embedder, questions: Sequence[str]
) -> dict[str, list[float]]:
    """Milliseconds of each step of `service.retrieve`, by its name."""
    spent: dict[str, list[float]] = {}
    for question in questions:
        started = time.perf_counter()
        with reader.snapshot() as snapshot:
            retrieve(question, snapshot, embedder, retrieval_settings(settings))
        spent.setdefault("retrieve", []).append((time.perf_counter() - started) * 1000)
        with reader.snapshot() as snapshot:
            _step_by_step(question, snapshot, embedder, retrieval_settings(settings), spent)
    return {name: times[1:] for name, times in spent.items()}


def _step_by_step(
    question: str,
    snapshot: Snapshot,
    embedder: Embedder,
    wanted: RetrievalSettings,
    spent: dict[str, list[float]],
) -> None:
    def timed(name: str, do: Callable[[], _Found]) -> _Found:
        started = time.perf_counter()
        found = do()
        spent.setdefault(name, []).append((time.perf_counter() - started) * 1000)
        return found

    query = timed("embedding", lambda: embedder.embed_query(question))
    dense = timed("dense", lambda: snapshot.dense(query, wanted.candidates))
    lexical = timed("lexical", lambda: snapshot.lexical(question, wanted.candidates))
    close = timed("sentences", lambda: snapshot.closeness(query, dense.keys() | lexical.keys()))

    def fused() -> list[tuple[int, float]]:
        weights = snapshot.term_weights(question)
        titles = {
            title: overlap(set(terms(title)), weights)
            for title in {near.title for near in close.values()}
        }
        return fuse(close, lexical, weights, titles, wanted.weights)

    timed("fusion", fused)
