"""SQuAD 1.1 and 2.0, and what is published in their form (CUAD, COVID-QA, SQuADShifts).

Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (EMNLP 2016) and
"Know What You Don't Know: Unanswerable Questions for SQuAD" (ACL 2018).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from eval.imports.records import (
    BadRecord,
    Item,
    Note,
    Record,
    Skipped,
    converted,
    distinct,
    record,
    text_of,
)
from eval.questions import Evidence, Question
from eval.squad import articles, page_name, title_of
from ingest.sentences import Span, sentences

Quote = Literal["sentence", "paragraph"]


def import_squad(file: Path, quote: Quote = "sentence") -> Iterator[Item]:
    """All questions in the order of the file; their source is the article.

    The evidence is the article's page as `eval.squad.write_wiki` names it. A question that its
    paragraph does not answer is unanswerable and has no evidence.

    Args:
        file: The JSON file.
        quote: What the evidence quotes: the sentences that hold the answer, or their paragraph.
    """
    for number, article in enumerate(articles(file), start=1):
        place = f"{file}: article {number}"
        try:
            title = title_of(article)
            page = page_name(title)
            paragraphs = list(article["paragraphs"])
        except (AttributeError, LookupError, TypeError) as error:
            yield Skipped(place, f"not as in a SQuAD file ({error!r})")
            continue
        for count, paragraph in enumerate(paragraphs, start=1):
            where = f"{place}: paragraph {count}"
            try:
                context: str = paragraph["context"]
                asked = list(paragraph["qas"])
                spans = [] if quote == "paragraph" else sentences(context)
            except (AttributeError, LookupError, TypeError) as error:
                yield Skipped(where, f"not as in a SQuAD file ({error!r})")
                continue
            read = partial(_question, title=title, page=page, context=context, spans=spans)
            yield from converted(
                ((f"{where}: question {at}", record(one)) for at, one in enumerate(asked, start=1)),
                read,
            )


def _question(
    place: str, asked: Record, title: str, page: str, context: str, spans: list[Span]
) -> Iterator[Item]:
    answers = _answers(asked)
    quotes: list[str] = []
    for text, start in answers:
        found = _find(context, text, start)
        quotes.append(_quote(context, spans, found))
        if found is None:
            yield Note(place, f"the answer {text!r} does not stand in its paragraph")
    yield Question(
        id=text_of(asked, "id"),
        question=text_of(asked, "question"),
        answers=distinct([text for text, _ in answers]),
        answerable=bool(answers),
        evidence=tuple(Evidence(page, text) for text in distinct(quotes)),
        source=title,
    )


def _answers(asked: Record) -> list[tuple[str, int]]:
    """The answers with where they begin, -1 where that is not told."""
    value = asked.get("answers")
    if not isinstance(value, list):
        raise BadRecord(f"field 'answers': a list is wanted, found {value!r}")
    answers: list[tuple[str, int]] = []
    for answer in cast(list[Any], value):
        if not isinstance(answer, dict):
            raise BadRecord(f"field 'answers': objects are wanted, found {answer!r}")
        answer = cast(dict[str, Any], answer)
        start = answer.get("answer_start")
        answers.append((text_of(answer, "text"), start if isinstance(start, int) else -1))
    if bool(answers) == bool(asked.get("is_impossible")):
        raise BadRecord(
            f"field 'answers': {len(answers)} though 'is_impossible' is "
            f"{asked.get('is_impossible')!r}"
        )
    return answers


def _find(context: str, text: str, start: int) -> Span | None:
    """Where the text stands: at its start, or, as starts are off by blanks, nearest to it."""
    places: list[int] = []
    place = context.find(text)
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    if not places:
        return None
    nearest = min(places, key=lambda place: abs(place - start))
    return Span(nearest, nearest + len(text))


def _quote(context: str, spans: list[Span], answer: Span | None) -> str:
    """The sentences from where the answer begins to where it ends, or the whole paragraph."""
    if answer is None:
        return context.strip()
    held = [span for span in spans if span.start < answer.end and span.end > answer.start]
    return context[held[0].start : held[-1].end] if held else context.strip()
