"""Where a quote stands in its document: the physical page, found in the text that the index has.

First the quote's letters and digits are looked for as they are, so that white space, hyphens at
line ends, quotation marks, ligatures and case do not matter. Else the place is taken whose words
share most shingles with the quote (runs of three words; Broder, "On the resemblance and
containment of documents", 1997): what a page break, a footer or a blank to be filled in has put
between the words of a clause does no harm then.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.imports.pages import with_pages
from eval.imports.records import BadRecord, Documents, Note
from eval.questions import Evidence, Question
from ingest.chunk import page_at
from ingest.documents import Document, Page, UnreadableFile
from ingest.readers import read
from ingest.readers.characters import clean

SHINGLE = 3
"""Words in a shingle."""

LEAST_SHARED = 0.5
"""The share of a quote's shingles that a place must hold to be where the quote stands."""

_LEAST_SHINGLES = 3  # a quote of fewer words than five is found as it is, or not at all
_UNBOUNDED = 24  # so many letters in a row are no chance, even if they begin within a word
_STRETCH = 1.5  # a place may hold so many times the words of the quote

_PART = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[^\W_]+(?:-[ \t]*\n\s*[^\W_]+)*")  # its parts stand on lines of their own


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words without case and marks.

    `letters` is all words without anything between them, `starts` where each word begins in it
    and `offsets` where in the text, both ascending.
    """

    words: tuple[str, ...]
    letters: str
    starts: tuple[int, ...]
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """Questions with the pages that were found.

    `asked` counts the questions with evidence, `found` those of them whose quotes all have a
    page, but for quotes without a letter or digit beside others. `missing` names each quote
    without a page that counts, and `notes` each document that could not be looked into.
    """

    questions: list[Question]
    asked: int
    found: int
    missing: list[Note]
    notes: list[Note]

    def summary(self) -> str:
        """Such as "1,742 of 1,937 located (90 %)"."""
        if not self.asked:
            return "no question with evidence to locate"
        share = 100 * self.found // self.asked
        return f"{self.found:,} of {self.asked:,} located ({share} %)"


class PdfPages:
    """A `PageFinder` over the documents below a folder, each read once with the index's reader."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        """Look below a folder.

        Args:
            folder: The folder of the documents.
            prefix: A folder that stands before the documents' paths in questions, not in it.

        Raises:
            UnusableOption: The folder holds no file.
        """
        self._listed = Documents.below(folder)
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._read: dict[str, tuple[Words, tuple[Page, ...]] | None] = {}
        self.notes: list[Note] = []

    def __call__(self, document: str, quote: str) -> int | None:
        """The physical page, from 1, on which the quote begins; None where it is not found.

        A document that is missing, unreadable or has no pages gives None and a note.
        """
        if document not in self._read:
            self._read[document] = self._open(document)
        opened = self._read[document]
        if opened is None:
            return None
        words, pages = opened
        place = find_place(words, split_words(clean(quote)))
        return None if place is None else page_at(pages, words.offsets[place])

    def _open(self, document: str) -> tuple[Words, tuple[Page, ...]] | None:
        try:
            path, *others = self._listed.find(document.removeprefix(self._prefix))
            if others:
                raise BadRecord(f"it stands at {path!r} and at {others[0]!r}")
            found = next(iter(read(self._listed.folder / path, path)), None)
            if not isinstance(found, Document):
                raise BadRecord(found.reason if found else "no reader knows it")
            if not found.pages:
                raise BadRecord(f"it is {found.kind} and has no pages")
        except (BadRecord, UnreadableFile, OSError) as error:
            self.notes.append(Note(document, f"no page can be found in it: {error}"))
            return None
        return split_words(found.text), found.pages


def locate(questions: Iterable[Question], folder: Path, prefix: str = "") -> Located:
    """The questions with the pages of their quotes, found in the documents below the folder.

    A quote that is not found keeps no page, and one that has a page keeps it. Arguments and
    errors are those of `PdfPages`.
    """
    find = PdfPages(folder, prefix)
    placed = list(with_pages(questions, find))
    asked = [question for question in placed if question.evidence]
    missing = [
        Note(question.id, _why(one))
        for question in asked
        for one in question.evidence
        if one.page is None and _is_to_find(one, question)
    ]
    found = len(asked) - len({note.place for note in missing})
    return Located(placed, len(asked), found, missing, find.notes)


def split_words(text: str) -> Words:
    """The words of a text; a word that a line end breaks at a hyphen is one word."""
    words: list[str] = []
    offsets: list[int] = []
    for found in _WORD.finditer(text):
        word = "".join(_PART.findall(unicodedata.normalize("NFKC", found[0]).casefold()))
        if word:
            words.append(word)
            offsets.append(found.start())
    starts: list[int] = []
    length = 0
    for word in words:
        starts.append(length)
        length += len(word)
    return Words(tuple(words), "".join(words), tuple(starts), tuple(offsets))


def find_place(text: Words, quote: Words) -> int | None:
    """The number, from 0, of the text's word at which the quote begins; None if it is not there.

    Where it stands several times as it is, the first counts.
    """
    if not quote.words:
        return None
    place = _as_it_is(text, quote)
    return _by_shingles(text.words, quote.words) if place is None else place


def _as_it_is(text: Words, quote: Words) -> int | None:
    """Where the letters stand between two word borders, or else anywhere if they are many."""
    within: int | None = None
    start = text.letters.find(quote.letters)
    while start >= 0:
        place = bisect_left(text.starts, start)
        end = start + len(quote.letters)
        if _borders(text, start) and _borders(text, end):
            return place
        if within is None and len(quote.letters) >= _UNBOUNDED:
            within = bisect_right(text.starts, start) - 1
        start = text.letters.find(quote.letters, start + 1)
    return within


def _borders(text: Words, start: int) -> bool:
    place = bisect_left(text.starts, start)
    return start == len(text.letters) or (place < len(text.starts) and text.starts[place] == start)


def _by_shingles(words: Sequence[str], quote: Sequence[str]) -> int | None:
    """Where the stretch of text begins that holds most of the quote's different shingles."""
    first: dict[tuple[str, ...], int] = {}
    for number in range(len(quote) - SHINGLE + 1):
        first.setdefault(tuple(quote[number : number + SHINGLE]), number)
    if len(first) < _LEAST_SHINGLES:
        return None
    width = int(_STRETCH * len(quote))
    held: deque[tuple[int, int]] = deque()
    counts: Counter[int] = Counter()
    most, best = 0, 0
    for place in range(len(words) - SHINGLE + 1):
        number = first.get(tuple(words[place : place + SHINGLE]))
        if number is None:
            continue
        held.append((place, number))
        counts[number] += 1
        while held[0][0] <= place - width:
            _, gone = held.popleft()
            counts[gone] -= 1
            if not counts[gone]:
                del counts[gone]
        if len(counts) > most:
            most = len(counts)
            # The words before the first that is found are there, but spelt otherwise.
            start, number = min(held, key=lambda one: (one[1], one[0]))
            best = max(0, start - number)
    return best if most >= LEAST_SHARED * len(first) else None


def _is_to_find(evidence: Evidence, question: Question) -> bool:
    """Whether the question is not located without it: it has words, or nothing else is found."""
    if _PART.search(evidence.quote):
        return True
    return all(one.page is None for one in question.evidence)


def _why(evidence: Evidence) -> str:
    if _PART.search(evidence.quote):
        return f"not found in {evidence.document}: {evidence.quote!r}"
    return f"no words to look for in {evidence.document}: the quote is {evidence.quote!r}"
