"""Gold passages: which chunks of the index hold a question's evidence."""

import re
from collections.abc import Sequence

from eval.grade import contains
from eval.questions import Question
from ingest.derive import terms
from ingest.stored import StoredChunk
from service import abstain, ground
from service.answer import Answerer, Looked
from service.retrieve import Hit, Retrieved


def holds_gold(chunk: StoredChunk, question: Question) -> bool:
    """Whether a passage is gold: of an evidence document (where named), with a gold answer."""
    documents = {evidence.document for evidence in question.evidence}
    if documents and chunk.document.path not in documents:
        return False
    return contains(chunk.text, question.answers)


def chunk_name(chunk: StoredChunk) -> str:
    """A passage's name in results: it stays the same when an index is built again."""
    return f"{chunk.document.path}@{chunk.start}"


_TOGETHER = 10_000
"""Chunks read at once: SQLite takes no more than 32,766 values in a statement."""


class GoldPassages:
    """The evidence of questions as passages of an index."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._chunks: dict[str, list[StoredChunk]] = {}
        with answerer.reader.snapshot() as snapshot:
            ids = snapshot.chunk_ids()
            for start in range(0, len(ids), _TOGETHER):
                for chunk in snapshot.chunks(ids[start : start + _TOGETHER]):
                    self._chunks.setdefault(chunk.document.path, []).append(chunk)

    def all_chunks(self) -> list[StoredChunk]:
        """Every passage of the index, by document."""
        return [chunk for chunks in self._chunks.values() for chunk in chunks]

    def chunks(self, question: Question) -> list[StoredChunk]:
        """The chunk of each piece of evidence, as many as go into a prompt; none where unknown."""
        found: dict[int, StoredChunk] = {}
        for evidence in question.evidence:
            held = self._chunks.get(evidence.document, [])
            best = _best(held, evidence.quote, question)
            if best is not None:
                found[best.id] = best
        return list(found.values())[: self._answerer.retrieval.top_k]

    def look(self, question: Question) -> Looked | None:
        """What `Answerer.look` would give, had it found just these; None where there is none."""
        chunks = self.chunks(question)
        if not chunks:
            return None
        query = self._answerer.embedder.embed_query(question.question)
        with self._answerer.reader.snapshot() as snapshot:
            close = snapshot.closeness(query, [chunk.id for chunk in chunks])
            weights = snapshot.term_weights(question.question)
            generation = snapshot.generation
        hits = [Hit(chunk, close[chunk.id].cosine, close[chunk.id], None) for chunk in chunks]
        quotes = ground.rank(question.question, hits, weights, terms)
        found = Retrieved(hits, weights, 0.0, 0.0)
        return Looked(found, quotes, abstain.signals(hits, quotes), generation)


def _best(chunks: Sequence[StoredChunk], quote: str, question: Question) -> StoredChunk | None:
    """The chunk with the quote in it; else, among those with a gold answer, most of its words."""
    squeezed = _squeezed(quote)
    for chunk in chunks:
        if squeezed and squeezed in _squeezed(chunk.text):
            return chunk
    golds = [chunk for chunk in chunks if contains(chunk.text, question.answers)]
    wanted = set(terms(quote))
    return max(golds, key=lambda chunk: len(wanted & set(terms(chunk.text))), default=None)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
