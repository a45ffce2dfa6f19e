"""Comparisons on public data: builds their task files from the real data beside the checkout.

    python -m bench.shared_tasks [--out runs/tasks]
    ragfirst eval compare runs/tasks/squad/task.yaml runs/tasks/snips/task.yaml

squad: SQuAD 2.0 development articles as knowledge. Up to 640 test questions, a fifth of them
unanswerable, of the ten `test` articles (the clusters); training questions of the six `tune`
articles and of some papers of COVID-QA, whose text is in the corpus too; dev of `tune` articles.
snips: utterances → intent and slots as JSON, split by construct family (intent and set of slots).
Test questions that a guard names are left out: a gold answer that is cut out of a longer word, two
utterances that say the same. Base models may have met all of it: the closed-book arm says how much.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import yaml

from bench.squad_wiki import QUESTIONS, SEED, SHARED, articles
from eval.compare import check, open_comparison
from eval.findings import GuardBroken, read_findings
from eval.imports.formats import import_questions
from eval.imports.split import split_by_source
from eval.questions import Question, read_questions, write_questions
from eval.squad import write_wiki
from service.settings import ServiceSettings

READING = SHARED / "reading" / "covid.json"
SNIPS = SHARED / "structured" / "snips"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/tasks"))
    out: Path = parser.parse_args().out
    squad(out / "squad")
    snips(out / "snips")
    for name in ("squad", "snips"):
        clean(out / name)


def squad(folder: Path) -> None:
    """The knowledge task."""
    titles = {
        split: [name.replace("_", " ") for name in articles(split)] for split in ("tune", "test")
    }
    read = import_questions("squad", QUESTIONS).questions
    tune = [one for one in read if one.source.replace("_", " ") in titles["tune"]]
    test = _even([one for one in read if one.source.replace("_", " ") in titles["test"]], 640)
    random.Random(SEED).shuffle(tune)
    tune = _with_unanswerable(tune, 900)
    papers = import_questions("squad", READING).questions
    chosen = sorted({one.source for one in papers})[:12]
    covid = [one for one in papers if one.source in chosen][:150]
    wiki = folder / "wiki"
    write_wiki(QUESTIONS, wiki)
    _write_papers(wiki / "covid", chosen)
    covid = [_below(one, "covid") for one in covid]
    splits = {"train": tune[150:] + covid, "dev": tune[:150], "test": test}
    _write(folder, splits, _KNOWLEDGE)


def snips(folder: Path) -> None:
    """The format task."""
    read = import_questions("snips", SNIPS).questions
    parts = split_by_source(read, (0.7, 0.1, 0.2), SEED)
    splits = {
        "train": _even(parts.train, 1500),
        "dev": _even(parts.dev, 150),
        "test": _even(parts.test, 440),
    }
    _write(folder, splits, _FORM)


def clean(folder: Path) -> None:
    """Take test questions that a guard names out of a task; a guard broken otherwise stays so."""
    file, work = folder / "task.yaml", folder.parent.parent
    with closing(open_comparison(file, work, ServiceSettings(), _untold)) as opened:
        with suppress(GuardBroken):
            check(opened)
        found = read_findings(opened.work / "guards.json")
    named = {record.partition(": ")[0] for one in found for record in one.records}
    test = read_questions(folder / "test.jsonl")
    kept = [one for one in test if one.id not in named]
    write_questions(folder / "test.jsonl", kept)
    print(f"{folder.name}: {len(test) - len(kept)} test questions left out that a guard names")


def _untold(text: str, done: int, of: int) -> None:
    """No progress is shown."""


def _even(questions: Sequence[Question], count: int) -> list[Question]:
    """So many, a fifth unanswerable where there are such, drawn source by source in turns."""
    some = [one for one in questions if one.answerable]
    others = [one for one in questions if not one.answerable]
    if others:
        return _turns(some, count - count // 5) + _turns(others, count // 5)
    return _turns(some, count)


def _turns(questions: Sequence[Question], count: int) -> list[Question]:
    by_source: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        by_source[question.source].append(question)
    chance = random.Random(SEED)
    for drawn in by_source.values():
        chance.shuffle(drawn)
    taken: list[Question] = []
    while len(taken) < count and by_source:
        for source in sorted(by_source):
            taken.append(by_source[source].pop())
            if not by_source[source]:
                del by_source[source]
    return taken[:count]


def _with_unanswerable(questions: Sequence[Question], count: int) -> list[Question]:
    some = [one for one in questions if one.answerable][: count - count // 5]
    others = [one for one in questions if not one.answerable][: count // 5]
    mixed = some + others
    random.Random(SEED).shuffle(mixed)
    return mixed


def _write_papers(folder: Path, titles: Sequence[str]) -> None:
    """The papers of these titles as pages; the file of the others is left out."""
    data = json.loads(READING.read_text(encoding="utf-8"))
    data["data"] = [
        paper
        for paper in data["data"]
        if str(paper.get("title") or paper["paragraphs"][0].get("document_id")) in titles
    ]
    folder.mkdir(parents=True, exist_ok=True)
    source = folder.parent.parent / "covid.json"
    source.write_text(json.dumps(data), encoding="utf-8")
    write_wiki(source, folder)


def _below(question: Question, folder: str) -> Question:
    """The question with its documents in a folder."""
    moved = (
        replace(evidence, document=f"{folder}/{evidence.document}")
        for evidence in question.evidence
    )
    return replace(question, evidence=tuple(moved))


def _write(folder: Path, splits: dict[str, list[Question]], task: dict[str, object]) -> None:
    for name, questions in splits.items():
        count = write_questions(folder / f"{name}.jsonl", questions)
        sources = len({one.source for one in questions})
        print(f"{folder.name}: {name} {count} questions of {sources} sources")
    (folder / "task.yaml").write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")


_FILES = {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"}

_KNOWLEDGE: dict[str, object] = {
    "name": "squad",
    "kind": "knowledge",
    "corpus": ["wiki"],
    "questions": _FILES,
    "grader": "contains",
    "target": 0.8,
    "margin": 0.05,
    "arms": ["closed-book", "few-shot", "rag", "oracle", "adapter", "adapter-rag"],
    "seeds": [1, 2, 3],
    "training": {"epochs": 2, "examples": {"adapter-rag": 160}},
}
_FORM: dict[str, object] = {
    "name": "snips",
    "kind": "format",
    "corpus": ["../squad/wiki"],
    "questions": _FILES,
    "grader": "json",
    "target": 0.8,
    "margin": 0.05,
    "arms": ["closed-book", "prompt", "few-shot", "constrained", "adapter"],
    "seeds": [1, 2, 3],
    "instructions": [
        "Write the intent and the slots of the request as JSON and nothing else: "
        '{"intent": NAME, "slots": {NAME: [TEXT]}}.',
        "Name the intent (AddToPlaylist, BookRestaurant, GetWeather, PlayMusic, RateBook, "
        "SearchCreativeWork, SearchScreeningEvent) and the slots of the request. Reply with JSON "
        'only: {"intent": NAME, "slots": {NAME: [TEXT, …]}}.',
        'Reply with one line of JSON, as {"intent": "GetWeather", "slots": {"city": ["Rome"]}}: '
        "the intent of the request and the words of each of its slots.",
    ],
    "training": {"epochs": 2, "examples": {"adapter": 800}},
}


if __name__ == "__main__":
    main()
