"""The page of a quote: a seam between imports, which know the words, and an index of pages."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from eval.questions import Evidence, Question


class PageFinder(Protocol):
    """Tells where words stand in a document."""

    def __call__(self, document: str, quote: str) -> int | None:
        """The physical page, from 1, on which the quote begins; None where it is not found."""
        ...


def with_pages(questions: Iterable[Question], find: PageFinder) -> Iterator[Question]:
    """The questions with a page for each quote that has none and is found."""
    for question in questions:
        yield replace(question, evidence=tuple(_placed(one, find) for one in question.evidence))


def _placed(evidence: Evidence, find: PageFinder) -> Evidence:
    if evidence.page is not None or not evidence.quote:
        return evidence
    return replace(evidence, page=find(evidence.document, evidence.quote))
