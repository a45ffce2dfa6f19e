"""The four public sets of the quality benchmark: a corpus to index and questions with evidence.

Nothing is embedded or indexed here. Each loader gives folders to index, each a collection of its
name, whose documents are named in the evidence by their paths below the folder, and the same
questions for the same seed. Of SQuAD, nothing may be fitted on the `test` articles.
"""

import ast
import json
import random
import re
import shutil
import tokenize
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Literal

from bench.squad_wiki import QUESTIONS, SEED, SHARED, articles
from eval.imports.beir import write_pages
from eval.imports.formats import import_questions
from eval.imports.locate import locate
from eval.imports.records import BadRecord, Record, csv_records, text_of
from eval.questions import Question, UnreadableQuestions
from eval.squad import write_wiki

CONTRACTS = SHARED / "contracts"
SEC10Q = SHARED / "sec10q" / "data" / "v1"
SCIFACT = SHARED / "retrieval" / "scifact"

LEFT_OUT = "left-out"
"""The collection of every other `test` article: an index can be asked as if it lacked them."""

_SOURCES = re.compile(r"^\s*SOURCE\(S\):.*$|\s*\(SOURCE: [^)]*\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class QualitySet:
    """Folders to index together, and questions in the order of their set's file.

    `corpus` says of what kind the documents are. Of what is indexed, only the `readable`
    collections are asked; None: all.
    """

    name: str
    corpus: str
    folders: tuple[Path, ...]
    questions: list[Question]
    readable: frozenset[str] | None = None


def squad2_dev(
    split: Literal["tune", "test"],
    work: Path,
    answerable: int | None = 600,
    unanswerable: int | None = 300,
    seed: int = SEED,
) -> QualitySet:
    """Questions of the split's articles; the corpus is all articles, those of both splits.

    The articles lie in three folders: `tune`, and the `test` ones by turns in `left-out` and
    `kept`.

    Args:
        split: Which articles the questions come from.
        work: A folder to write the articles to, as pages of a wiki.
        answerable: So many questions with an answer, None for all; drawn by article in turns.
        unanswerable: So many without, likewise.
        seed: Of the draw.
    """
    folders = _write_articles(work)
    titles = set(articles(split))
    read = import_questions("squad", QUESTIONS).questions
    read = [one for one in read if one.source.replace(" ", "_") in titles]
    drawn = {
        one.id
        for is_answerable, count in ((True, answerable), (False, unanswerable))
        for one in draw([one for one in read if one.answerable == is_answerable], count, seed)
    }
    asked = [one for one in read if one.id in drawn]
    return QualitySet(f"squad2-dev-{split}", "squad2-dev", folders, asked)


def squad2_left_out(work: Path, count: int | None = 600, seed: int = SEED) -> QualitySet:
    """Answerable questions of the `test` articles, of which half are as if they were not indexed.

    The questions on those are unanswerable here.

    Args:
        work: As for `squad2_dev`, whose index it shares.
        count: So many questions, None for all; drawn by article in turns.
        seed: Of the draw.
    """
    made, without = squad2_dev("test", work, count, 0, seed), left_out()
    questions = [
        replace(one, answers=(), answerable=False, evidence=())
        if one.source.replace(" ", "_") in without
        else one
        for one in made.questions
    ]
    readable = frozenset({"tune", "kept"})
    return replace(made, name="squad2-dev-left-out", questions=questions, readable=readable)


def left_out() -> set[str]:
    """The names of the articles in `left-out`."""
    return set(articles("test")[::2])


def _write_articles(work: Path) -> tuple[Path, ...]:
    without, tune = left_out(), set(articles("tune"))
    for page in write_wiki(QUESTIONS, work):
        name = "tune" if page.stem in tune else LEFT_OUT if page.stem in without else "kept"
        (work / name).mkdir(exist_ok=True)
        page.replace(work / name / page.name)
    return tuple(work / name for name in ("tune", "kept", LEFT_OUT))


def contracts(
    count: int | None = 400,
    seed: int = SEED,
    documents: int | None = None,
    work: Path | None = None,
    others: bool = False,
) -> QualitySet:
    """Questions about clauses, with the pages that their text is found on.

    A question whose clause is not found stays, its evidence without a page.

    Args:
        count: So many questions, None for all; drawn by contract in turns.
        seed: Of the draws.
        documents: So many contracts, drawn with the seed, in place of all; the others are neither
            in the corpus nor asked about.
        work: A folder to copy those contracts to.
        others: All contracts but those, as `contracts-others`.
    """
    folder = CONTRACTS / "pdf"
    read = import_questions("cuad", CONTRACTS / "clauses.csv", documents=folder).questions
    sources = sorted({one.source for one in read})
    name = "contracts-others" if others else "contracts"
    if documents is not None and work is not None and documents < len(sources):
        chosen = set(random.Random(seed).sample(sources, documents))
        chosen = {one for one in sources if (one in chosen) != others}
        read = [one for one in read if one.source in chosen]
        folder = copy_files(chosen, folder, work / name)
    drawn = draw(read, count, seed)
    return QualitySet(name, "contracts", (folder,), locate(drawn, folder).questions)


def sec10q(
    documents: Literal["single", "multi"],
    companies: Sequence[str] | None = None,
    work: Path | None = None,
) -> QualitySet:
    """All questions that ask about one report, or about several, with those reports as evidence.

    The answers' lines that name their sources are left out: the reports are the evidence. The
    source of a question is its company.

    Args:
        documents: Which questions.
        companies: Only these companies' reports and questions, such as AAPL; None for all five.
        work: A folder to copy those reports to.
    """
    file, folder = SEC10Q / "qna_data.csv", SEC10Q / "docs"
    kinds = {
        place.rpartition(" ")[2]: _field(place, row, "Question Type")
        for place, row in csv_records(file)
    }
    wanted = {"single": "Single-Doc", "multi": "Multi-Doc"}[documents]
    read = import_questions("table", file, documents=folder).questions
    chosen = [
        replace(
            one,
            answers=tuple(_SOURCES.sub("", answer).strip() for answer in one.answers),
            source=Path(one.evidence[0].document).stem.rpartition(" ")[2],
        )
        for one in read
        if kinds[one.id.rpartition("-")[2]].startswith(wanted)
    ]
    if companies is not None and work is not None:
        chosen = [one for one in chosen if one.source in companies]
        reports = {
            file.relative_to(folder).as_posix()
            for file in folder.rglob("*.pdf")
            if file.stem.rpartition(" ")[2] in companies
        }
        folder = copy_files(reports, folder, work / "sec10q")
    return QualitySet(f"sec10q-{documents}", "sec10q", (folder,), chosen)


def scifact(work: Path, count: int | None = None, seed: int = SEED) -> QualitySet:
    """Claims as questions, the abstracts that they cite as evidence; the corpus is all abstracts.

    There are no gold answers: the cited abstracts' titles stand in for them (`eval.imports.beir`).

    Args:
        work: A folder to write to: `beir`, the set as BEIR has it, and `pages`, the corpus.
        count: So many claims, None for all.
        seed: Of the draw.
    """
    beir, pages = work / "beir", work / "pages"
    write_beir(SCIFACT, beir)
    write_pages(beir, pages)
    read = import_questions("beir", beir, split="train").questions
    return QualitySet("scifact", "scifact", (pages,), draw(read, count, seed))


def copy_files(names: Collection[str], source: Path, target: Path) -> Path:
    """Copy files, named by their paths below `source`; what else is in `target` goes."""
    for file in [*target.rglob("*")]:
        if file.is_file() and file.relative_to(target).as_posix() not in names:
            file.unlink()
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    return target


def draw(questions: Sequence[Question], count: int | None, seed: int) -> list[Question]:
    """So many questions, drawn source by source in turns, in their order; all for None."""
    if count is None or count >= len(questions):
        return list(questions)
    chance = random.Random(seed)
    by_source: dict[str, list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        by_source[question.source].append(place)
    ranked: list[tuple[int, float, int]] = []
    for places in by_source.values():
        chance.shuffle(places)
        # Within a turn the sources come by chance, so that a last turn cut short favours none.
        ranked.extend((turn, chance.random(), place) for turn, place in enumerate(places))
    return [questions[place] for place in sorted(one[-1] for one in sorted(ranked)[:count])]


def write_beir(source: Path, folder: Path) -> None:
    """Write SciFact's two tables as a BEIR folder whose only judgements are `train`.

    Raises `UnreadableQuestions` for a row that is wrong, and for a cited abstract that the corpus
    does not have.
    """
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    pages: list[str] = []
    known: set[str] = set()
    for place, row in csv_records(source / "corpus.csv"):
        name = _field(place, row, "doc_id")
        known.add(name)
        text = " ".join(listed_texts(_field(place, row, "abstract"), place))
        pages.append(json.dumps({"_id": name, "title": _field(place, row, "title"), "text": text}))
    queries: dict[str, str] = {}
    judged: dict[tuple[str, str], None] = {}
    for place, row in csv_records(source / "claims_train.csv"):
        claim = _field(place, row, "id")
        queries[claim] = json.dumps({"_id": claim, "text": _field(place, row, "claim")})
        for cited in re.findall(r"\d+", _field(place, row, "cited_doc_ids")):
            if cited not in known:
                raise UnreadableQuestions(f"{place}: field 'cited_doc_ids': no abstract {cited}")
            judged[claim, cited] = None
    lines = ["query-id\tcorpus-id\tscore", *(f"{claim}\t{cited}\t1" for claim, cited in judged)]
    _write(folder / "corpus.jsonl", pages)
    _write(folder / "queries.jsonl", list(queries.values()))
    _write(folder / "qrels" / "train.tsv", lines)


def listed_texts(cell: str, place: str) -> list[str]:
    """The texts of a list as NumPy prints it: quoted, without commas between them.

    Raises `UnreadableQuestions`.
    """
    # Python joins texts that stand side by side, so they are told apart token by token.
    try:
        tokens = list(tokenize.generate_tokens(StringIO(cell.strip()).readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise UnreadableQuestions(f"{place}: a list of texts is wanted, {error}") from error
    texts = [
        str(ast.literal_eval(token.string)) for token in tokens if token.type == tokenize.STRING
    ]
    if not texts:
        raise UnreadableQuestions(f"{place}: a list of texts is wanted, found {cell[:60]!r}")
    return texts


def _field(place: str, row: Record | BadRecord, name: str) -> str:
    try:
        if isinstance(row, BadRecord):
            raise row
        return text_of(row, name)
    except BadRecord as bad:
        raise UnreadableQuestions(f"{place}: {bad}") from bad


def _write(file: Path, lines: Sequence[str]) -> None:
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
