"""SQuAD 1.1 and 2.0 files: their questions, and their paragraphs as a wiki of one page an article.

Rajpurkar et al., "Know What You Don't Know: Unanswerable Questions for SQuAD" (ACL 2018).
"""

import json
from collections.abc import Iterator
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
    for article in _articles(file):
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                yield SquadQuestion(
                    id=asked["id"],
                    article=article["title"],
                    question=asked["question"].strip(),
                    answers=tuple(dict.fromkeys(a["text"] for a in asked["answers"])),
                    paragraph=paragraph["context"],
                )


def write_wiki(file: Path, folder: Path) -> list[Path]:
    """Write each article as a Markdown page of its paragraphs. Raises `UnreadableQuestions`."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for article in _articles(file):
        title = article["title"].replace("_", " ")
        paragraphs = [paragraph["context"].strip() for paragraph in article["paragraphs"]]
        page = folder / f"{article['title'].replace('/', '_')}.md"
        page.write_text("\n\n".join([f"# {title}", *paragraphs]) + "\n", encoding="utf-8")
        written.append(page)
    return written


def _articles(file: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))["data"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableQuestions(f"{file}: not a SQuAD file ({error!r})") from error
