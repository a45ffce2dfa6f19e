"""Does the embedded default find and give the answer? SQuAD 2.0 articles, a fixed sample.

    python -m bench.answers [--questions 500] [--quotes-only] [--work runs/bench-answers]

Prints, with Wilson intervals at 95 %: the share of questions whose gold answer stands in the text
of the top three hits (256 tokens or less each, not expanded), and the share whose answer or quotes
(three citations at most, one sentence each) contain it. Rows are written as they come; the same
command goes on where it was stopped.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import scipy.stats

from bench.squad_wiki import SEED, articles, open_wiki, sample
from eval.grade import ANSWER_WORDS, contains
from eval.squad import SquadQuestion
from ingest.encode import QUOTE_CHARACTERS
from service import ground
from service.answer import Answerer
from service.llm import LLM, Message, Reply
from service.loading import load_embedder, load_llm, make_answerer
from service.settings import ServiceSettings


class Unasked:
    """In place of a model with --quotes-only: says nothing, so that quotes stand in for it."""

    name = "none"

    def complete(self, messages: Sequence[Message], max_tokens: int) -> Reply:
        """An empty reply."""
        return Reply("", self.name, 0, 0)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--quotes-only", action="store_true", help="do not ask the model")
    parser.add_argument("--work", type=Path, default=Path("runs/bench-answers"))
    options = parser.parse_args()
    settings = ServiceSettings()
    embedder = load_embedder(settings)
    reader = open_wiki(options.work / "index", embedder)
    llm: LLM = Unasked() if options.quotes_only else load_llm(settings)
    answerer = make_answerer(settings, reader, embedder, llm)
    name = f"{'quotes' if options.quotes_only else llm.name}-{options.seed}.jsonl"
    questions = sample(options.questions, options.seed)
    rows = list(_rows(answerer, questions, options.work / name))
    _print(rows, f"{len(rows)} questions, seed {options.seed}, model {llm.name}")
    tested = set(articles("test"))
    _print([row for row in rows if row["article"] in tested], "of these, the ten test articles")


def _rows(
    answerer: Answerer, questions: list[SquadQuestion], file: Path
) -> Iterator[dict[str, Any]]:
    done = (
        {row["id"]: row for row in map(json.loads, file.read_text().splitlines())}
        if (file.is_file())
        else {}
    )
    with file.open("a") as out:
        for number, question in enumerate(questions, start=1):
            if question.id not in done:
                row = _ask(answerer, question)
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                out.flush()
                done[question.id] = row
            if number % 25 == 0:
                print(f"{number}/{len(questions)}", file=sys.stderr)
            yield done[question.id]


def _ask(answerer: Answerer, question: SquadQuestion) -> dict[str, Any]:
    hits = answerer.search(question.question).hits
    started = time.perf_counter()
    found = answerer.answer(question.question)
    quotes = [citation.quote for citation in found.citations]
    assert len(quotes) <= ground.QUOTES and all(len(quote) <= QUOTE_CHARACTERS for quote in quotes)
    return {
        "id": question.id,
        "article": question.article,
        "question": question.question,
        "golds": question.answers,
        "answer": found.answer,
        "grounding": found.grounding,
        "quotes": quotes,
        "in_hits": contains("\n".join(hit.chunk.text for hit in hits), question.answers),
        "in_quotes": any(contains(quote, question.answers) for quote in quotes),
        "in_answer": contains(found.answer, question.answers),
        "right": contains(found.answer, question.answers, ANSWER_WORDS),
        "seconds": round(time.perf_counter() - started, 3),
    }


def _print(rows: list[dict[str, Any]], title: str) -> None:
    print(title)
    _share("gold in the text of the top three hits", [row["in_hits"] for row in rows])
    given = [row["grounding"] != "none" for row in rows]
    both = [row["in_quotes"] or row["in_answer"] for row in rows]
    _share("gold in the answer or its quotes", [a and b for a, b in zip(given, both, strict=True)])
    _share("  … counting what an abstention shows too", both)
    _share("gold in the first 40 words of the answer", [row["right"] for row in rows])
    for grounding in ("model", "quoted", "none"):
        some = [row for row in rows if row["grounding"] == grounding]
        _share(f"  where grounding is {grounding!r} ({len(some)})", [row["right"] for row in some])


def _share(name: str, values: list[bool]) -> None:
    if values:
        test = cast(Any, scipy.stats).binomtest(sum(values), len(values))
        low, high = test.proportion_ci(method="wilson")
        print(f"  {name:52} {sum(values) / len(values):.3f}  [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
