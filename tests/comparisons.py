"""A small task over a small wiki, and a model's stand-in that reads: nothing is fetched or loaded.

Every page says what a bell weighs. Questions of the three splits are of different pages.
"""

import json
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from eval.configure import Parts
from eval.generate import Request
from eval.parts import Split, load_parts, read_split
from eval.questions import Evidence, Question, write_questions
from eval.task import Task, read_task
from service.settings import ServiceSettings
from tests.corpora import write
from tests.fakes import FakeEmbedder

PLACES = [
    first + second
    for first in ("Brac", "Oldu", "Mere", "Tarn", "Hern", "Quil")
    for second in ("wick", "ford", "dale", "holm", "stead", "combe")
]
TEST, TRAIN, DEV = PLACES[:15], PLACES[15:27], PLACES[27:33]
ARMS = ("closed-book", "prompt", "few-shot", "rag", "oracle", "adapter")
_WORDING = {
    "test": "How many stones does the bell of {} weigh?",
    "train": "Tell me the weight in stones of {}'s bell!",
    "dev": "A crane raises the bell of {}: how many stones does it lift?",
}
_UNKNOWN = {
    "test": "Who rang the bell of {} for the first time?",
    "train": "Name the owner of {}'s bell!",
    "dev": "Since when has the bell of {} been ringing?",
}
_BELL = re.compile(r"The bell of (\w+) weighs (\d+ stones)\.")


def weight(place: str) -> str:
    return f"{41 + PLACES.index(place)} stones"


def says(place: str) -> str:
    """The sentence that holds the weight."""
    return f"The bell of {place} weighs {weight(place)}."


def ask(place: str, split: str = "test", answerable: bool = True) -> Question:
    wording = _WORDING if answerable else _UNKNOWN
    return Question(
        id=f"{split}-{place.lower()}{'' if answerable else '-unknown'}",
        question=wording[split].format(place),
        answers=(weight(place),) if answerable else (),
        answerable=answerable,
        evidence=(Evidence(f"{place.lower()}.md", says(place)),) if answerable else (),
        source=f"{place.lower()}.md",
    )


def questions(split: str) -> list[Question]:
    """One a page, and one without an answer of every third page."""
    places = {"test": TEST, "train": TRAIN, "dev": DEV}[split]
    known = [ask(place, split) for place in places]
    return known + [ask(place, split, answerable=False) for place in places[::3]]


def write_task(folder: Path, **fields: Any) -> Path:
    """The task file in a folder, with its questions and wiki. A field given as None is left out."""
    pages = {
        f"{place.lower()}.md": f"# {place}\n\n{says(place)} Its tower is {at + 200} feet high.\n"
        for at, place in enumerate(PLACES)
    }
    write(folder / "wiki", pages)
    for split in ("train", "dev", "test"):
        if not (folder / f"{split}.jsonl").exists():
            write_questions(folder / f"{split}.jsonl", questions(split))
    task: dict[str, Any] = {
        "name": "bells",
        "kind": "knowledge",
        "corpus": ["wiki"],
        "questions": {split: f"{split}.jsonl" for split in ("train", "dev", "test")},
        "grader": "contains",
        "target": 0.8,
        "margin": 0.05,
        "arms": list(ARMS),
        "seeds": [1, 2, 3],
    } | fields
    file = folder / "task.yaml"
    given = {name: value for name, value in task.items() if value is not None}
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    return file


def form(question: Question) -> str:
    """The answer to a question as the form of a format task."""
    return json.dumps({"bell": question.source.removesuffix(".md"), "marks": [1, 2]})


def write_form_task(folder: Path, **fields: Any) -> Path:
    """A format task over the same wiki: requests → JSON."""
    for split in ("train", "dev", "test"):
        asked = [one for one in questions(split) if one.answerable]
        made = [
            Question(one.id, one.question, (form(one),), source=f"family-{one.source}")
            for one in asked
        ]
        write_questions(folder / f"{split}.jsonl", made)
    arms = ["closed-book", "prompt", "few-shot", "constrained", "rag", "rag-few-shot", "adapter"]
    return write_task(
        folder, **({"name": "forms", "kind": "format", "grader": "json", "arms": arms} | fields)
    )


@contextmanager
def fake_embedder() -> Generator[None]:
    """Comparisons that are made inside embed by hashed words."""

    def load(settings: ServiceSettings) -> FakeEmbedder:
        return FakeEmbedder(dimension=512)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eval.parts.load_embedder", load)
        yield


def make_settings(folder: Path, **fields: Any) -> ServiceSettings:
    # The embedder of words is less sure than the one that the default was fitted to.
    given: dict[str, Any] = {"abstain_below": 0.356, **fields}
    return ServiceSettings(cache=str(folder / "cache"), **given)


def quiet(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


def make_parts(file: Path, runs: Path) -> tuple[Task, Split, Parts]:
    """What arms are made of, for the task of a file."""
    task = read_task(file)
    split = read_split(task)
    with fake_embedder():
        return task, split, load_parts(task, split, runs, make_settings(runs), quiet)


def reads(request: Request) -> str:
    """A model that says what a passage of its prompt says of the bell that it is asked about."""
    *_, asked = request.messages[-1].content.split("Question: ")
    for place, found in _BELL.findall(request.messages[-1].content):
        if place in asked and "first time" not in asked and "Since when" not in asked:
            return f"The bell of {place} weighs {found}."
    return "I don't know."


def right(rows: Sequence[Any], arm: str) -> float:
    """The share of an arm's rows that are right."""
    scores = [row.right for row in rows if row.arm == arm]
    return sum(scores) / len(scores)
