"""What one question tells of a configuration: scores between 0 and 1. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from eval.evidence import holds_gold
from eval.grade import contains
from eval.questions import Question
from eval.score import token_f1
from ingest.stored import StoredChunk
from service.answer import Answer, Citation
from service.ground import without_citations
from service.retrieve import Hit

Level = Literal["passage", "page", "document"]
"""What is relevant: a chunk with a gold answer, a chunk of a page of the evidence, or a document
of the evidence, in which case a ranking is one of documents, each at its best chunk's place."""

CUTS = (1, 3, 10)
SHOWN = 3
"""Hits that a prompt gets."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question under a configuration.

    `scores` has the measures that are defined for it, by column. `borne`: whether the answer or a
    quote, those shown beside an abstention too, holds a gold answer; None where gold answers are
    no texts to be found. `confidence`: what abstention goes by.
    """

    id: str
    source: str
    answerable: bool
    abstained: bool
    confidence: float
    borne: bool | None
    scores: dict[str, float]


def outcome(
    asked: Question,
    level: Level,
    hits: Sequence[Hit],
    answer: Answer,
    confidence: float,
    gold_texts: bool,
) -> Outcome:
    """Measure a question.

    Args:
        asked: The question.
        level: What is relevant.
        hits: The ranking, deeper than the ten that are looked at where it is of documents.
        answer: What the first `SHOWN` of them gave.
        confidence: What abstention went by.
        gold_texts: Whether gold answers are texts that stand in the documents.
    """
    scores: dict[str, float] = {}
    borne = None
    if asked.answerable:
        scores |= ranks(asked, level, [hit.chunk for hit in hits])
        scores["false abst"] = float(answer.abstained)
    else:
        scores["false ans"] = float(not answer.abstained)
    if asked.answerable and gold_texts:
        quotes = [citation.quote for citation in answer.citations]
        borne = any(contains(text, asked.answers) for text in (*quotes, answer.answer))
        shown = "\n".join(hit.chunk.text for hit in hits[:SHOWN])
        scores["gold@3"] = float(contains(shown, asked.answers))
        scores["quoted"] = float(borne and not answer.abstained)
        scores["told"] = float(contains(answer.answer, asked.answers) and not answer.abstained)
        scores["F1"] = token_f1(without_citations(answer.answer), asked.answers)
    if asked.answerable and level == "page":
        # A clause that was not located has no page, and no citation is right.
        wanted = {(item.document, item.page) for item in asked.evidence if item.page}
        cited = {(citation.document, citation.page) for citation in answer.citations}
        scores["page"] = float(bool(wanted & cited) and not answer.abstained)
    if asked.answerable and not answer.abstained:
        right, found = citing(asked, level, answer.citations)
        scores["cite P"] = sum(right) / len(right) if right else 0.0
        scores["cite R"] = found
    return Outcome(
        id=asked.id,
        source=asked.source,
        answerable=asked.answerable,
        abstained=answer.abstained,
        confidence=confidence,
        borne=borne if asked.answerable else False,
        scores=scores,
    )


def citing(
    asked: Question, level: Level, citations: Sequence[Citation]
) -> tuple[list[bool], float]:
    """Whether each citation is right, and the share of what there is to cite that is cited.

    Of documents and pages, those of the evidence; of passages, a quote of the document with a gold
    answer in it, of which one is enough. A citation may be useful and still count as wrong: a set's
    evidence names one place for an answer that may stand in several.
    """
    wanted = {
        (item.document, item.page if level == "page" else None)
        for item in asked.evidence
        if level != "page" or item.page
    }
    places = [(one.document, one.page if level == "page" else None) for one in citations]
    right = [place in wanted for place in places]
    if level == "passage":
        gold = [contains(one.quote, asked.answers) for one in citations]
        right = [place and held for place, held in zip(right, gold, strict=True)]
        return right, float(any(right))
    return right, len(wanted.intersection(places)) / len(wanted) if wanted else 0.0


def ranks(asked: Question, level: Level, chunks: Sequence[StoredChunk]) -> dict[str, float]:
    """Recall at each of `CUTS`, nDCG@10 and whether the first three hits have all documents.

    Of documents, recall is the share of the relevant ones. Of chunks, that there is one: several
    may hold the answer, and one is enough. nDCG is then that of the first one (Järvelin and
    Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002).
    """
    documents = {item.document for item in asked.evidence}
    if level == "document":
        names = list(dict.fromkeys(chunk.document.path for chunk in chunks))
        relevant, ideal = [name in documents for name in names], len(documents)
    else:
        first = next((at for at, one in enumerate(chunks) if _is_gold(asked, level, one)), None)
        relevant, ideal = [at == first for at in range(len(chunks))], 1
    found = {f"R@{cut}": sum(relevant[:cut]) / ideal for cut in CUTS}
    gain = sum(1 / math.log2(at + 2) for at, one in enumerate(relevant[:10]) if one)
    found["nDCG@10"] = gain / sum(1 / math.log2(at + 2) for at in range(min(ideal, 10)))
    found["doc@3"] = float(documents <= {chunk.document.path for chunk in chunks[:SHOWN]})
    return found


def _is_gold(asked: Question, level: Level, chunk: StoredChunk) -> bool:
    if level == "passage":
        return holds_gold(chunk, asked)
    return any(
        item.document == chunk.document.path
        and item.page is not None
        and (chunk.page_from or 0) <= item.page <= (chunk.page_to or 0)
        for item in asked.evidence
    )


def means(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The mean of each measure over the questions that have it, and how well abstention does.

    "abst F1" takes abstaining for the positive class. "AURC" is the area under the curve of risk
    over coverage, the surest answers given first (Geifman, Uziel and El-Yaniv, "Bias-reduced
    uncertainty estimation for deep neural classifiers", ICLR 2019): a risk is an answer to an
    unanswerable question, or one that neither has nor quotes gold. "AUROC": how well confidence
    tells the answerable from the others.
    """
    values: dict[str, list[float]] = {}
    for one in outcomes:
        for name, score in one.scores.items():
            values.setdefault(name, []).append(score)
    found = {name: sum(scores) / len(scores) for name, scores in values.items()}
    if not all(one.answerable for one in outcomes):
        found["AUROC"] = auroc(outcomes)
    if "false ans" in found:
        silent = [one for one in outcomes if one.abstained]
        right = sum(not one.answerable for one in silent)
        asked = sum(not one.answerable for one in outcomes)
        found["abst F1"] = 2 * right / (len(silent) + asked)
    if outcomes and all(one.borne is not None for one in outcomes):
        found["AURC"] = aurc(outcomes)
    return found


def aurc(outcomes: Sequence[Outcome]) -> float:
    """See `means`; 0 is best."""
    order = sorted(outcomes, key=lambda one: -one.confidence)
    wrong = np.array([not one.borne for one in order], np.float64)
    return float((wrong.cumsum() / np.arange(1, len(order) + 1)).mean())


def auroc(outcomes: Sequence[Outcome]) -> float:
    """See `means`; 0.5 is chance, nan where there is one kind of questions only."""
    from sklearn import metrics

    answerable = [one.answerable for one in outcomes]
    if len(set(answerable)) < 2:
        return math.nan
    confidences = [one.confidence for one in outcomes]
    return float(cast(Any, metrics).roc_auc_score(answerable, confidences))
