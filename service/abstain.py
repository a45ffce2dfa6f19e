"""How sure retrieval is that the passages answer the question, and from where on to say so. Pure.

A logistic regression on four signals, fitted on the `tune` articles of the SQuAD 2.0 development
file: their questions, asked of an index with and without their own article.
`python -m bench.fit_abstention` makes the figures below again.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from service.ground import Quote
from service.retrieve import Hit


class Signals(NamedTuple):
    """What retrieval knows of how well it did.

    `hit_cosine` and `quote_cosine`: the question's cosine with the best hit and the best sentence;
    `quote_overlap`: the most of the question's idf weight that a sentence holds;
    `quote_score`: the best quote's.
    """

    hit_cosine: float
    quote_cosine: float
    quote_overlap: float
    quote_score: float


WEIGHTS = Signals(0.485, 9.917, 5.255, 5.683)
BIAS = -13.671
THRESHOLD = 0.368
"""Five questions in a hundred that have an answer fall below it (fit data 72a91491e365c22c)."""


def signals(hits: Sequence[Hit], quotes: Sequence[Quote]) -> Signals:
    """The signals of one question; all zero where nothing was found."""
    return Signals(
        max((hit.close.cosine for hit in hits), default=0.0),
        max((quote.cosine for quote in quotes), default=0.0),
        max((quote.overlap for quote in quotes), default=0.0),
        max((quote.score for quote in quotes), default=0.0),
    )


def confidence(of: Signals) -> float:
    """The fitted probability, 0…1, that the passages hold an answer."""
    total = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, of, strict=True))
    return 1 / (1 + math.exp(-total))
