"""How sure retrieval is that the passages answer the question, and from where on to say so. Pure.

A logistic regression on two cosines and the fused score, which has BM25 in it. Word overlap alone
tells more within one collection and misleads in the next, where people use other words than the
documents, so it is left out. Questions whose answer is missing though their subject is there look
like any other to retrieval: those are the reader's to turn down.
`python -m bench.fit_abstention` makes the figures below again; what was tried stands in
docs/decisions/2026-11-24-abstention.md and docs/decisions/2026-11-29-baseline.md.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from service.ground import Quote
from service.retrieve import Hit


class Signals(NamedTuple):
    """The question's cosine with the best hit and with the best sentence, and the best score.

    Scores are taken without what names of the question add to them.
    """

    hit_cosine: float
    quote_cosine: float
    score: float = 0.0


WEIGHTS = Signals(9.347, 8.916, 16.423)
BIAS = -11.996
THRESHOLD = 0.569
"""At it, an eighth of the unanswerable questions of one set of the fit data (3b58e4ba931df946) is
answered, and of no other set more."""


def signals(hits: Sequence[Hit], quotes: Sequence[Quote]) -> Signals:
    """The signals of one question; zero where nothing was found."""
    return Signals(
        max((hit.close.cosine for hit in hits), default=0.0),
        max((quote.cosine for quote in quotes), default=0.0),
        max((hit.score - hit.source for hit in hits), default=0.0),
    )


def confidence(of: Signals) -> float:
    """The fitted probability, 0…1, that the passages hold an answer."""
    total = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, of, strict=True))
    return 1 / (1 + math.exp(-total))
