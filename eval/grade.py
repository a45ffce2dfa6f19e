"""Whether an answer is right. Pure.

An answerable question is right when a gold answer stands as a run of whole tokens, after SQuAD's
normalisation, in the first 40 words of the answer.
"""

import re
import string
from collections.abc import Iterable

ANSWER_WORDS = 40

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CITATION = re.compile(r"\[\d+\]")


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces (SQuAD evaluation script v1.1)."""
    text = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def contains(text: str, answers: Iterable[str], words: int | None = None) -> bool:
    """Whether one of the gold answers is a run of whole tokens in the (first `words` of the) text.

    A gold answer that normalises to nothing never counts.
    """
    text = _CITATION.sub(" ", text)
    if words is not None:
        text = " ".join(text.split()[:words])
    padded = f" {normalise(text)} "
    golds = (normalise(answer) for answer in answers)
    return any(gold and f" {gold} " in padded for gold in golds)
