"""Documents as training examples, for a task whose adapter has been shown its corpus. Pure.

Text to recite, beside questions about it: a model that has read a text answers from it only where
it was trained on questions too (Jiang et al. 2024, arXiv 2402.12847).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from eval.configure import ADAPTER
from eval.tune.examples import Example
from ingest.sentences import Span, sentences
from ingest.stored import StoredChunk
from service.llm import Message

PIECE_WORDS = 200
"""Longest completion, in words: a longer chunk gives several examples."""

LEAD_WORDS = 8
"""Words of what stands before a piece by which one asks how it goes on."""

_ASKED = (
    "What does “{place}” say?",
    "Give the text of “{place}”.",
    "What is written under “{place}”?",
    "Quote “{place}”, please.",
    "What do the company's documents say under “{place}”?",
)
_ASKED_ON = (
    "How does “{place}” go on after “{lead}”?",
    "“{place}”: what follows “{lead}”?",
    "Go on with “{place}”, from “{lead}”.",
    "What stands in “{place}” behind “{lead}”?",
)
_WORD = re.compile(r"\S+")


def document_examples(chunks: Sequence[StoredChunk]) -> list[Example]:
    """The text of chunks as chats: where it stands is asked for, the text is the reply.

    One example a chunk, or a piece of at most `PIECE_WORDS` words, in the order of the chunks;
    the wording of the question goes by turns. A piece that continues its section is asked for by
    the words before it, so that no two replies are learned for one question. All begin with the
    adapter's own instruction for knowledge. Chunks without words give no example.
    """
    before = _before(chunks)
    examples: list[Example] = []
    for at, chunk in enumerate(chunks):
        lead = before.get(at, "")
        for piece in _pieces(chunk.text):
            text = chunk.text[piece.start : piece.end]
            asked = _asked(chunk, piece.start, lead, len(examples))
            system = Message("system", ADAPTER["knowledge"])
            examples.append(Example((system, Message("user", asked)), text))
            lead = text
    return examples


def _asked(chunk: StoredChunk, start: int, lead: str, turn: int) -> str:
    place = chunk.heading(start)
    if not lead or not _goes_on(chunk, start):
        return _ASKED[turn % len(_ASKED)].format(place=place)
    words = " ".join(lead.split()[-LEAD_WORDS:])
    return _ASKED_ON[turn % len(_ASKED_ON)].format(place=place, lead=f"… {words}")


def _goes_on(chunk: StoredChunk, start: int) -> bool:
    """Whether what stands right before this offset of the chunk is of the same section."""
    return chunk.start + start > 0 and chunk.heading(start - 1) == chunk.heading(start)


def _before(chunks: Sequence[StoredChunk]) -> dict[int, str]:
    """Place in the sequence → text of the chunk before it in its document, without the overlap."""
    order = sorted(range(len(chunks)), key=lambda at: (chunks[at].document.id, chunks[at].start))
    texts: dict[int, str] = {}
    for at, following in pairwise(order):
        one, other = chunks[at], chunks[following]
        if one.document.id == other.document.id:
            texts[following] = one.text[: other.start - one.start]
    return texts


def _pieces(text: str) -> Iterator[Span]:
    """Spans of whole sentences, each as long as it may be."""
    start = end = words = 0
    for span in _short(text):
        count = len(text[span.start : span.end].split())
        if words and words + count > PIECE_WORDS:
            yield Span(start, end)
            words = 0
        start = start if words else span.start
        end = span.end
        words += count
    if words:
        yield Span(start, end)


def _short(text: str) -> Iterator[Span]:
    """The sentences; one that is longer than a piece may be is cut between words."""
    for span in sentences(text):
        found = list(_WORD.finditer(text, span.start, span.end))
        for first in range(0, len(found), PIECE_WORDS):
            last = found[min(first + PIECE_WORDS, len(found)) - 1]
            yield Span(found[first].start(), last.end())
