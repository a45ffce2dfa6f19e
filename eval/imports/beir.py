"""BEIR folders: corpus.jsonl, queries.jsonl, qrels/<split>.tsv.

Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval
Models" (NeurIPS 2021).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from eval.imports.records import (
    BadRecord,
    Item,
    Note,
    Record,
    Skipped,
    UnusableOption,
    distinct,
    json_records,
    read_text,
    text_of,
)
from eval.questions import Evidence, Question, UnreadableQuestions


class _Judgement(NamedTuple):
    place: str
    query: str
    document: str
    score: int


class _Page(NamedTuple):
    title: str
    text: str


def import_beir(folder: Path, split: str | None = None) -> Iterator[Item]:
    """The queries of a split, in the order of its judgements; a score above 0 is relevant.

    The evidence is each relevant document's page as `write_pages` names it, best score first; the
    source is the first of them. BEIR has no gold answers: the titles of the relevant documents
    stand in for them, or the texts where they have no titles, so that of an import only figures
    of retrieval tell something.

    Args:
        folder: The folder of the data set.
        split: The name of a file in qrels/; "test" where it is there, or the only one there is.
    """
    qrels = _qrels(folder, split)
    judgements: dict[str, list[_Judgement]] = {}
    for item in _judgements(qrels):
        if isinstance(item, Skipped):
            yield item
        elif item.score > 0:
            judgements.setdefault(item.query, []).append(item)
    wanted = {one.document for found in judgements.values() for one in found}
    pages: dict[str, _Page] = {}
    queries: dict[str, str] = {}
    for place, record in json_records(folder / "corpus.jsonl"):
        try:
            name, page = _page(record)
        except BadRecord as bad:
            yield Skipped(place, str(bad))
            continue
        if name in wanted:
            pages[name] = page
    for place, record in json_records(folder / "queries.jsonl"):
        try:
            queries[_id(record)] = text_of(_sound(record), "text")
        except BadRecord as bad:
            yield Skipped(place, str(bad))
    if judgements:
        yield Note(
            str(qrels), "no gold answers in BEIR: titles or texts of relevant documents stand in"
        )
    for query, found in judgements.items():
        yield from _question(query, found, queries, pages)


def write_pages(folder: Path, out: Path) -> list[Path]:
    """Write each document of the corpus as a Markdown page, a heading where it has a title.

    Raises `UnreadableQuestions` for the first document that is wrong.
    """
    out.mkdir(parents=True, exist_ok=True)
    written: dict[Path, str] = {}
    for place, record in json_records(folder / "corpus.jsonl"):
        try:
            name, page = _page(record)
        except BadRecord as bad:
            raise UnreadableQuestions(f"{place}: {bad}") from bad
        file = out / page_name(name)
        if file in written:
            raise UnreadableQuestions(f"{place}: its page {file.name!r} is that of {written[file]}")
        heading = [f"# {page.title}"] if page.title else []
        file.write_text("\n\n".join([*heading, page.text]) + "\n", encoding="utf-8")
        written[file] = place
    return list(written)


def page_name(document: str) -> str:
    """The file name of a document's page."""
    return f"{document.replace('/', '_')}.md"


def _question(
    query: str, found: list[_Judgement], queries: dict[str, str], pages: dict[str, _Page]
) -> Iterator[Item]:
    if query not in queries:
        yield Skipped(found[0].place, f"queries.jsonl holds no query {query!r}")
        return
    ranked = sorted(found, key=lambda one: -one.score)
    for one in ranked:
        if one.document not in pages:
            yield Skipped(one.place, f"corpus.jsonl holds no document {one.document!r}")
    relevant = [one.document for one in ranked if one.document in pages]
    if relevant:
        yield Question(
            id=query,
            question=queries[query],
            answers=distinct([pages[name].title or pages[name].text for name in relevant]),
            evidence=tuple(Evidence(page_name(name), pages[name].text) for name in relevant),
            source=page_name(relevant[0]),
        )


def _qrels(folder: Path, split: str | None) -> Path:
    found = {file.stem: file for file in sorted((folder / "qrels").glob("*.tsv"))}
    if not found:
        raise UnreadableQuestions(f"{folder}: holds no qrels/*.tsv, as a BEIR folder does")
    if split is None and len(found) == 1:
        return next(iter(found.values()))
    if (split or "test") not in found:
        raise UnusableOption(
            f"option 'split': {folder / 'qrels'} holds {', '.join(found)}, not {split or 'test'!r}"
        )
    return found[split or "test"]


def _judgements(file: Path) -> Iterator[_Judgement | Skipped]:
    """The lines "query, document, score", apart by tabs, after a heading."""
    for number, line in enumerate(read_text(file).split("\n"), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not any(cells) or (number == 1 and not cells[-1].lstrip("-").isdigit()):
            continue
        place = f"{file}: line {number}"
        try:
            query, document, score = cells
            yield _Judgement(place, query, document, int(score))
        except ValueError:
            yield Skipped(place, f"query, document and a whole score are wanted, found {line!r}")


def _page(record: Record | BadRecord) -> tuple[str, _Page]:
    fields = _sound(record)
    return _id(fields), _Page(text_of(fields, "title", default=""), text_of(fields, "text"))


def _id(record: Record | BadRecord) -> str:
    fields = _sound(record)
    return text_of(fields, "_id" if "_id" in fields else "id")


def _sound(record: Record | BadRecord) -> Record:
    if isinstance(record, BadRecord):
        raise record
    return record
