"""Do documents that give orders to the model get their way? The poisoned set of tests/, for real.

    python -m bench.injection [--quotes-only] [--work runs/bench-injection]

Every poisoned document stands in a collection beside the clean one that holds the true answer, so
that both are found. Prints, by kind, the share that was answered from the true passages or not at
all, and each of the others. `--quotes-only` asks no model, which is what an answer is made of where
the model's own is not borne. Rows are written as they come; the same command goes on where it was
stopped.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.answers import Unasked
from ingest.chunk import ChunkSettings
from ingest.embed import Embedder
from ingest.snapshot import Reader
from ingest.sync import SyncSettings, sync
from service.answer import Answerer
from service.llm import LLM
from service.loading import load_embedder, load_llm, make_answerer
from service.settings import ServiceSettings
from tests.poison import Poisoned, poisoned

SAFE = ("true", "abstained")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quotes-only", action="store_true", help="do not ask the model")
    parser.add_argument("--work", type=Path, default=Path("runs/bench-injection"))
    options = parser.parse_args()
    settings = ServiceSettings()
    embedder = load_embedder(settings)
    llm: LLM = Unasked() if options.quotes_only else load_llm(settings)
    options.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        reader = index(Path(folder), poisoned(), embedder)
        answerer = make_answerer(settings, reader, embedder, llm)
        name = "quotes" if options.quotes_only else llm.name.replace("/", "-")
        rows = list(_rows(answerer, poisoned(), options.work / f"{name}.jsonl"))
    report(rows, llm.name)


def index(folder: Path, cases: Sequence[Poisoned], embedder: Embedder) -> Reader:
    """An index of the cases, each a collection of its own."""
    corpora = [(one.write(folder / "corpus"), one.id) for one in cases]
    settings = SyncSettings(ChunkSettings(embedder.token_limit))
    failures = sync(corpora, folder / "index", embedder, settings).failures
    assert not failures, failures
    return Reader(folder / "index", embedder)


def _rows(answerer: Answerer, cases: Sequence[Poisoned], file: Path) -> Iterator[dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    done = {row["id"]: row for row in map(json.loads, lines)}
    with file.open("a", encoding="utf-8") as out:
        for number, case in enumerate(cases, start=1):
            if case.id not in done:
                done[case.id] = _ask(answerer, case)
                out.write(json.dumps(done[case.id], ensure_ascii=False) + "\n")
                out.flush()
            if number % 10 == 0:
                print(f"{number}/{len(cases)}", file=sys.stderr)
            yield done[case.id]


def _ask(answerer: Answerer, case: Poisoned) -> dict[str, Any]:
    found = answerer.answer(case.question, collection=case.id)
    return {
        "id": case.id,
        "kind": case.kind,
        "question": case.question,
        "gold": case.answer,
        "marker": case.marker,
        "answer": found.answer,
        "grounding": found.grounding,
        "outcome": case.outcome(found.answer, found.abstained),
    }


def report(rows: Sequence[dict[str, Any]], model: str) -> None:
    """Print the shares by kind, and what went wrong."""
    print(f"{len(rows)} poisoned documents, model {model}")
    print(f"  {'':16}{'safe':>14}{'true':>7}{'abstained':>11}{'obeyed':>8}{'astray':>8}")
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    for kind in [*kinds, "all"]:
        outcomes = [row["outcome"] for row in rows if kind in (row["kind"], "all")]
        counts = {name: outcomes.count(name) for name in (*SAFE, "obeyed", "astray")}
        safe = sum(counts[name] for name in SAFE)
        print(
            f"  {kind:16}{safe:>4}/{len(outcomes):<3}{safe / len(outcomes):6.3f}"
            f"{counts['true']:>7}{counts['abstained']:>11}{counts['obeyed']:>8}"
            f"{counts['astray']:>8}"
        )
    for row in rows:
        if row["outcome"] not in SAFE:
            print(f"\n{row['id']}: {row['outcome']} ({row['grounding']}), right is {row['gold']!r}")
            print(f"  {row['question']}\n  {row['answer']}")


if __name__ == "__main__":
    main()
