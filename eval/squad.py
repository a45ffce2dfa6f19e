"""SQuAD 1.1 and 2.0 files: their questions, and their paragraphs as a wiki of one page an article.

Rajpurkar et al., "Know What You Don't Know: Unanswerable Questions for SQuAD" (ACL 2018).
"""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.questions import UnreadableQuestions


@dataclass(frozen=True, slots=True)
class SquadQuestion:
    """A question with its gold answers (none where its paragraph does not answer it)."""

    id: str
    article: str
    question: str
    answers: tuple[str, ...]
    paragraph: str


def read_questions(file: Path) -> Iterator[SquadQuestion]:
    """All questions in the order of the file. Raises `UnreadableQuestions`."""
    for number, article in enumerate(articles(file), start=1):
        with _naming(f"{file}: article {number}"):
            yield from _questions(article)


def write_wiki(file: Path, folder: Path) -> list[Path]:
    """Write each article as a Markdown page of its paragraphs.

    Raises `UnreadableQuestions`, also where two articles would be one page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Path, int] = {}
    for number, article in enumerate(articles(file), start=1):
        with _naming(f"{file}: article {number}"):
            title = title_of(article)
            heading = title.replace("_", " ")
            paragraphs = [paragraph["context"].strip() for paragraph in article["paragraphs"]]
        page = folder / page_name(title)
        if page in written:
            raise UnreadableQuestions(
                f"{file}: article {number}: its page {page.name!r} is that of article "
                f"{written[page]} already; give one of them another title"
            )
        page.write_text("\n\n".join([f"# {heading}", *paragraphs]) + "\n", encoding="utf-8")
        written[page] = number
    return list(written)


def articles(file: Path) -> list[dict[str, Any]]:
    """The articles of a file as they stand in it. Raises `UnreadableQuestions`."""
    with _naming(str(file)):
        return list(json.loads(file.read_text(encoding="utf-8"))["data"])


def page_name(title: str) -> str:
    """The file name of an article's page."""
    return f"{title.replace('/', '_')}.md"


def title_of(article: dict[str, Any]) -> str:
    """The title of an article, or its document's number where it has none (as in COVID-QA)."""
    return article.get("title") or str(article["paragraphs"][0]["document_id"])


def _questions(article: dict[str, Any]) -> Iterator[SquadQuestion]:
    for paragraph in article["paragraphs"]:
        for asked in paragraph["qas"]:
            yield SquadQuestion(
                id=asked["id"],
                article=title_of(article),
                question=asked["question"].strip(),
                answers=tuple(dict.fromkeys(a["text"] for a in asked["answers"])),
                paragraph=paragraph["context"],
            )


@contextmanager
def _naming(place: str) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableQuestions(f"{place}: not as in a SQuAD file ({error!r})") from error
