"""Search at size: ways of searching vectors beside exact search, and retrieval with all its parts.

    ragfirst ingest ../shared/data --index runs/bench-search/real
    python -m bench.search --sizes 100000 1000000 --queries 200
    python -m bench.search --changes

The first command makes the real passages that the corpora begin with and are made of; it takes an
hour or so. Each size is an index folder of its own with a database, a text index and vectors,
gone on with where it was stopped. Results are kept beside it (search.json), so that a second run
measures only what is missing; --again drops a part first.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench import search_changes, search_corpus, search_path, search_print, search_table
from bench.squad_wiki import QUESTIONS, sample
from ingest import derive, rows
from ingest.embed import Embedder, Vectors
from ingest.schema import connect, published
from ingest.store import Store
from ingest.vectors import make_base, recipe
from service.loading import load_embedder
from service.settings import ServiceSettings

PARTS = ("build", "ways", "filters", "start", "path")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    asked = _parser().parse_args(arguments)
    folder = cast(Path, asked.work)
    folder.mkdir(parents=True, exist_ok=True)
    if asked.changes:
        model = load_embedder(ServiceSettings()) if asked.model else None
        search_print.changes(search_changes.measure(asked.real, folder, asked.documents, model))
        return
    embedder = load_embedder(ServiceSettings())
    questions = [one.question for one in sample(asked.queries)]
    for size in asked.sizes:
        bench = _Bench(folder / str(size), size, embedder, questions, asked.again)
        bench.corpus(asked.real)
        for part in asked.parts:
            bench.part(part, graphs=size <= asked.graphs_to, only=asked.only)
        search_print.results(size, bench.results)


def _parser() -> argparse.ArgumentParser:
    words = (__doc__ or "").split("\n\n", 1)
    parser = argparse.ArgumentParser(
        description=words[0], epilog=words[1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000], help="chunks")
    parser.add_argument("--queries", type=int, default=200, help=f"questions of {QUESTIONS.name}")
    parser.add_argument(
        "--real",
        type=Path,
        default=Path("runs/bench-search/real"),
        help="the index of real documents, by the embedder of the settings",
    )
    parser.add_argument(
        "--work", type=Path, default=Path("runs/bench-search"), help="where indexes and results lie"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--again", nargs="+", choices=PARTS, default=[], help="measure these anew")
    parser.add_argument("--only", nargs="+", default=[], help="ways whose name begins so")
    parser.add_argument(
        "--graphs-to", type=int, default=100_000, help="the largest size that HNSW is built at"
    )
    parser.add_argument(
        "--changes", action="store_true", help="instead: syncs that change nothing, or one file"
    )
    parser.add_argument("--documents", type=int, default=5_000, help="of --changes")
    parser.add_argument(
        "--model", action="store_true", help="--changes by the embedder of the settings: slow"
    )
    return parser


class _Bench:
    """One size: its index folder and what has been measured of it."""

    def __init__(
        self,
        folder: Path,
        size: int,
        embedder: Embedder,
        questions: list[str],
        again: Sequence[str],
    ) -> None:
        self._folder = folder
        self._index = folder / "index"
        self._size = size
        self._embedder = embedder
        self._questions = questions
        self._file = folder / "search.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.results: dict[str, Any] = (
            json.loads(self._file.read_text()) if self._file.is_file() else {}
        )
        for part in again:
            self.results.pop(part, None)

    def corpus(self, real: Path) -> None:
        """Fill the database, unless it is full."""
        if "corpus" in self.results:
            return
        started = time.perf_counter()
        manifest, passages = search_corpus.real_passages(real, search_corpus.SEEDS)
        made = search_corpus.fit(passages)
        search_corpus.write_corpus(self._index, self._size, manifest, passages, made)
        self._keep(
            "corpus",
            {
                "real": len(passages),
                "spread": made.spread,
                "real_cosine": made.real_cosine,
                "made_cosine": made.made_cosine,
                "seconds": time.perf_counter() - started,
                "database_mb": (self._index / "ragfirst.db").stat().st_size / 1e6,
            },
        )

    def part(self, name: str, *, graphs: bool, only: Sequence[str]) -> None:
        """Measure a part, unless it is there."""
        measures: dict[str, Callable[[], Any]] = {
            "build": self._build,
            "filters": self._filters,
            "start": lambda: search_path.start(self._index, self._embedder),
            "path": lambda: search_path.path(self._index, self._embedder, self._questions),
        }
        if name == "ways":
            self._ways(graphs, only)
        elif name not in self.results:
            self._keep(name, measures[name]())

    def _build(self) -> dict[str, float]:
        """Derive the indexes and publish, as the end of a first sync does."""
        with closing(connect(self._index)) as connection:
            clock, cpu = time.perf_counter(), time.process_time()
            store = Store(connection)
            generation = published(connection) or store.generation
            derive.build(connection, self._index, generation, self._embedder.dimension)
            spent = {"seconds": time.perf_counter() - clock, "cpu_s": time.process_time() - cpu}
            if not published(connection):
                store.publish()
        folder = derive.folder(self._index, generation)
        files = [path for path in folder.rglob("*") if path.is_file()]
        texts = sum(path.stat().st_size for path in files if path.parent.name == "text")
        vectors = sum(path.stat().st_size for path in files) - texts
        return spent | {"texts_mb": texts / 1e6, "vectors_mb": vectors / 1e6}

    def _ways(self, graphs: bool, only: Sequence[str]) -> None:
        done = self.results.setdefault("ways", {})
        missing = [
            way
            for way in search_table.ways(self._size, graphs)
            if way.factory not in done and way.factory.startswith(tuple(only) or "")
        ]
        if missing:
            vectors, queries, true = self._compared()
            for way in missing:
                done[way.factory] = list(
                    search_table.measure(way, vectors, queries, true, self._folder)
                )
                self._keep("ways", done)
                search_print.way(done[way.factory])

    def _filters(self) -> list[dict[str, Any]]:
        made, (vectors, queries, _) = recipe(self._size), self._compared()
        if made is None:
            return []
        ids = np.arange(len(vectors), dtype=np.int64)
        chosen = np.sort(np.random.default_rng(0).permutation(ids)[: made.sample])
        base = make_base(vectors.shape[1], made, vectors[chosen], [(ids, vectors)])
        return list(search_table.filtered(made, base, vectors, queries))

    def _compared(self) -> tuple[Vectors, Vectors, NDArray[np.int64]]:
        """All vectors, those of the questions, and each question's nearest by exact search."""
        kept = self._folder / "vectors.npy"
        if not kept.is_file():
            shape = (self._size, self._embedder.dimension)
            table = np.lib.format.open_memmap(kept, "w+", np.float32, shape)
            with closing(connect(self._index)) as connection:
                ids = rows.members(connection, 1).ids
                at = 0
                for some, part in rows.vectors(connection, ids, shape[1]):
                    table[at : at + len(some)] = part
                    at += len(some)
            table.flush()
        vectors = np.load(kept, mmap_mode="r")
        queries = np.concatenate([self._embedder.embed_query(one) for one in self._questions])
        return vectors, queries, search_table.nearest(vectors, queries, 10)

    def _keep(self, name: str, what: Any) -> None:
        self.results[name] = what
        self._file.write_text(json.dumps(self.results, indent=1))


if __name__ == "__main__":
    main()
