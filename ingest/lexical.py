"""Searching the text index of a generation by words: BM25, whose scores can be kept to a part.

A term counts for more the rarer it is. Where only some collections may be read, that is counted
among their chunks alone, so that no score tells which words stand in the others; all that scores
then have of the others is the mean length of a chunk, which tantivy takes over the whole index.
"""

import math
from typing import Any, cast

import tantivy

from ingest import derive


class Words:
    """The text index as one question sees it; `readable`: those collections alone; None: all."""

    def __init__(self, text: tantivy.Index, readable: frozenset[str] | None = None) -> None:
        """Look at what `text` holds now."""
        self._schema = text.schema
        self._searcher = text.searcher()
        self._readable = readable
        self._counted: dict[str | None, int] = {}

    def search(
        self, question: str, count: int, collections: frozenset[str] | None
    ) -> list[tuple[int, float]]:
        """The chunks of the collections that match best: (id, score), the best first."""
        terms = dict.fromkeys(derive.terms(question))
        if not terms:
            return []
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._weighed(term)) for term in terms]
        )
        if collections is not None:
            query = _both(query, self._inside(collections))
        return [
            (cast(int, self._searcher.doc(address)["chunk"][0]), float(score))
            for score, address in self._searcher.search(query, count).hits
        ]

    def weights(self, question: str) -> dict[str, float]:
        """Each term of the question with its inverse document frequency, as BM25 has it."""
        return {term: _rarity(self._count(term), self._count()) for term in derive.terms(question)}

    def _weighed(self, term: str) -> tantivy.Query:
        query = self._term(term)
        if self._readable is None:
            return query
        holding, total = self._searcher.doc_freq("text", term), self._searcher.num_docs
        own = _rarity(self._count(term), self._count())
        return tantivy.Query.boost_query(query, own / _rarity(holding, total))

    def _count(self, term: str | None = None) -> int:
        """How many chunks, deleted ones among them, hold a term, or how many there are."""
        if term not in self._counted:
            self._counted[term] = self._counting(term)
        return self._counted[term]

    def _counting(self, term: str | None) -> int:
        searcher = self._searcher
        holding = searcher.num_docs if term is None else searcher.doc_freq("text", term)
        if self._readable is None or not holding:
            return holding
        query = self._inside(self._readable)
        found: Any = searcher.search(query if term is None else _both(query, self._term(term)), 1)
        return found.count

    def _term(self, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "text", term)

    def _inside(self, collections: frozenset[str]) -> tantivy.Query:
        """Matches the chunks of collections, without a part in the score."""
        names = tantivy.Query.term_set_query(self._schema, "collection", sorted(collections))
        return tantivy.Query.const_score_query(names, 0.0)


def _both(one: tantivy.Query, other: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, one), (tantivy.Occur.Must, other)])


def _rarity(holding: int, total: int) -> float:
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))
