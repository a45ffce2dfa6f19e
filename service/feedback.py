"""`/v1/feedback`: what readers say of answers, kept in a file that `ragfirst eval import` reads.

Each line is a FlashRAG record: id, question, golden_answers, metadata with the evidence; what else
stands in it is for people, and passed over by the import. `golden_answers` holds only what somebody
has called right, so that a line without any is kept, and left out by the import, which names it.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import filelock
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.exceptions import HTTPException

from ingest.disk import to_disk
from service import problems
from service.access import Asking
from service.ground import without_citations
from service.prompt import says_unknown
from service.schemas import Question

FILE = "feedback.jsonl"

MAX_BYTES = 1 << 26
"""A file of this size takes no more: 64 MiB, some 30,000 lines with their citations."""

LOCK_SECONDS = 10.0


class FeedbackUnkept(OSError):
    """Feedback could not be written; the message says why and what to do."""


class FeedbackFull(FeedbackUnkept):
    """The file has reached `MAX_BYTES`."""


class CitedBody(BaseModel):
    """A citation as the answer had it; its other members are passed over."""

    n: Annotated[int, Field(ge=1, le=1000)]
    document: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    page: Annotated[int, Field(ge=1, le=10**6)] | None = None
    section: Annotated[str, StringConstraints(max_length=1000)] = ""
    quote: Annotated[str, StringConstraints(max_length=2000)] = ""


class FeedbackRequest(BaseModel):
    """Whether an answer was right. `answer` and `citations` are as the service gave them.

    `right_answer`: what it should have been, where somebody knows; short, as a test wants it.
    """

    model_config = ConfigDict(extra="forbid")

    question: Question
    answer: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)
    ]
    right: bool
    right_answer: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    citations: Annotated[list[CitedBody], Field(max_length=20)] = []


class FeedbackBody(BaseModel):
    """What was kept. `usable`: whether `ragfirst eval import` makes a question of it."""

    id: str
    usable: bool


def add_feedback(app: FastAPI, index: Path) -> None:
    """Add the route; `index` is the folder that the file lies in."""

    @app.post(
        "/v1/feedback",
        tags=["feedback"],
        status_code=201,
        responses=problems.responses(422, 503, 507),
    )
    def feedback(body: FeedbackRequest, caller: Asking) -> FeedbackBody:
        """Keep what a reader says of an answer, for the next test set.

        It becomes a question where somebody said what is right: an answer marked right is its own
        gold answer, a `right_answer` is one too. Else it is kept without becoming a question.
        """
        line = line_of(body, caller.name, datetime.now(UTC))
        try:
            append(index / FILE, line)
        except FeedbackUnkept as error:
            full = isinstance(error, FeedbackFull)
            retry = None if full else {"Retry-After": problems.RETRY_LATER}
            raise HTTPException(507 if full else 503, str(error), retry) from error
        return FeedbackBody(id=line["id"], usable=bool(line["golden_answers"]))


def line_of(body: FeedbackRequest, by: str, at: datetime) -> dict[str, Any]:
    """The line, without its end, of feedback by a caller's name."""
    said, wanted = without_citations(body.answer), body.right_answer
    gold = [wanted] if wanted and not says_unknown(wanted) else []
    if body.right and said and not says_unknown(said) and said not in gold:
        gold.append(said)
    nothing_to_find = says_unknown(wanted or (said if body.right else ""))
    return {
        "id": f"feedback-{uuid4().hex}",
        "question": body.question,
        "golden_answers": gold,
        "metadata": {"question_decomposition": _evidence(body, gold)},
        "answerable": True if gold else (False if nothing_to_find else None),
        "right": body.right,
        "answer": body.answer,
        "right_answer": wanted,
        "citations": [one.model_dump() for one in body.citations],
        "by": by,
        "at": at.isoformat(timespec="seconds"),
    }


def _evidence(body: FeedbackRequest, gold: list[str]) -> list[dict[str, Any]]:
    """Supporting paragraphs, as MuSiQue has them: the citations that bear a gold answer.

    Those are the ones that an answer called right is marked with, and any that holds the words.
    """
    bearing = [
        one
        for one in body.citations
        if (body.right and f"[{one.n}]" in body.answer)
        or any(_folded(answer) in _folded(one.quote) for answer in gold)
    ]
    return [
        {"support_paragraph": {"title": one.document, "paragraph_text": one.quote}}
        for one in (bearing if gold else [])
    ]


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def append(file: Path, line: Mapping[str, Any]) -> None:
    """Add a line, and return once it is on the disk; whole, or not at all.

    Many processes may do so at once. Raises `FeedbackUnkept`.
    """
    # The other line ends of Unicode are left as they are: readers of JSON Lines part at \n only.
    data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
    try:
        with filelock.FileLock(file.with_suffix(".lock"), timeout=LOCK_SECONDS):
            _append(file, data)
    except filelock.Timeout as error:
        raise FeedbackUnkept(
            f"the feedback file {str(file)!r} is held by another process: send it again"
        ) from error
    except FeedbackUnkept:
        raise
    except OSError as error:
        raise FeedbackUnkept(
            f"the feedback file {str(file)!r} cannot be written ({error}): mend that and send it "
            "again"
        ) from error


def _append(file: Path, data: bytes) -> None:
    with file.open("a+b", buffering=0) as out:
        size = os.fstat(out.fileno()).st_size
        if size:
            out.seek(size - 1)
            if out.read(1) != b"\n":  # a power cut has left a part of a line
                data = b"\n" + data
        if size + len(data) > MAX_BYTES:
            raise FeedbackFull(
                f"the feedback file {str(file)!r} is full ({MAX_BYTES >> 20} MiB): import it and "
                "move it away"
            )
        try:
            left = memoryview(data)
            while left:
                left = left[out.write(left) :]
            os.fsync(out.fileno())
        except OSError:
            os.ftruncate(out.fileno(), size)
            raise
    if not size:
        to_disk(file.parent)
