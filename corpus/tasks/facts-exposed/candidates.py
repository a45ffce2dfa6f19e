"""Everything that a document can be asked by the rules, and the choice among it. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cells import asked, loose_rows
from passages import Passage, Place, Row, passages, rows
from phrasing import GAP, Asked, cloze, framed, question
from spans import WORDS, kind_of, rank, spans

from eval.grade import contains, normalise
from ingest.documents import Document

GAPS_EVERY = 4
"""Of so many facts that can be asked in words, one is asked with a gap."""

SHORTEST, LONGEST = 5, 48
"""Words of a question."""

LEAST_AROUND = 4
"""Words that a gap needs around it."""

WORDS_EVERY = 4
"""A question in so many at most asks for mere words, not for a figure, date or name."""

_MIDDLE = re.compile(r"(?<=[a-z,] )[A-Z][^\W\d_]+")
_RELEASE = re.compile(r"(.*) release notes")
_NUMBERED = re.compile(r"(.*), ([A-Z]{2,3}-\d+ v\d)")
_PLAIN_FOLDERS = ("products", "sites", "projects")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question with its answer, and what is known about it for the choice.

    `rank`: what is chosen first; `again`: it asks for a fact that another one asks for already;
    `names`: the names of the document that the question may hold.
    """

    place: Place
    question: str
    answer: str
    quote: str
    rank: int
    again: bool
    names: tuple[str, ...]


def names(document: Document) -> tuple[str, ...]:
    """What a question may call the document, or the thing that it is about."""
    title = document.title
    if title.startswith("Incident "):
        return (title.removeprefix("Incident "), f"incident {title.removeprefix('Incident ')}")
    if title.startswith("Runbook: "):
        return (f"the runbook “{title.removeprefix('Runbook: ')}”",)
    if match := _RELEASE.fullmatch(title):
        return (match[1], f"the {title}")
    if match := _NUMBERED.fullmatch(title):
        return (match[2], f"“{match[1]}”, {match[2]}")
    if "/products/" in document.path:
        return (title, f"the {title}")
    if document.kind == "mediawiki" or any(f"/{one}/" in document.path for one in _PLAIN_FOLDERS):
        return (title,)
    return (f"“{title}”",)


def proper_words(documents: Iterable[Document]) -> frozenset[str]:
    """Words that mostly stand with a capital in the middle of sentences: names, which keep it."""
    text = "\n".join(document.text for document in documents)
    plain = Counter(re.findall(r"\b[a-z]+\b", text))
    named = Counter(_MIDDLE.findall(text))
    return frozenset(word for word, count in named.items() if count > plain[word.lower()])


def candidates(document: Document, proper: frozenset[str]) -> list[Candidate]:
    """All questions that the rules make of a document, in the order of its text."""
    called = names(document)
    found = list(passages(document))
    made = [*_of_sentences(found, called, proper)]
    if document.kind == "pdf":
        tables = list(loose_rows(found))
    else:
        tables = list(rows(document))
    made += _of_rows(tables, called, proper)
    return [one for one in made if _sound(one)]


def choose(found: Sequence[Candidate], most: int) -> list[Candidate]:
    """At most so many: figures before words, new answers before known ones, spread over the text.

    They come back in the order in which they stood.
    """
    seen: set[str] = set()
    order: list[tuple[tuple[bool, bool, int, int], int]] = []
    for at, one in enumerate(found):
        known = normalise(one.answer) in seen
        seen.add(normalise(one.answer))
        order.append(((one.again, known, one.rank, _scatter(at)), at))
    chosen: list[int] = []
    words = 0
    for _, at in sorted(order):
        words += found[at].rank == WORDS
        if found[at].rank < WORDS or words <= most // WORDS_EVERY:
            chosen.append(at)
    return [found[at] for at in sorted(chosen[:most])]


def _scatter(at: int) -> int:
    """Places in an order that leaves no end of a text out: their bits, turned round."""
    return int(f"{at:012b}"[::-1], 2)


def _of_sentences(
    found: Sequence[Passage], called: tuple[str, ...], proper: frozenset[str]
) -> Iterator[Candidate]:
    turn = 0
    before: Passage | None = None
    for one in found:
        lean = before.text if before and before.place.section == one.place.section else None
        for span in spans(one.text) if one.whole else ():
            answer = one.text[span.start : span.end]
            gap = cloze(one.text, span, lean)
            asked_for = None if span.kind == "noun" else question(one.text, span, proper)
            forms: list[Asked] = [gap] if asked_for is None else [asked_for, gap]
            if turn % GAPS_EVERY == GAPS_EVERY - 1:
                forms.reverse()
            for again, form in enumerate(forms):
                text = _capital(framed(form, called, one.place.section, turn, proper))
                first = rank(answer, span.kind)
                yield Candidate(one.place, text, answer, one.text, first, bool(again), called)
            turn += 1
        before = one if one.whole else None


def _of_rows(
    tables: Sequence[Row], called: tuple[str, ...], proper: frozenset[str]
) -> Iterator[Candidate]:
    for turn, row in enumerate(tables):
        for text, answer in asked(row, called, turn, proper):
            first = min(rank(answer, kind_of(answer)), 1)
            yield Candidate(row.place, _capital(text), answer, row.text, first, False, called)


def _capital(text: str) -> str:
    return text if text.startswith("penc") else text[0].upper() + text[1:]


def _sound(one: Candidate) -> bool:
    if not SHORTEST <= len(one.question.split()) <= LONGEST:
        return False
    if GAP in one.question and len(_around(one).split()) < LEAST_AROUND:
        return False
    return contains(one.quote, [one.answer]) and not contains(one.question, [one.answer])


def _around(one: Candidate) -> str:
    quoted = re.search(rf"“([^“]*{GAP}.*?)”", one.question)
    return quoted[1].replace(GAP, "") if quoted else ""
