"""An answer's row: right or not, and the measures beside it. Pure."""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from eval.arm import Given, Prepared
from eval.evidence import chunk_name, holds_gold
from eval.grade import ANSWER_WORDS, contains, normalise
from eval.penstock import NotPenstock
from eval.penstock import parse as parse_penstock
from eval.questions import Question
from eval.rows import Row
from eval.task import Costs
from service.ground import without_citations
from service.llm import LLMError, LLMTimeout, Reply


class NotInForm(ValueError):
    """A text is not of the form that a format task asks for."""


def _json(text: str) -> str:
    """A JSON text in one canonical form, so that what is equal in JSON is equal, and no more.

    In Python `true` equals 1; in JSON it does not, while 1.0 does.
    """
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_number)
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except ValueError as error:
        raise NotInForm(str(error)) from error


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


PARSERS: Mapping[str, Callable[[str], Any]] = {"penstock": parse_penstock, "json": _json}
"""Forms by grader: what makes a text into a value; two answers are equal when the values are."""


def parsed(grader: str, text: str) -> Any | None:
    """The value of a text in the grader's form; None where it is not of that form."""
    try:
        return PARSERS[grader](text)
    except (NotInForm, NotPenstock, RecursionError):
        return None


def is_right(grader: str, question: Question, given: Given) -> bool:
    """Whether an answer is right: see `eval.grade`, and for forms equality after parsing."""
    if not question.answerable:
        return given.abstained
    if grader == "contains":
        return contains(given.answer, question.answers, ANSWER_WORDS)
    value = parsed(grader, given.answer)
    return value is not None and any(value == parsed(grader, gold) for gold in question.answers)


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """Token F1 against the nearest gold answer (SQuAD evaluation script v1.1)."""
    return max(
        (_f1(normalise(answer).split(), normalise(gold).split()) for gold in golds), default=0.0
    )


def _f1(found: list[str], wanted: list[str]) -> float:
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted)) if common else 0.0


def row(
    arm: str,
    seed: int,
    question: Question,
    prepared: Prepared,
    given: Given,
    reply: Reply | None,
    grader: str,
    costs: Costs,
) -> Row:
    """The row of an answer that was given."""
    used = (reply.prompt_tokens, reply.completion_tokens) if reply else (0, 0)
    price = used[0] * costs.prompt_million + used[1] * costs.completion_million
    return Row(
        arm=arm,
        seed=seed,
        id=question.id,
        answer=given.answer,
        abstained=given.abstained,
        right=int(is_right(grader, question, given)),
        grounding=given.grounding,
        retrieved=tuple(chunk_name(chunk) for chunk in prepared.passages),
        scores=_scores(question, prepared, given, grader),
        prompt_tokens=used[0],
        completion_tokens=used[1],
        cost=round(price / 1e6, 8),
    )


def failed(arm: str, seed: int, question: Question, error: LLMError) -> Row:
    """The row of an answer that the infrastructure kept back: unscored."""
    return Row(arm, seed, question.id, "", False, None, error=str(error) or repr(error))


def late(
    arm: str,
    seed: int,
    question: Question,
    prepared: Prepared,
    error: LLMTimeout,
    grader: str,
    costs: Costs,
) -> Row:
    """The row of an answer that took too long: wrong, like one that is empty."""
    empty = row(arm, seed, question, prepared, Given("", False), None, grader, costs)
    return replace(empty, error=str(error) or repr(error))


def _scores(question: Question, prepared: Prepared, given: Given, grader: str) -> dict[str, float]:
    # Marks like [1] are no words of an answer; in a form they may be its content.
    answer = without_citations(given.answer) if grader == "contains" else given.answer
    scores: dict[str, float] = {"words": len(answer.split())}
    if question.answerable:
        golds = [normalise(gold) for gold in question.answers]
        said = normalise(answer)
        scores["exact_match"] = float(bool(said) and said in golds)
        scores["f1"] = round(token_f1(answer, question.answers), 6)
    if grader != "contains":
        scores["parsed"] = float(parsed(grader, given.answer) is not None)
    elif (prepared.passages or prepared.asked) and question.answerable:
        scores |= _retrieval(question, prepared)
        scores |= _citations(question, given)
    return scores


def _retrieval(question: Question, prepared: Prepared) -> dict[str, float]:
    """recall@k of the gold passage, nDCG with one relevant rank, and whether a prompt had it."""
    ranks = [
        rank for rank, chunk in enumerate(prepared.passages, start=1) if holds_gold(chunk, question)
    ]
    return {
        "retrieved": float(bool(ranks)),
        "ndcg": round(1 / math.log2(ranks[0] + 1), 6) if ranks else 0.0,
        "reached": float(bool(ranks) and prepared.reached),
    }


def _citations(question: Question, given: Given) -> dict[str, float]:
    """Of the citations, those that hold a gold answer; and whether one of them does.

    None of it where nothing was cited or the arm abstained.
    """
    if given.abstained:
        return {}
    documents = {evidence.document for evidence in question.evidence}
    cited = [
        contains(citation.quote, question.answers)
        and (not documents or citation.document in documents)
        for citation in given.citations
        if f"[{citation.n}]" in given.answer
    ]
    if not cited:
        return {}
    return {
        "citation_precision": round(sum(cited) / len(cited), 6),
        "citation_recall": float(any(cited)),
    }
