"""Write the question files of the format task, from templates and from hand-written pairs.

    python corpus/tasks/format/build.py

The same sources always give the same bytes. README.md of this folder tells how.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

from datasketch import MinHash, MinHashLSH

from corpus.tasks.format.families import FAMILIES, SPLITS, atoms, quotas
from corpus.tasks.format.requests import Writer
from corpus.tasks.format.values import Draw, pools
from eval.penstock import NotPenstock, family, parse, render
from eval.questions import Question, write_questions

HERE = Path(__file__).parent
HANDWRITTEN = HERE / "handwritten.jsonl"
SEED = 2026
NEAR = 0.8
"""From this Jaccard similarity of word 3-shingles on, two requests are near-duplicates."""
SEEN = 10
"""How often the training split must hold each construct that the other splits use."""

_ASKED = {
    "train": (date(2026, 6, 1), date(2026, 7, 31)),
    "dev": (date(2026, 8, 1), date(2026, 8, 31)),
    "test": (date(2026, 9, 1), date(2026, 10, 31)),
}


class BadPair(ValueError):
    """A pair that the task may not hold; the message names it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A request and the fragment, as canonical text, that answers it."""

    request: str
    answer: str

    @property
    def family(self) -> str:
        """The construct family of the answer."""
        return family(parse(self.answer))


def read_handwritten(file: Path) -> dict[str, list[Pair]]:
    """Split → its hand-written pairs.

    Raises `BadPair` for the first line that is no pair, whose answer is not canonical Penstock or
    is of a family of another split.
    """
    pairs: dict[str, list[Pair]] = {split: [] for split in SPLITS}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        place = f"{file}: line {number}"
        try:
            fields = cast(dict[str, Any], json.loads(line))
            split, request = fields["split"], fields["question"]
            pair = Pair(request, fields["answer"])
            fragment = parse(pair.answer)
        except NotPenstock as error:
            raise BadPair(f"{place}: field 'answer': {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise BadPair(
                f"{place}: an object with split, question and answer is wanted ({error!r})"
            ) from error
        if not isinstance(request, str) or not request.strip():
            raise BadPair(f"{place}: field 'question': a text is wanted, found {request!r}")
        if split not in FAMILIES:
            raise BadPair(f"{place}: field 'split': {split!r}; known are {', '.join(SPLITS)}")
        if render(fragment) != pair.answer:
            raise BadPair(f"{place}: field 'answer' is not canonical; write {render(fragment)!r}")
        if pair.family not in FAMILIES[split]:
            raise BadPair(f"{place}: the family {pair.family!r} is none of the {split} split")
        pairs[split].append(pair)
    return pairs


def build(handwritten: Mapping[str, Sequence[Pair]]) -> dict[str, list[Question]]:
    """All splits. The rarer splits are drawn first; what resembles an earlier request is dropped.

    Raises `BadPair` where hand-written pairs resemble each other or a construct is too rare.
    """
    requests = Requests()
    for split in SPLITS:
        for pair in handwritten[split]:
            if not requests.add(pair.request):
                raise BadPair(f"{HANDWRITTEN}: resembles another request: {pair.request!r}")
    pairs = {split: list(handwritten[split]) for split in SPLITS}
    for split in reversed(SPLITS):
        counts = Counter(pair.family for pair in pairs[split])
        for name, quota in quotas(split).items():
            pairs[split] += _drawn(split, name, quota - counts[name], requests)
        random.Random(f"{SEED} {split}").shuffle(pairs[split])
    check_constructs(pairs)
    return {split: list(_questions(split, pairs[split])) for split in SPLITS}


class Requests:
    """The requests so far: tells duplicates and near-duplicates."""

    def __init__(self) -> None:
        # Candidates are found at a lower threshold, because the index is approximate.
        self._index: Any = MinHashLSH(threshold=NEAR - 0.25, num_perm=64)
        self._shingles: list[frozenset[str]] = []

    def add(self, request: str) -> bool:
        """Keep a request, unless it resembles one that is kept already; tells which."""
        found = shingles(request)
        sketch: Any = MinHash(num_perm=64)
        sketch.update_batch([shingle.encode() for shingle in sorted(found)])
        like = cast(list[int], self._index.query(sketch))
        if any(jaccard(found, self._shingles[key]) >= NEAR for key in like):
            return False
        self._index.insert(len(self._shingles), sketch)
        self._shingles.append(found)
        return True


def shingles(request: str) -> frozenset[str]:
    """The runs of three words of a request, in lower case; all of it where it is shorter."""
    words = request.lower().split()
    return frozenset(" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2)))


def jaccard(one: frozenset[str], two: frozenset[str]) -> float:
    """The share of shingles that two requests have in common."""
    return len(one & two) / len(one | two)


def check_constructs(pairs: Mapping[str, Sequence[Pair]]) -> None:
    """Raise `BadPair` where a construct of dev or test is rare in train."""
    train, *others = (
        Counter(atom for pair in pairs[split] for atom in atoms(parse(pair.answer)))
        for split in SPLITS
    )
    rare = [atom for atom in sorted(set[str]().union(*others)) if train[atom] < SEEN]
    if rare:
        raise BadPair(
            f"in dev or test, but not {SEEN} times in train: "
            f"{', '.join(f'{atom} ({train[atom]})' for atom in rare)}"
        )


def _drawn(split: str, name: str, count: int, requests: Requests) -> Iterator[Pair]:
    rng = random.Random(f"{SEED} {split} {name}")
    draw, writer = Draw(rng, pools(split)), Writer(rng)
    while count > 0:
        fragment = draw.fragment(name)
        pair = Pair(writer.request(fragment), render(fragment))
        if pair.family != name or parse(pair.answer) != fragment:
            raise BadPair(f"drawn for the family {name!r}: {pair.answer!r} is {pair.family!r}")
        if requests.add(pair.request):
            count -= 1
            yield pair


def _questions(split: str, pairs: Sequence[Pair]) -> Iterator[Question]:
    first, last = _ASKED[split]
    days = (last - first).days + 1
    for place, pair in enumerate(pairs):
        yield Question(
            id=f"format-{split}-{place + 1:04}",
            question=pair.request,
            answers=(pair.answer,),
            source=pair.family,
            asked_at=first + timedelta(days=place * days // len(pairs)),
        )


def write(folder: Path) -> dict[str, int]:
    """Build all splits into a folder; returns how many questions each has."""
    splits = build(read_handwritten(HANDWRITTEN))
    return {
        split: write_questions(folder / f"{split}.jsonl", questions)
        for split, questions in splits.items()
    }


if __name__ == "__main__":
    for written, number in write(HERE).items():
        print(f"{written}: {number} pairs of {len(FAMILIES[written])} families")
