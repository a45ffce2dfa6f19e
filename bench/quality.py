"""How good are retrieval, quotes and abstention on four public sets?

    python -m bench.quality [--sets contracts scifact …] [--configs bm25 shipped …]
        [--sample 300] [--held-out] [--reader] [--latency]

Indexes SQuAD 2.0's development articles, contracts, quarterly reports and scientific abstracts,
each once, below --work, and asks fixed samples of their questions. Prints a block a set and a row a
configuration, with paired intervals to the row above; --work/runs keeps each run as JSON.
`squad2-dev-left-out` asks the test articles' questions as if half of those articles were not
indexed; `contracts-others` asks about the contracts that are not those of `contracts`; `company`
asks the demo company's development questions. No model is asked, so that quotes are the answers,
unless --reader adds a row with the embedded one's replies, or --adapter with an adapter's: "quoted"
is whether the answer or a quote holds gold, "told" whether the answer's own words do.
--held-out also asks the SQuAD `tune` articles and shows, for each set, what would have been chosen
on the three others; nothing is chosen on the `test` ones.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import quality_sets
from bench.answers import Unasked
from bench.quality_index import open_index
from bench.quality_latency import print_latency
from bench.quality_measures import SHOWN, Level, Outcome, outcome
from bench.quality_ranking import (
    NAMELESS,
    PLAIN,
    SHIPPED,
    SOURCELESS,
    Configuration,
    Remembering,
    configuration,
)
from bench.quality_reader import Reading
from bench.quality_sets import QualitySet
from bench.quality_table import block, held_out, lines
from bench.squad_wiki import SEED
from eval.manifest import commit
from eval.questions import read_questions
from ingest.derive import terms
from ingest.embed import Embedder
from ingest.snapshot import Reader
from service import abstain, ground
from service.answer import Answerer, Looked
from service.loading import load_embedder, make_answerer, retrieval_settings
from service.settings import ServiceSettings

SETS = (
    *("squad2-dev-test", "squad2-dev-left-out"),
    *("contracts", "sec10q-single", "sec10q-multi", "scifact"),
)
TUNE, OTHERS, COMPANY = "squad2-dev-tune", "contracts-others", "company"
MORE = (OTHERS, TUNE, COMPANY)
CORPUS = Path(__file__).resolve().parents[1] / "corpus"
ABSTENTION = {"false abst", "false ans"}
"""Measures that only the service's own rows have: it abstains by scores on its own scale."""
LEVELS: Mapping[str, Level] = {"contracts": "page", "sec10q": "document", "scifact": "document"}
"""By corpus; a passage for others, whose gold answers are texts that stand in it."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all sets are asked with."""

    settings: ServiceSettings
    embedder: Embedder
    configurations: Sequence[Configuration]
    reading: Reading | None


def main() -> None:
    """The command."""
    options = _options()
    settings = ServiceSettings()
    inner = load_embedder(settings)
    embedder = Remembering(inner)
    retrieval = retrieval_settings(settings)
    configurations = [configuration(name, retrieval) for name in options.configs]
    asks = options.reader or options.adapter
    reading = Reading(settings, options.work, options.adapter) if asks else None
    bench = Bench(settings, embedder, configurations, reading)
    measured: dict[str, dict[str, list[Outcome]]] = {}
    record: dict[str, Any] = {
        "commit": commit(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "embedder": [embedder.name, embedder.revision],
        "retrieval": asdict(retrieval),
        "abstain_below": settings.abstain_below,
        "options": {name: str(value) for name, value in vars(options).items()},
        "sets": {},
    }
    for name in [*options.sets, *([TUNE] if options.held_out else [])]:
        asked = load(name, options)
        if options.latency and options.index:
            reader = Reader(options.index, inner)
            print_latency(reader, settings, inner, asked, reader.status().chunks)
            continue
        reader, index = open_index(asked, options.work / "index", embedder, settings)
        if options.latency:
            print_latency(reader, settings, inner, asked, index["chunks"])
            continue
        measured[name] = measure(asked, reader, bench)
        record["sets"][name] = _show(asked, index, measured[name], options.seed)
        file = _write(options.work / "runs", record)
        print(f"({file})\n")
    if options.held_out:
        _hold_out(measured)


def _options() -> argparse.Namespace:
    words = __doc__ or ""
    parser = argparse.ArgumentParser(
        description=words, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sets",
        nargs="+",
        choices=[*SETS, *MORE],
        metavar="SET",
        default=[*SETS],
        help=f"of {', '.join([*SETS, *MORE])}; all but the last three",
    )
    parser.add_argument(
        "--configs",
        nargs="+",
        metavar="NAME",
        default=[*PLAIN, NAMELESS, SOURCELESS, SHIPPED],
        help=f"{', '.join(PLAIN)}, {NAMELESS}, {SOURCELESS}, {SHIPPED}, minmax:SHARE, "
        "fused:DENSE,SENTENCE,TITLE",
    )
    parser.add_argument(
        "--sample",
        type=int,
        default=300,
        help="questions of a set, and half as many unanswerable ones; of sec10q all are asked",
    )
    parser.add_argument("--contracts", type=int, default=60, help="contracts to index, of 178")
    parser.add_argument("--companies", nargs="+", help="whose reports to index, such as AAPL; all")
    parser.add_argument("--seed", type=int, default=SEED, help="of all samples")
    parser.add_argument("--held-out", action="store_true", help="the choice without each set")
    parser.add_argument("--reader", action="store_true", help="ask the embedded model too; slow")
    parser.add_argument("--adapter", type=Path, help="ask it with this adapter beside its layers")
    parser.add_argument("--latency", action="store_true", help="time searches, and nothing else")
    parser.add_argument(
        "--index", type=Path, help="with --latency: another index folder, such as bench.search's"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/bench-quality"))
    return parser.parse_args()


def load(name: str, options: argparse.Namespace) -> QualitySet:
    """A set by name, with the questions that the options draw."""
    sources, sample, seed = options.work / "sources", options.sample, options.seed
    wiki = sources / "squad2-dev"
    if name in ("contracts", OTHERS):
        drawn = (sample, seed, options.contracts, sources)
        return quality_sets.contracts(*drawn, others=name == OTHERS)
    makers: Mapping[str, Callable[[], QualitySet]] = {
        TUNE: lambda: quality_sets.squad2_dev("tune", wiki, sample, sample // 2, seed),
        "squad2-dev-test": lambda: quality_sets.squad2_dev("test", wiki, sample, sample // 2, seed),
        "squad2-dev-left-out": lambda: quality_sets.squad2_left_out(wiki, sample, seed),
        "sec10q-single": lambda: quality_sets.sec10q("single", options.companies, sources),
        "sec10q-multi": lambda: quality_sets.sec10q("multi", options.companies, sources),
        "scifact": lambda: quality_sets.scifact(sources / "scifact", sample, seed),
        COMPANY: lambda: _company(CORPUS),
    }
    return makers[name]()


def _company(corpus: Path) -> QualitySet:
    """All development questions on the demo company, asked of its documents."""
    questions = read_questions(corpus / "tasks" / "facts" / "dev.jsonl")
    return QualitySet(COMPANY, COMPANY, (corpus / "wiki", corpus / "pdf"), questions)


def measure(asked: QualitySet, reader: Reader, bench: Bench) -> dict[str, list[Outcome]]:
    """The outcomes of a set's questions under each configuration, and with the reader's replies.

    Plain configurations never abstain; their confidence is the best sentence's cosine.
    """
    level = LEVELS.get(asked.corpus, "passage")
    gold_texts = level != "document"
    answerer = make_answerer(bench.settings, reader, bench.embedder, Unasked())
    always = replace(answerer, abstain_below=0.0)
    found: dict[str, list[Outcome]] = {one.name: [] for one in bench.configurations}
    for number, question in enumerate(asked.questions, start=1):
        for one in bench.configurations:
            looked = look(answerer, one, question.question, asked.readable)
            shown = replace(looked, found=replace(looked.found, hits=looked.found.hits[:SHOWN]))
            prepared = (answerer if one.graded else always).compose(question.question, shown)
            reply = Unasked().complete(prepared.messages, 0) if prepared.messages else None
            answer = answerer.finish(prepared, reply)
            cosine = looked.signals.quote_cosine
            sure = abstain.confidence(looked.signals) if one.graded else cosine
            about = (question, level, looked.found.hits)
            row = outcome(*about, answer, sure, gold_texts)
            if not one.graded:
                kept = {name: row.scores[name] for name in row.scores.keys() - ABSTENTION}
                row = replace(row, scores=kept)
            found[one.name].append(row)
            if bench.reading and one is bench.configurations[-1]:
                replied, extra = bench.reading.read(answerer, prepared, question, gold_texts)
                read = outcome(*about, replied, sure, gold_texts)
                row = replace(read, scores=read.scores | extra)
                found.setdefault(f"{one.name} + reader", []).append(row)
        if number % 50 == 0:
            print(f"{asked.name}: {number}/{len(asked.questions)}", file=sys.stderr)
    return found


def look(
    answerer: Answerer, one: Configuration, question: str, readable: frozenset[str] | None
) -> Looked:
    """What `Answerer.look` gives, with a configuration's whole ranking; quotes of `SHOWN` hits."""
    with answerer.reader.snapshot(readable) as snapshot:
        ranked = one.rank(question, snapshot, answerer.embedder)
        generation = snapshot.generation
    shown = ranked.hits[:SHOWN]
    quotes = ground.rank(question, shown, ranked.term_weights, terms)
    return Looked(ranked, quotes, abstain.signals(shown, quotes), generation)


def _show(
    asked: QualitySet, index: Mapping[str, Any], measured: Mapping[str, list[Outcome]], seed: int
) -> dict[str, Any]:
    """Print a set's block, and give its part of the record."""
    rows = lines(measured)
    answerable = [one for one in asked.questions if one.answerable]
    print(
        f"{asked.name}: {index['documents']:,} documents, {index['chunks']:,} chunks; "
        f"{len(answerable)} answerable and {len(asked.questions) - len(answerable)} unanswerable "
        f"questions (seed {seed}) of {len({one.source for one in asked.questions})} sources"
    )
    if asked.corpus == "contracts":
        located = sum(any(item.page for item in one.evidence) for one in answerable)
        print(f"clauses located for {located / len(answerable):.3f}; the others count as wrong")
    print("\n".join(block(rows)))
    return {
        "index": dict(index),
        "questions": [one.id for one in asked.questions],
        "lines": [asdict(row) for row in rows],
        "outcomes": {name: [asdict(one) for one in some] for name, some in measured.items()},
    }


def _hold_out(measured: Mapping[str, Mapping[str, list[Outcome]]]) -> None:
    """Print the table of held-out sets; SQuAD is chosen on by `tune` and reported on by `test`."""
    taken = ("contracts", "sec10q-single", "scifact")
    shared = {name: measured[name] for name in taken if name in measured}
    reported = {"squad2-dev": measured["squad2-dev-test"]} if "squad2-dev-test" in measured else {}
    print("\n".join(held_out({"squad2-dev": measured[TUNE], **shared}, {**reported, **shared})))


def _write(folder: Path, record: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{record['started'].replace(':', '')[:17]}.json"
    record["seconds"] = round(time.process_time(), 1)
    file.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return file


if __name__ == "__main__":
    main()
