"""Searching the text index of a generation by words: BM25, whose scores can be kept to a part.

A term counts for more the rarer it is. Where only some collections may be read, that is counted
among their chunks alone, so that no score tells which words stand in the others; all that scores
then have of the others is the mean length of a chunk, which tantivy takes over the whole index.
"""

import math
from typing import Any, cast

import tantivy

from ingest.texts import terms as terms_of

Counts = dict[tuple[frozenset[str] | None, str | None], int]
"""How many of the chunks that somebody may read hold a term; None: of all, and how many they are.

Counting a common word among some collections takes longer than the search.
"""

KEPT = 100_000
"""Terms, each with those who asked, that are kept."""


class Words:
    """The text index as one question sees it; `readable`: those collections alone; None: all."""

    def __init__(
        self,
        text: tantivy.Index,
        held: int,
        counts: Counts,
        readable: frozenset[str] | None = None,
    ) -> None:
        """Look at what `text` holds now: `held` chunks, removed ones among them.

        `counts` is kept from question to question, as long as `text` stays as it is.
        """
        self._schema = text.schema
        self._searcher = text.searcher()
        self._held = held
        self._counts = counts
        self._readable = readable

    def search(
        self, question: str, count: int, collections: frozenset[str] | None
    ) -> list[tuple[int, float]]:
        """The chunks of the collections that match best: (id, score), the best first."""
        terms = dict.fromkeys(terms_of(question))
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
        return {term: _rarity(self._count(term), self._count()) for term in terms_of(question)}

    def _weighed(self, term: str) -> tantivy.Query:
        query = self._term(term)
        if self._readable is None:
            return query
        holding = self._searcher.doc_freq("text", term)
        own = _rarity(self._count(term), self._count())
        return tantivy.Query.boost_query(query, own / _rarity(holding, self._held))

    def _count(self, term: str | None = None) -> int:
        """How many chunks, deleted ones among them, hold a term, or how many there are."""
        counted = self._counts.get((self._readable, term))
        if counted is None:
            counted = self._counting(term)
            if len(self._counts) >= KEPT:
                self._counts.clear()
            self._counts[self._readable, term] = counted
        return counted

    def _counting(self, term: str | None) -> int:
        searcher = self._searcher
        holding = self._held if term is None else searcher.doc_freq("text", term)
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
