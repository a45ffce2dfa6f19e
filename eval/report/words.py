"""What arms, contrasts and checks are called in plain English. Pure."""

from collections.abc import Mapping
from typing import Any

WARRANTED, NOT_WARRANTED, INCONCLUSIVE = "warranted", "not warranted", "inconclusive"

ARMS = {
    "closed-book": "the base model alone, from memory",
    "prompt": "the base model with the best instruction",
    "chain-of-thought": "the base model, told to reason in steps",
    "few-shot": "the base model shown similar solved examples",
    "constrained": "solved examples, and output held to the grammar",
    "rag": "retrieval: reads passages found in documents",
    "rag-few-shot": "retrieval, shown similar solved examples",
    "oracle": "given the right passage: the ceiling for reading",
    "specialist": "another model that reads well in general",
    "adapter": "fine-tuned, without documents",
    "adapter-rag": "fine-tuned, with retrieval",
    "adapter-again": "the same recipe, with other seeds",
}
"""What each arm is, in words."""

CONTRASTS = {
    "C1": ("adapter", "the fine-tuned model alone, without documents"),
    "C2": ("adapter-rag", "the fine-tuned model with retrieval"),
}
"""Arm and what it is, by contrast."""

MARKS = {WARRANTED: "\N{CHECK MARK}", NOT_WARRANTED: "\N{MULTIPLICATION X}", INCONCLUSIVE: "?"}
KINDS = {WARRANTED: "yes", NOT_WARRANTED: "no", INCONCLUSIVE: "open"}

GUARDS = {
    "gold-in-corpus": "the right answers are in the documents",
    "leaks": "no test question, or near copy of one, was trained on",
    "source-documents": "no document of a test question was trained on",
    "dates": "test questions are later than training questions",
    "closed-book": "no closed-book prompt holds the answer",
    "question-files": "the search index holds documents, no question files",
}
"""What holds when a guard passes, in words."""


def arm_words(name: str, report: Mapping[str, Any]) -> str:
    """What an arm is; of the specialist which model, as it is not the base."""
    if name == "specialist" and report["specialist"]:
        return f"{ARMS[name]}: {report['specialist']}"
    return ARMS.get(name, "an arm of this task")


def contrast_names(report: Mapping[str, Any]) -> list[str]:
    """The contrasts that the first screen tells of: both, also where one was not made."""
    return ["C1"] if report["twice"] else list(CONTRASTS)


def title(name: str, report: Mapping[str, Any]) -> str:
    """What a contrast asks, in words; C1 is only "instead of retrieval" where that was best."""
    if report["twice"]:
        return "One recipe, twice"
    if name == "C2":
        return "On top of retrieval"
    retrieves = "rag" in (report["baseline"] or "rag")
    return "Instead of retrieval" if retrieves else "Instead of prompting"
