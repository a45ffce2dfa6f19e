"""SQuAD 1.1 and 2.0 files: their questions, and their paragraphs as a wiki of one page an article.

Rajpurkar et al., "Know What You Don't Know: Unanswerable Questions for SQuAD" (ACL 2018).
"""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class UnreadableQuestions(ValueError):
    """A question file is not what it should be; the message names the file and the place."""


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
    for number, article in enumerate(_articles(file), start=1):
        with _naming(f"{file}: article {number}"):
            yield from _questions(article)


def write_wiki(file: Path, folder: Path) -> list[Path]:
    """Write each article as a Markdown page of its paragraphs. Raises `UnreadableQuestions`."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for number, article in enumerate(_articles(file), start=1):
        with _naming(f"{file}: article {number}"):
            title = article["title"].replace("_", " ")
            paragraphs = [paragraph["context"].strip() for paragraph in article["paragraphs"]]
        page = folder / f"{article['title'].replace('/', '_')}.md"
        page.write_text("\n\n".join([f"# {title}", *paragraphs]) + "\n", encoding="utf-8")
        written.append(page)
    return written


def _questions(article: dict[str, Any]) -> Iterator[SquadQuestion]:
    for paragraph in article["paragraphs"]:
        for asked in paragraph["qas"]:
            yield SquadQuestion(
                id=asked["id"],
                article=article["title"],
                question=asked["question"].strip(),
                answers=tuple(dict.fromkeys(a["text"] for a in asked["answers"])),
                paragraph=paragraph["context"],
            )


def _articles(file: Path) -> list[dict[str, Any]]:
    with _naming(str(file)):
        return list(json.loads(file.read_text(encoding="utf-8"))["data"])


@contextmanager
def _naming(place: str) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableQuestions(f"{place}: not as in a SQuAD file ({error!r})") from error
