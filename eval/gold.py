"""Whether the documents hold what the test questions ask for. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from eval.findings import Finding, finding
from eval.grade import contains, normalise
from eval.questions import Question
from eval.task import Task

_CITATION = re.compile(r"\[\d+\]")


def gold_in_corpus(task: Task, test: Sequence[Question], documents: Mapping[str, str]) -> Finding:
    """Whether each answerable question's evidence is in the index, with its quote and an answer.

    White space counts for nothing in a quote. Of questions without evidence, an answer must stand
    somewhere in the index. Format tasks have no such answers, and pass.
    """
    if task.kind == "format":
        return finding("gold-in-corpus", "not checked: the answers of a format task are made")
    asked = [question for question in test if question.answerable]
    loose = [question for question in asked if not question.evidence]
    known = _standing(loose, documents)
    squeezed: dict[str, str] = {}
    records: list[str] = []
    for question in asked:
        if question.evidence:
            records += [
                f"{question.id}: {fault}" for fault in _faults(question, documents, squeezed)
            ]
        elif question.id not in known:
            records.append(
                f"{question.id}: no evidence is given, and none of {list(question.answers)} "
                "stands anywhere in the index"
            )
    note = f"{len(asked)} answerable test questions against {len(documents)} documents"
    if loose:
        note += f"; {len(loose)} give no evidence, their answers were sought in the whole index"
    return finding("gold-in-corpus", note, records)


def _faults(
    question: Question, documents: Mapping[str, str], squeezed: dict[str, str]
) -> Iterator[str]:
    """What is wrong with a question's evidence. `squeezed` keeps texts with single spaces."""
    for item in question.evidence:
        text = documents.get(item.document)
        if text is None:
            yield f"document {item.document!r} is not in the index{_like(item.document, documents)}"
            continue
        if item.document not in squeezed:
            squeezed[item.document] = " ".join(text.split())
        if " ".join(item.quote.split()) not in squeezed[item.document]:
            yield f"quote {item.quote!r} does not stand in {item.document!r}"
    there = [item for item in question.evidence if item.document in documents]
    if there and not any(
        contains(text, question.answers)
        for item in there
        for text in (item.quote, documents[item.document])
    ):
        names = ", ".join(repr(item.document) for item in there)
        yield f"none of {list(question.answers)} stands in {names}"


def _like(document: str, documents: Mapping[str, str]) -> str:
    """A hint, where the paths of evidence and index begin at different folders."""
    found = [
        path for path in documents if path.endswith(f"/{document}") or document.endswith(f"/{path}")
    ]
    return f" (it has {', '.join(map(repr, found[:3]))})" if found else ""


def _standing(questions: Sequence[Question], documents: Mapping[str, str]) -> set[str]:
    """The questions of which a gold answer stands somewhere, as `eval.grade.contains` has it."""
    starts: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
    for question in questions:
        for answer in question.answers:
            if gold := normalise(answer).split():
                starts[gold[0]].append((gold, question.id))
    found: set[str] = set()
    for text in documents.values() if starts else ():
        tokens = normalise(_CITATION.sub(" ", text)).split()
        for at, token in enumerate(tokens):
            for gold, name in starts.get(token, ()):
                if name not in found and tokens[at : at + len(gold)] == gold:
                    found.add(name)
    return found
