"""Write train.jsonl of the task facts-exposed: the facts task's training questions and more.

The others are made by rule from the documents of the dev and test questions, so that an adapter
has been shown those documents' facts. The rules never look at the test questions; what comes out
alike to one is left out, and how many of their answers were asked for is printed.

    python corpus/tasks/facts-exposed/build.py [FILE]
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from absent import absent
from candidates import Candidate, candidates, choose, proper_words
from passages import read_corpus

from eval.duplicates import near
from eval.findings import refuse
from eval.grade import contains
from eval.guards import leaks
from eval.questions import Evidence, Question, read_questions, write_questions
from ingest.documents import Document

HERE = Path(__file__).resolve().parent
FACTS = HERE.parent / "facts"
ROOTS = (HERE.parents[1] / "wiki", HERE.parents[1] / "pdf")

AT_LEAST = {"test": 17, "dev": 9}
"""Questions a document of the split, where it is short; a long one gets one for so many words:"""
WORDS = 80
FIRST_DAY = date(2026, 6, 1)
DAYS = 61


def main(file: Path) -> None:
    """Write the file and print what it holds."""
    splits = {name: read_questions(FACTS / f"{name}.jsonl") for name in ("train", "dev", "test")}
    documents = read_corpus(ROOTS)
    made = generated(documents, splits["dev"], splits["test"])
    train = [*splits["train"], *made]
    refuse([leaks(train, splits["dev"], splits["test"])])
    write_questions(file, train)
    without = sum(not question.answerable for question in train)
    print(
        f"{file}: {len(train)} questions, {len(made)} of them generated, {without} without an "
        f"answer ({without / len(train):.0%})"
    )
    for line in coverage(made, splits["test"]):
        print(line)


def generated(
    documents: Mapping[str, Document], dev: Sequence[Question], test: Sequence[Question]
) -> list[Question]:
    """The generated questions, in the order of the documents."""
    held_out = [*dev, *test]
    sources = _sources(dev, test)
    proper = proper_words(documents.values())
    found = {path: _distinct(candidates(documents[path], proper)) for path in sources}
    chosen: list[Candidate] = []
    for path, left in _unlike(found, held_out).items():
        most = max(sources[path], len(documents[path].text.split()) // WORDS)
        chosen += choose(left, most)
    texts = {path: document.text for path, document in documents.items()}
    unanswered = [
        Question(id="", question=text, answerable=False, source=source)
        for source, text in absent(sources, texts)
    ]
    return [
        replace(one, id=f"exposed-{number:04d}", asked_at=FIRST_DAY + timedelta(number % DAYS))
        for number, one in enumerate([*map(_question, chosen), *unanswered], start=1)
    ]


def coverage(made: Sequence[Question], test: Sequence[Question]) -> list[str]:
    """How many answers of the test questions the generated ones of their document ask for."""
    asked = [question for question in test if question.answerable]
    told = same = 0
    for question in asked:
        near_by = [one for one in made if one.answerable and one.source == question.source]
        hits = [one for one in near_by if contains(one.answers[0], question.answers)]
        told += bool(hits)
        same += any(_shares_words(one, question) for one in hits)
    return [
        f"{told} of {len(asked)} answerable test questions ({told / len(asked):.0%}) have an "
        "answer that a generated question of their document asks for,",
        f"{same} of them ({same / len(asked):.0%}) from the very words of their evidence",
    ]


def _sources(dev: Sequence[Question], test: Sequence[Question]) -> dict[str, int]:
    wanted = {question.source: AT_LEAST["dev"] for question in dev}
    wanted |= {question.source: AT_LEAST["test"] for question in test}
    return dict(sorted(wanted.items()))


def _distinct(found: Sequence[Candidate]) -> list[Candidate]:
    """Those that are not alike to an earlier one of their document."""
    texts = {f"{at:06d}": one.question for at, one in enumerate(found)}
    alike = {match.left for match in near(texts, texts) if match.right < match.left}
    return [one for at, one in enumerate(found) if f"{at:06d}" not in alike]


def _unlike(
    found: Mapping[str, Sequence[Candidate]], held_out: Sequence[Question]
) -> dict[str, list[Candidate]]:
    """Those that are not alike to a question which the adapter must not see, by document."""
    texts = {f"{path} {at}": one.question for path in found for at, one in enumerate(found[path])}
    asked = {question.id: question.question for question in held_out}
    alike = {match.left for match in near(texts, asked)}
    return {
        path: [one for at, one in enumerate(mine) if f"{path} {at}" not in alike]
        for path, mine in found.items()
    }


def _question(one: Candidate) -> Question:
    place = one.place
    return Question(
        id="",
        question=one.question,
        answers=(one.answer,),
        evidence=(Evidence(place.document, one.quote, place.page, place.section),),
        source=place.document,
    )


def _shares_words(one: Question, question: Question) -> bool:
    mine = " ".join(one.evidence[0].quote.split())
    theirs = [" ".join(item.quote.split()) for item in question.evidence]
    return any(mine in quote or quote in mine for quote in theirs if quote)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "train.jsonl")
